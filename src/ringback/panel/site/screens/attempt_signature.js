/** The signature of an attempt: what was signed, by which secret, and how a receiver verifies it. */

import { Code, Facts } from "../parts/code.js";
import { get } from "../shell/api.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";
import { exact } from "../parts/time.js";

const T = S.attempt;
const SHOWN = 600;
const bytes = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
const text64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));

/** How the signature is verified, by language; what is read from the request stands at the top. */
const SNIPPETS = {
  Python: `# pip install standardwebhooks
import os
from standardwebhooks import Webhook

# body: the raw bytes as they came, not parsed and written again
event = Webhook(os.environ["RINGBACK_SECRET"]).verify(body, headers)`,
  JavaScript: `// npm install standardwebhooks
const { Webhook } = await import("standardwebhooks");

// body: the raw text as it came, not parsed and written again
const event = new Webhook(process.env.RINGBACK_SECRET).verify(body, headers);`,
  PHP: `<?php // no library needed
$body = file_get_contents('php://input');
$id = $_SERVER['HTTP_WEBHOOK_ID'];
$time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'];
$key = base64_decode(substr(getenv('RINGBACK_SECRET'), strlen('whsec_')));
$expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
$fits = false;
foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE']) as $one) {
    $fits = hash_equals($expected, $one) || $fits;
}
if (!$fits || abs(time() - (int) $time) > 300) { http_response_code(401); exit; }
$event = json_decode($body, true);`,
};

const shell = (id, time) => `# body.json: the raw body, byte for byte
key=$(printf %s "\${RINGBACK_SECRET#whsec_}" | base64 -d | od -An -tx1 | tr -d ' \\n')
{ printf %s '${id}.${time}.'; cat body.json; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64`;

async function signedBy(secret, data) {
  const key = await crypto.subtle.importKey("raw", bytes(secret.replace(/^whsec_/, "")), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return `v1,${text64(await crypto.subtle.sign("HMAC", key, data))}`;
}

/** Find which of the endpoint's secrets made a signature: its sentence. */
async function judged(endpoint, data, signatures) {
  const { secret, retiring } = await get(`/v1/endpoints/${endpoint}/secret`);
  for (const one of [{ secret }, ...retiring]) {
    if (signatures.includes(await signedBy(one.secret, data))) return [true, T.fits(one.until && exact(one.until))];
  }
  return [false, T.fitsNot];
}

function Check({ attempt, data, signatures }) {
  const [found, setFound] = useState(null);
  if (!may("endpoints:secrets")) return null;
  if (!globalThis.crypto?.subtle) return html`<p class="faint">${T.insecure}</p>`;
  const run = () => judged(attempt.endpoint, data, signatures).then(setFound, (problem) => setFound([false, problem.message]));
  return html`<div class="actions"><button class="btn" onClick=${run}>${T.verify}</button>
    ${found && html`<span role="status" class=${found[0] ? "good" : "bad"}>${found[1]}</span>`}</div>`;
}

/** What was signed, and the signatures: of the headers and the body of the attempt's request. */
function signedParts(attempt) {
  const named = Object.fromEntries(attempt.request.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const id = named["webhook-id"];
  const time = named["webhook-timestamp"];
  const signatures = (named["webhook-signature"] ?? "").split(" ").filter(Boolean);
  const body = attempt.request.body;
  const whole = body && !body.masked && (body.text !== null || body.base64 !== null);
  const content = whole ? body.text ?? atob(body.base64) : null;
  const data = whole && (body.text !== null ? new TextEncoder().encode(`${id}.${time}.${body.text}`)
    : new Uint8Array([...new TextEncoder().encode(`${id}.${time}.`), ...bytes(body.base64)]));
  return { id, time, signatures, content, data };
}

/** Check an attempt's signature at once: [whether it fits, a sentence], or null where that cannot be done. */
export async function checked(attempt) {
  const { signatures, data } = signedParts(attempt);
  if (!may("endpoints:secrets") || !globalThis.crypto?.subtle || !data || !signatures.length) return null;
  return judged(attempt.endpoint, data, signatures);
}

/** The box. */
export function Signature({ attempt }) {
  const [language, setLanguage] = useState("Python");
  const { id, time, signatures, content, data } = signedParts(attempt);
  const snippets = { ...SNIPPETS, curl: shell(id, time) };
  if (!signatures.length) {
    return html`<section class="card"><header><h2>${T.signature}</h2></header><div class="body faint">${T.unsigned}</div></section>`;
  }
  return html`<section class="card signature"><header><h2>${T.signature}</h2></header><div class="body stack">
    <${Facts} of=${[["webhook-id", html`<code>${id}</code>`], ["webhook-timestamp", html`<code>${time}</code> <span class="faint">${exact(time * 1000)}</span>`],
      ["webhook-signature", signatures.map((one) => html`<code key=${one}>${one} </code>`)]]} />
    ${signatures.length > 1 && html`<p class="faint">${T.many(signatures.length)}</p>`}
    ${content !== null && html`<div><p class="muted">${T.signed}</p>
      <${Code} text=${`${id}.${time}.${content}`} label=${T.signed}><span class="j-k">${id}</span>.<span class="j-n">${time}</span>.${content.slice(0, SHOWN)}${content.length > SHOWN ? "…" : ""}</${Code}></div>
      <${Check} attempt=${attempt} data=${data} signatures=${signatures} />`}
    <div><div class="tabs" role="group" aria-label=${T.languages}>${Object.keys(snippets).map((one) => html`<button key=${one} class="lang" aria-pressed=${one === language}
        onClick=${() => setLanguage(one)}>${one}</button>`)}</div>
      <${Code} text=${snippets[language]} label=${T.snippet} />
      <p class="faint note">${T.secretHint}</p></div>
  </div></section>`;
}
