/** Pausing a connection: its intake, or what is made of its callbacks; who did it, why, and what waits. */

import { ActorName } from "../parts/actors.js";
import { Dialog } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { Ago, Exact, number } from "../parts/time.js";
import { post } from "../shell/api.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.connections.pause;
const PARTS = ["intake", "processing"];
// The callers of a native connection are told what became of what they post: nothing can be held.
const ONLY_INTAKE = "native";

const offered = (connection) => PARTS.filter((part) => part === "intake" || connection.provider !== ONLY_INTAKE);

function useResume({ connection, onChange }) {
  const [busy, setBusy] = useState(false);
  const resume = async (part) => {
    setBusy(true);
    try {
      onChange(await post(`/v1/connections/${connection.id}/resume`, { part }));
      say(T.resumed[part]);
    } catch (problem) {
      sayProblem(problem);
    }
    setBusy(false);
  };
  return [busy, resume];
}

/** How many callbacks are held, and since when. */
function Waiting({ held }) {
  if (!held || (!held.count && held.resuming === false)) return null;
  return html`${T.held(number(held.count), held.at_least)}${held.oldest_at && html`, ${T.oldest} <${Ago} at=${held.oldest_at} />`}${held.resuming ? html` · ${T.reading}` : ""}`;
}

/** What is paused, above everything else about a connection. */
export function Pauses({ connection, onChange }) {
  const [busy, resume] = useResume({ connection, onChange });
  const { paused, held } = connection;
  const parts = PARTS.filter((part) => paused[part]);
  if (!parts.length) {
    return held?.count ? html`<div class="banner pauses" role="status"><p><b>${T.catching}</b> <${Waiting} held=${held} />.</p></div>` : null;
  }
  return parts.map((part) => html`<div key=${part} class="banner warn pauses" role="status"><p><b>${T.is[part]}</b> ${T.since} <${Exact} at=${paused[part].since} /> ${T.by} <${ActorName} id=${paused[part].by} />${paused[part].reason && html`: ${paused[part].reason}`}
      <br />${T.means[part]}${part === "processing" && held?.count > 0 && html` <b><${Waiting} held=${held} />.</b>`}</p>
    ${may("connections:write") && html`<button type="button" class="btn" disabled=${busy} onClick=${() => resume(part)}>${T.resume}</button>`}</div>`);
}

function Ask({ connection, part, onChange, onClose }) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const pause = async () => {
    setBusy(true);
    try {
      onChange(await post(`/v1/connections/${connection.id}/pause`, { part, reason: reason.trim() }));
      say(T.paused[part]);
      onClose();
    } catch (failed) {
      setProblem(failed);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${T.sure[part]} onClose=${onClose} foot=${html`<button class="btn" onClick=${onClose}>${S.dialog.cancel}</button>
      <button class=${`btn ${part === "intake" ? "danger" : "primary"}`} disabled=${busy} onClick=${pause}>${T.do[part]}</button>`}>
    <p>${T.text[part]}</p><${FormProblem} problem=${problem} />
    <${Field} label=${T.reason} value=${reason} onInput=${setReason} help=${T.reasonHelp} problem=${problem} pointer="/reason" maxlength=${500} autocomplete="off" /></${Dialog}>`;
}

/** The card of the settings. */
export function Pausing({ connection, onChange }) {
  const [asking, setAsking] = useState(null);
  const [busy, resume] = useResume({ connection, onChange });
  return html`<section class="card"><header><h2>${T.title}</h2></header><div class="body stack">${offered(connection).map((part) => html`
      <div key=${part} class="pausing"><div><b>${T.parts[part]}</b><p class="muted">${T.help[part]}</p></div>
        ${connection.paused[part] ? html`<button type="button" class="btn" disabled=${busy} onClick=${() => resume(part)}>${T.resume}</button>`
          : html`<button type="button" class="btn" onClick=${() => setAsking(part)}>${T.ask}</button>`}</div>`)}</div></section>
    ${asking && html`<${Ask} connection=${connection} part=${asking} onChange=${onChange} onClose=${() => setAsking(null)} />`}`;
}
