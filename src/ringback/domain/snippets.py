"""Code that verifies what an endpoint receives, in the languages that receivers are written in.

Nothing but each language's own library, so that it can be pasted; no secret stands in it. Pure.
"""

SECRET_NAME = "RINGBACK_WEBHOOK_SECRET"  # noqa: S105 - a name, not a secret

_PYTHON = f'''\
import base64, hashlib, hmac, os, time

def verify(headers, body):
    """Say whether a request is ours: its headers (lower-case names), its body as raw bytes."""
    key = base64.b64decode(os.environ["{SECRET_NAME}"].removeprefix("whsec_"))
    stamp = headers["webhook-timestamp"]
    signed = f"{{headers['webhook-id']}}.{{stamp}}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(stamp)) <= 300
    return fresh and any(
        hmac.compare_digest(f"v1,{{expected}}", one)
        for one in headers["webhook-signature"].split()
    )
'''
_JAVASCRIPT = f"""\
const crypto = require("node:crypto");

// headers: lower-case names, as Node has them; body: a Buffer with the raw bytes.
function verify(headers, body) {{
  const key = Buffer.from(process.env.{SECRET_NAME}.replace(/^whsec_/, ""), "base64");
  const stamp = headers["webhook-timestamp"];
  const signed = Buffer.concat([Buffer.from(`${{headers["webhook-id"]}}.${{stamp}}.`), body]);
  const expected = Buffer.from(
    "v1," + crypto.createHmac("sha256", key).update(signed).digest("base64"));
  const fresh = Math.abs(Date.now() / 1000 - Number(stamp)) <= 300;
  return fresh && headers["webhook-signature"].split(" ").some((one) => {{
    const given = Buffer.from(one);
    return given.length === expected.length && crypto.timingSafeEqual(given, expected);
  }});
}}
"""
_PHP = f"""\
<?php
// $headers: lower-case names; $body: file_get_contents('php://input').
function verify(array $headers, string $body): bool {{
    $secret = preg_replace('/^whsec_/', '', getenv('{SECRET_NAME}'));
    $stamp = $headers['webhook-timestamp'];
    $signed = $headers['webhook-id'] . '.' . $stamp . '.' . $body;
    $digest = hash_hmac('sha256', $signed, base64_decode($secret), true);
    $expected = 'v1,' . base64_encode($digest);
    $fresh = abs(time() - (int) $stamp) <= 300;
    foreach (explode(' ', $headers['webhook-signature']) as $one) {{
        if ($fresh && hash_equals($expected, $one)) {{
            return true;
        }}
    }}
    return false;
}}
"""
_CURL = """\
# Sends your receiver a request that is signed as ours are.
body='{"type":"test.signature","data":{}}' id="msg_$(date +%s)" stamp=$(date +%s)
key=$(printf %s "${SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')
signature=$(printf %s "$id.$stamp.$body" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
curl -sS -i URL -H 'content-type: application/json' -H "webhook-id: $id" \\
  -H "webhook-timestamp: $stamp" -H "webhook-signature: v1,$signature" --data-binary "$body"
"""


def snippets(url: str | None) -> dict[str, str]:
    """Return code by language; `url` is where the request of `curl` goes, None: a local one."""
    target = (url or "http://127.0.0.1:3000/").replace("'", "%27")
    return {
        "python": _PYTHON,
        "javascript": _JAVASCRIPT,
        "php": _PHP,
        "curl": _CURL.replace("SECRET#", f"{SECRET_NAME}#").replace("URL", f"'{target}'"),
    }
