/** Playing the provider of a test connection: which statuses it reports, and with which faults. */

import { Field, FormProblem } from "../parts/form.js";
import { Loading } from "../parts/states.js";
import { get, post } from "../shell/api.js";
import { html, useEffect, useRef, useState } from "../shell/preact.js";
import { may, mode, setMode } from "../shell/session.js";
import { href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { Samples } from "./connection_samples.js";

const T = S.connections.simulate;
const USUAL = ["submitted", "sent", "delivered"];
const CHANNELS = ["sms", "mms", "whatsapp", "rcs"];
const RANGE = /^\d+-\d+$/;
const LOOKS = 40;
const LOOK_MS = 250;
const SHARES = [["0", T.never], ["0.5", T.half], ["1", T.all]];

/** Wait until a message is known by its provider's id; null: it is not, in ten seconds. */
async function found(id, signal) {
  for (let n = 0; n < LOOKS && !signal.aborted; n += 1) {
    const { data } = await get("/v1/messages", { provider_message_id: id, limit: 1 }, { signal });
    if (data.length) return data[0].id;
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  return null;
}

function Result({ sent }) {
  if (sent.message) return html`<p class="banner" role="status"><span>${T.outcomeNow(sent.outcome) ?? html`${T.started}<code>${sent.id}</code>`}</span><a class="btn primary" href=${href(`/messages/${sent.message}`)}>${T.message}</a></p>`;
  return html`<p class="banner" role="status"><span>${T.started}<code>${sent.id}</code></span> ${sent.forged ? T.refused : sent.over ? T.lost : T.wait}</p>`;
}

function Form({ connection, provider }) {
  const channels = provider.channels.filter((one) => CHANNELS.includes(one));
  const [form, setForm] = useState({
    to: "+15550123", from: "+15550100", channel: channels[0] ?? "sms", text: "", delay: "200", duplicate: "0", loss: "0", reorder: false, forged: false, outcome: "accepted", error_code: "", media: false, batch: "1",
    statuses: USUAL.filter((one) => provider.simulates.includes(one)),
  });
  const [problem, setProblem] = useState(null);
  const [sent, setSent] = useState(null);
  const [busy, setBusy] = useState(false);
  const running = useRef(null);
  useEffect(() => () => running.current?.abort(), []);
  const put = (name) => (value) => setForm({ ...form, [name]: value });
  const toggle = (status) => put("statuses")(provider.simulates.filter((one) => (one === status ? !form.statuses.includes(one) : form.statuses.includes(one))));
  const field = (name, more = {}) => html`<${Field} label=${T[name]} value=${form[name]} onInput=${put(name)} problem=${problem} pointer=${`/${name}`} ...${more} />`;
  const fails = form.statuses.includes("failed");
  const refused = form.outcome === "refused";
  const codes = refused ? provider.refusals.map((code) => [code, provider.errors.find((one) => one.codes === code)?.code]) : provider.errors.filter((one) => !RANGE.test(one.codes)).map((one) => [one.codes, one.code]);
  const files = provider.sends.includes("media") || form.statuses.every((one) => one === "received");
  const simulate = async (event) => {
    event.preventDefault();
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setProblem(null);
    setSent(null);
    setBusy(true);
    const { to, from, channel, text, reorder, forged, statuses } = form;
    try {
      const made = await post(`/v1/connections/${connection.id}/simulate`, {
        to, from, channel, text, statuses, reorder, forged, delay_ms: Number(form.delay), duplicate: Number(form.duplicate), loss: Number(form.loss),
        outcome: form.outcome, ...(form.error_code ? { error_code: form.error_code } : {}), ...(form.media ? { media: [{}] } : {}), ...(Number(form.batch) > 1 ? { batch: Number(form.batch) } : {}),
      }, { signal: abort.signal });
      const told = { id: made.provider_message_id, message: made.message, forged, outcome: made.outcome };
      setSent(told);
      setBusy(false);
      if (!made.message && !forged) setSent({ ...told, message: await found(made.provider_message_id, abort.signal), over: true });
    } catch (failed) {
      if (failed.name === "AbortError") return;
      setProblem(failed);
      setBusy(false);
    }
  };
  return html`<section class="card narrow"><header><h2>${T.title}</h2></header><form class="body form" onSubmit=${simulate}>
    <p class="muted">${T.lead}</p><${FormProblem} problem=${problem} />
    <div class="grid-2">${field("to", { mono: true })}${field("from", { mono: true })}
      ${field("channel", { kind: "select", options: (channels.length ? channels : CHANNELS).map((one) => [one, S.messages.channels[one]]) })}${field("delay", { kind: "number", min: 0, max: 60000, pointer: "/delay_ms" })}</div>
    <fieldset class="checks"><legend>${T.statuses}</legend>${provider.simulates.map((one) => html`<label key=${one}><input type="checkbox" checked=${form.statuses.includes(one)} onChange=${() => toggle(one)} /> ${S.connections.statuses[one]}</label>`)}
      ${!form.statuses.length && html`<p class="bad">${T.choose}</p>`}</fieldset>
    ${field("text")}
    ${provider.sends.length > 0 && html`<div class="grid-2">${field("outcome", { kind: "select", options: Object.entries(T.outcomes) })}
      ${(fails || refused) && html`${field("error_code", { kind: "select", options: [["", T.anyCode], ...codes.map(([code, means]) => [code, means ? `${code} · ${means.replaceAll("_", " ")}` : code])] })}`}</div>`}
    <div class="checks">${files && html`<label><input type="checkbox" checked=${form.media} onChange=${() => put("media")(!form.media)} /> ${T.media}</label>`}</div>
    <details class="more"><summary>${T.faults}</summary><div class="form"><div class="grid-2">${field("duplicate", { kind: "select", options: SHARES })}${field("loss", { kind: "select", options: SHARES })}${provider.batches && field("batch", { kind: "number", min: 1, max: 20 })}</div>
      <div class="checks"><label><input type="checkbox" checked=${form.reorder} onChange=${() => put("reorder")(!form.reorder)} /> ${T.reorder}</label>
        <label><input type="checkbox" checked=${form.forged} onChange=${() => put("forged")(!form.forged)} /> ${T.forged}</label></div></div></details>
    <div class="actions"><button class="btn primary" type="submit" disabled=${busy || !form.statuses.length}>${T.go}</button></div>
    ${sent && html`<${Result} sent=${sent} />`}</form></section>`;
}

/** What is played: a whole life, or one callback. The address says which. */
function What({ sample }) {
  const choose = (play) => () => setQuery({ play, sample: null });
  return html`<fieldset class="checks"><legend>${T.what}</legend>
    <label><input type="radio" name="play" checked=${!sample} onChange=${choose(null)} /> ${T.life}</label>
    <label><input type="radio" name="play" checked=${sample} onChange=${choose("sample")} /> ${T.sample}</label></fieldset>`;
}

/** The tab. */
export function Simulate({ connection, provider }) {
  if (mode.value !== "test") return html`<p class="banner"><span>${T.live}</span><button class="btn" onClick=${() => setMode("test")}>${T.toTest}</button></p>`;
  if (!provider) return html`<${Loading} />`;
  if (!provider.simulates.length) return html`<p class="muted">${T.none}</p>`;
  if (!may("connections:write")) return html`<p class="muted">${S.frame.mayNot}</p>`;
  const sample = where.value.query.play === "sample";
  return html`<div class="stack"><${What} sample=${sample} />
    ${sample ? html`<${Samples} connection=${connection} />` : html`<${Form} connection=${connection} provider=${provider} />`}</div>`;
}
