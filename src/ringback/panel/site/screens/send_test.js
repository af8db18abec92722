/** Sending the example of a type to one endpoint, and waiting for what it answers. */

import { Dialog } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { Tone } from "../parts/ring.js";
import { Loaded, NoneYet } from "../parts/states.js";
import { duration } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useEffect, useRef, useState } from "../shell/preact.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.catalogue.sending;
const LOOK_MS = 250;
const LOOKS_MAX = 120;
const ENDPOINTS_MAX = 200;

/** Wait until a delivery came to its end. A test is tried once. */
async function ended(id, signal) {
  for (let n = 0; n < LOOKS_MAX && !signal.aborted; n += 1) {
    const delivery = await get(`/v1/deliveries/${id}`, {}, { signal });
    if (delivery.last_attempt) return delivery;
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  return null;
}

function Answer({ sent }) {
  const { delivery, result } = sent;
  const attempt = result?.last_attempt;
  const good = result?.status === "delivered";
  return html`<div class="answer" role="status">
    ${!result && !sent.late && html`<${Tone} tone="idle">${T.waiting}</${Tone}>`}
    ${sent.late && html`<${Tone} tone="warn">${T.late}</${Tone}>`}
    ${attempt && html`<${Tone} tone=${good ? "good" : "bad"}>${good ? T.delivered : T.failed}</${Tone}>
      <p>${attempt.decision} <span class="faint num">${duration(attempt.ms)}</span></p>`}
    <a class="link" href=${href(`/deliveries/${delivery}`)}>${T.whole}</a>
  </div>`;
}

const labelOf = (one) => [one.description || one.uid, one.url ?? T.listener].filter(Boolean).join(" · ");

function Form({ type, endpoints, onSent, setBusy }) {
  const open = endpoints.filter((one) => one.enabled);
  const [endpoint, setEndpoint] = useState(open[0]?.id ?? "");
  const [problem, setProblem] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    setProblem(null);
    setBusy(true);
    try {
      onSent(await post(`/v1/endpoints/${endpoint}/test`, { event_type: type }));
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  if (!open.length) {
    return html`<${NoneYet} title=${T.none} text=${T.noneText}><a class="btn" href=${href("/endpoints")}>${S.nav.endpoints}</a></${NoneYet}>`;
  }
  return html`<form id="send-test" class="form" onSubmit=${submit}>
    <p class="muted">${T.text}</p>
    <${Field} label=${T.to} kind="select" options=${open.map((one) => [one.id, labelOf(one)])} value=${endpoint} onInput=${setEndpoint} />
    <${FormProblem} problem=${problem} />
  </form>`;
}

/** The dialog. */
export function SendTest({ type, onClose }) {
  const loaded = useLoad((signal) => get("/v1/endpoints", { limit: ENDPOINTS_MAX }, { signal }), []);
  const [sent, setSent] = useState(null);
  const [busy, setBusy] = useState(false);
  const abort = useRef(new AbortController());
  useEffect(() => () => abort.current.abort(), []);
  const follow = async (answer) => {
    setSent({ delivery: answer.delivery });
    const result = await ended(answer.delivery, abort.current.signal).catch(() => null);
    if (abort.current.signal.aborted) return;
    setSent({ delivery: answer.delivery, result, late: !result });
    setBusy(false);
  };
  return html`<${Dialog} title=${T.title(type)} onClose=${onClose} foot=${html`
    <button class="btn" onClick=${onClose}>${S.dialog.close}</button>
    <button class="btn primary" form="send-test" disabled=${busy}>${sent ? T.again : T.send}</button>`}>
    <${Loaded} of=${loaded} rows=${2}>${(found) => html`<${Form} type=${type} endpoints=${found.data} onSent=${follow} setBusy=${setBusy} />`}</${Loaded}>
    ${sent && html`<${Answer} sent=${sent} />`}
  </${Dialog}>`;
}
