/** The signature of an attempt: what was signed, by which secret, and how a receiver verifies it. */

import { Code, Facts } from "../parts/code.js";
import { exact } from "../parts/time.js";
import { html, useState } from "../shell/preact.js";
import { S } from "../strings.js";

const T = S.attempt;
const SHOWN = 600;

/** How the signature is verified, by language; what is read from the request stands at the top. */
const SNIPPETS = {
  Python: `# pip install standardwebhooks
import os
from standardwebhooks import Webhook

# body: the raw bytes as they came, not parsed and written again
event = Webhook(os.environ["RINGBACK_WEBHOOK_SECRET"]).verify(body, headers)`,
  JavaScript: `// npm install standardwebhooks
const { Webhook } = await import("standardwebhooks");

// body: the raw text as it came, not parsed and written again
const event = new Webhook(process.env.RINGBACK_WEBHOOK_SECRET).verify(body, headers);`,
  PHP: `<?php // no library needed
$body = file_get_contents('php://input');
$id = $_SERVER['HTTP_WEBHOOK_ID'];
$time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'];
$key = base64_decode(substr(getenv('RINGBACK_WEBHOOK_SECRET'), strlen('whsec_')));
$expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
$fits = false;
foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE']) as $one) {
    $fits = hash_equals($expected, $one) || $fits;
}
if (!$fits || abs(time() - (int) $time) > 300) { http_response_code(401); exit; }
$event = json_decode($body, true);`,
};

const shell = (id, time) => `# body.json: the raw body, byte for byte
key=$(printf %s "\${RINGBACK_WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -tx1 | tr -d ' \\n')
{ printf %s '${id}.${time}.'; cat body.json; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64`;

/** Say which of the endpoint's secrets signed an attempt: [whether one did, words]; null if unsigned. */
export function checked(attempt) {
  if (!attempt.signature) return null;
  const { secrets } = attempt.signature;
  const words = secrets.includes("current") ? T.signedCurrent : secrets.includes("retiring") ? T.signedRetiring : T.signedReplaced;
  return [secrets.length > 0, words];
}

function By({ attempt }) {
  const [fits, words] = checked(attempt);
  return html`<span class=${fits ? "good" : "warn"}>${words}</span>`;
}

/** The signed string: id, time and body told apart. */
function Signed({ attempt, id, time }) {
  const { text } = attempt.signature.signed;
  const head = `${id}.${time}.`;
  if (text === null || !text.startsWith(head)) return null;
  const content = text.slice(head.length);
  return html`<div><p class="muted">${T.signed}</p>
    <${Code} text=${text} label=${T.signed}><span class="j-k">${id}</span>.<span class="j-n">${time}</span>.${content.slice(0, SHOWN)}${content.length > SHOWN ? "…" : ""}</${Code}></div>`;
}

function Snippets({ id, time }) {
  const [language, setLanguage] = useState("Python");
  const snippets = { ...SNIPPETS, Shell: shell(id, time) };
  return html`<div><div class="tabs" role="group" aria-label=${T.languages}>${Object.keys(snippets).map((one) => html`
      <button key=${one} class="lang" aria-pressed=${one === language} onClick=${() => setLanguage(one)}>${one}</button>`)}</div>
    <${Code} text=${snippets[language]} label=${T.snippet} />
    <p class="faint note">${T.secretHint}</p></div>`;
}

/** The box. */
export function Signature({ attempt }) {
  const named = Object.fromEntries(attempt.request.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const id = named["webhook-id"];
  const time = named["webhook-timestamp"];
  const signatures = (named["webhook-signature"] ?? "").split(" ").filter(Boolean);
  if (!signatures.length) {
    return html`<section class="card"><header><h2>${T.signature}</h2></header><div class="body faint">${T.unsigned}</div></section>`;
  }
  return html`<section class="card signature"><header><h2>${T.signature}</h2></header><div class="body stack">
    <${Facts} of=${[["webhook-id", html`<code>${id}</code>`], ["webhook-timestamp", html`<code>${time}</code> <span class="faint">${exact(time * 1000)}</span>`],
      ["webhook-signature", signatures.map((one) => html`<code key=${one}>${one} </code>`)],
      [T.signedBy, attempt.signature && html`<${By} attempt=${attempt} />`]]} />
    ${signatures.length > 1 && html`<p class="faint">${T.many(signatures.length)}</p>`}
    ${attempt.signature && html`<${Signed} attempt=${attempt} id=${id} time=${time} />`}
    <${Snippets} id=${id} time=${time} />
  </div></section>`;
}
