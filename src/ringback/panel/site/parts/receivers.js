/** Receivers that verify what they get, in four languages, to copy; tests run them as they stand. */

/** Return the name of the environment variable that a receiver reads its secret from. */
export function variable(endpoint) {
  const name = (endpoint.uid || endpoint.description.split("\n")[0]).normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "_");
  const tidy = name.replace(/^_+|_+$/g, "").toUpperCase().slice(0, 40);
  return tidy && !/^\d/.test(tidy) ? `${tidy}_WEBHOOK_SECRET` : "WEBHOOK_SECRET";
}

const PYTHON = (name) => `import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["${name}"])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.send_error(401)
            return
        event = json.loads(body)
        print(event["type"], event["id"], flush=True)  # store it; work on it after the answer
        self.send_response(204)
        self.end_headers()


port = int(os.environ.get("PORT", "9000"))
ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
`;

const PYTHON_HAND = (name) => `import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

key = base64.b64decode(os.environ["${name}"].removeprefix("whsec_"))


def genuine(headers, body):
    event, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > 300:
        return False
    signed = f"{event}.{sent_at}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(f"v1,{expected}", one) for one in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not genuine(self.headers, body):
            self.send_error(401)
            return
        event = json.loads(body)
        print(event["type"], event["id"], flush=True)  # store it; work on it after the answer
        self.send_response(204)
        self.end_headers()


port = int(os.environ.get("PORT", "9000"))
ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
`;

const SERVE_JS = (check) => `createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    ${check}
    const event = JSON.parse(body);
    console.log(event.type, event.id); // store it; work on it after the answer
    response.writeHead(204).end();
  });
}).listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
`;

const imports = (all) => Object.entries(all).map(([from, what]) => `import { ${what} } from "${from}";`).join("\n");

const JAVASCRIPT = (name) => `${imports({ "node:http": "createServer", standardwebhooks: "Webhook" })}

const webhook = new Webhook(process.env.${name});

${SERVE_JS(`try {
      webhook.verify(body, request.headers);
    } catch {
      response.writeHead(401).end();
      return;
    }`)}`;

const JAVASCRIPT_HAND = (name) => `${imports({ "node:crypto": "createHmac, timingSafeEqual", "node:http": "createServer" })}

const key = Buffer.from(process.env.${name}.replace(/^whsec_/, ""), "base64");

function genuine(headers, body) {
  const sentAt = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - sentAt) <= 300)) return false;
  const signed = createHmac("sha256", key).update(\`\${headers["webhook-id"]}.\${headers["webhook-timestamp"]}.\`).update(body);
  const expected = Buffer.from(\`v1,\${signed.digest("base64")}\`);
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const given = Buffer.from(one);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

${SERVE_JS(`if (!genuine(request.headers, body)) {
      response.writeHead(401).end();
      return;
    }`)}`;

const PHP_HAND = (name) => `<?php
$key = base64_decode(preg_replace('/^whsec_/', '', getenv('${name}')));
$body = file_get_contents('php://input');
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
$sentAt = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
$given = explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '');

$expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$sentAt.$body", $key, true));
$fits = array_filter($given, fn ($one) => hash_equals($expected, $one));
if (!$fits || !ctype_digit($sentAt) || abs(time() - (int) $sentAt) > 300) {
    http_response_code(401);
    exit;
}

$event = json_decode($body, true);
error_log("{$event['type']} {$event['id']}"); // store it; work on it after the answer
http_response_code(204);
`;

const CURL = (name) => `id="evt_test_$(openssl rand -hex 6)"
at="$(date +%s)"
body='{"id":"'"$id"'","type":"message.delivered","test":true,"data":{}}'
key="$(printf %s "\${${name}#whsec_}" | openssl base64 -d -A | od -An -tx1 | tr -d ' \\n')"
signature="$(printf %s "$id.$at.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)"

curl -sS -w '%{http_code}\\n' "$RECEIVER_URL" -H 'content-type: application/json' \\
  -H "webhook-id: $id" -H "webhook-timestamp: $at" -H "webhook-signature: v1,$signature" \\
  --data-binary "$body"
`;

/** language → {library, hand}: {text(name), install, run}. */
export const RECEIVERS = {
  python: {
    library: { text: PYTHON, install: "pip install standardwebhooks", run: "python receiver.py" },
    hand: { text: PYTHON_HAND, run: "python receiver.py" },
  },
  javascript: {
    library: { text: JAVASCRIPT, install: "npm install standardwebhooks", run: "node receiver.mjs" },
    hand: { text: JAVASCRIPT_HAND, run: "node receiver.mjs" },
  },
  php: { hand: { text: PHP_HAND, run: "php -S 127.0.0.1:9000 receiver.php" } },
  curl: { hand: { text: CURL, run: null } },
};
