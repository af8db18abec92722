/** What an attempt came to, in words: the answer, what follows from it, what is wrong and how to mend it. */

import { patch, post } from "../shell/api.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";
import { Command } from "./copy.js";
import { Confirm } from "./dialog.js";
import { renamed } from "./names.js";
import { Tone } from "./ring.js";

const T = S.attempt;
const MOVED = new Set([301, 302, 307, 308]);
const TLS = [
  ["tls_expired", /expired/i], ["tls_name", /hostname|mismatch|doesn't match|not valid for/i],
  ["tls_chain", /self.signed|issuer|verify/i],
];
const TONES = { delivered: "good", pending: "idle", scheduled: "warn", exhausted: "bad", cancelled: "idle" };

/** Return a header of an attempt's answer, or null. */
export const header = (attempt, name) =>
  attempt.response?.headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? null;

const succeeded = (attempt) => !attempt.error && attempt.status >= 200 && attempt.status < 300;

/** How a delivery stands. */
export function DeliveryTone({ status }) {
  return html`<${Tone} tone=${TONES[status] ?? "idle"}>${S.deliveries.status[status] ?? status}</${Tone}>`;
}

/** What came back: the code, or why there was none. */
export function Answer({ attempt }) {
  if (!attempt) return html`<span class="faint">–</span>`;
  const made = attempt.status !== null || (attempt.error && !["cancelled", "retention"].includes(attempt.error));
  const text = attempt.error ? T.errors[attempt.error] ?? attempt.error : attempt.status;
  return html`<${Tone} tone=${succeeded(attempt) ? "good" : made ? "bad" : "idle"}>${text}</${Tone}>`;
}

function keyOf(attempt) {
  const { status, error, explanation } = attempt;
  if (error === "tls") return TLS.find(([, told]) => told.test(explanation ?? ""))?.[0] ?? "tls";
  if (error) return error;
  if (succeeded(attempt)) return null;
  if (MOVED.has(status)) return "redirect";
  if (T.hints[status]) return String(status);
  return status >= 500 ? "5xx" : status >= 400 ? "4xx" : status >= 300 ? "3xx" : null;
}

const isPage = (attempt) => /^text\/html/i.test(header(attempt, "content-type") ?? "");

function target(attempt) {
  const said = header(attempt, "location");
  if (!said || !MOVED.has(attempt.status)) return null;
  try {
    return new URL(said, attempt.request.url).href;
  } catch {
    return null;
  }
}

/** Return what is wrong and what to do: {title, text[], change, action}; null when all is well. */
export function hintOf(attempt) {
  const key = keyOf(attempt);
  const words = key && (T.hints[key] ?? T.hints.other);
  const text = [];
  if (words) text.push(words[1]);
  if (isPage(attempt)) text.push(succeeded(attempt) ? T.pageTaken : T.page);
  if (!text.length) return null;
  const moved = target(attempt);
  return {
    title: words ? words[0] : T.pageTitle, text, good: succeeded(attempt),
    told: attempt.explanation,
    ...(moved ? { change: { url: moved }, action: T.moveTo(moved) } : {}),
    ...(attempt.allow ? { change: attempt.allow, action: T.open } : {}),
  };
}

/** What is wrong with an attempt, how to mend it, and where a change of the endpoint does: a button. */
export function Hint({ attempt, onChanged }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const hint = hintOf(attempt);
  if (!hint) return null;
  const change = async () => {
    setBusy(true);
    try {
      await patch(`/v1/endpoints/${attempt.endpoint}`, hint.change);
      renamed();
      say(T.changed);
      onChanged?.();
    } catch (problem) {
      sayProblem(problem);
    }
    setBusy(false);
    setAsking(false);
  };
  return html`<div class=${`hint${hint.good ? " mild" : ""}`}>
    <h3>${hint.title}</h3>
    ${hint.told && html`<p class="told">${hint.told}</p>`}
    ${hint.text.map((one) => html`<p key=${one}>${one}</p>`)}
    ${hint.change && html`<${Command} text=${`PATCH /v1/endpoints/${attempt.endpoint}\n${JSON.stringify(hint.change)}`} />
      ${may("endpoints:write") ? html`<div class="actions"><button class="btn" onClick=${() => setAsking(true)}>${hint.action}</button></div>`
        : html`<p class="faint">${T.mayNot}</p>`}`}
    ${asking && html`<${Confirm} title=${hint.action} text=${T.sure} action=${T.doChange} danger=${false} busy=${busy}
      onDo=${change} onClose=${() => setAsking(false)} />`}
  </div>`;
}

/** Deliver once more. Returns the id of the delivery that this made, or null when it was refused. */
export async function replay(delivery) {
  try {
    const made = await post(`/v1/deliveries/${delivery}/replay`);
    say(S.deliveries.replayed);
    return made.id;
  } catch (problem) {
    sayProblem(problem);
    return null;
  }
}

/** The button that delivers once more; `then(id)` is given the new delivery; `quiet`: it shows itself under the pointer. */
export function Replay({ delivery, then, primary = false, quiet = false }) {
  const [busy, setBusy] = useState(false);
  if (!may("deliveries:write")) return null;
  const run = async () => {
    setBusy(true);
    const made = await replay(delivery);
    setBusy(false);
    if (made) then?.(made);
  };
  return html`<button class=${`btn${primary ? " primary" : ""}${quiet ? " quiet" : ""}`} disabled=${busy} onClick=${run}>${S.deliveries.replay}</button>`;
}
