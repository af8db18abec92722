/** A provider: connected, its callback URL copied, its first callback waited for or explained. */

import { Facts } from "../parts/code.js";
import { chosenOf, invent } from "../parts/connection.js";
import { Command, copy, Secret } from "../parts/copy.js";
import { Field, FormProblem } from "../parts/form.js";
import { Tone } from "../parts/ring.js";
import { Loaded } from "../parts/states.js";
import { Ago } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useEvery, useLoad } from "../shell/load.js";
import { sayProblem } from "../shell/notice.js";
import { html, useEffect, useState } from "../shell/preact.js";
import { may, mode } from "../shell/session.js";
import { href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { chance } from "./start_send.js";

const T = S.start.provider;
const LISTEN_MS = 1500;
const GOOD = new Set(["accepted", "duplicate", "unmatched", "unrecognised"]);
const FIRST = ["whatsapp", "bandwidth", "generic", "native"];
// What was entered here, until the page is left: the API never shows it again.
const entered = new Map();
const chosen = (connection) => setQuery({ step: "provider", connection });

/** Whether nobody outside can reach an address: of this machine or a private network, or no https. */
export function local(url) {
  const { protocol, hostname: host } = new URL(url);
  const near = /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|0\.0\.0\.0|\[)/.test(host);
  return near || !host.includes(".") || protocol !== "https:";
}

/** The settings that have to be there, as fields: [name, schema]. */
const said = (name) => (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");
const needed = (provider) => provider.config_schema.required.map((name) => [name, provider.config_schema.properties[name]]);

function Fields({ provider, values, set, problem }) {
  if (provider.name === "generic") {
    const scheme = values.scheme ?? "bearer";
    return html`<${Field} label=${T.verifyBy} kind="select" options=${Object.entries(T.schemes)} value=${scheme} onInput=${(text) => set({ ...values, scheme: text })} />
      ${scheme === "bearer" && html`<${Field} label=${T.token} help=${T.suggested} value=${values.token ?? ""} onInput=${(text) => set({ ...values, token: text })}
        pointer="/config/verify/token" problem=${problem} required mono />`}`;
  }
  if (!needed(provider).length) return html`<p class="muted">${T.native}</p>`;
  return needed(provider).map(([name, schema]) => html`<${Field} key=${name} label=${said(name)} help=${schema.description}
    value=${values[name] ?? ""} onInput=${(text) => set({ ...values, [name]: text })} pointer=${`/config/${name}`} problem=${problem} required mono />`);
}

/** Secrets that we may choose ourselves are chosen by chance; the provider's own are asked for. */
function suggested(provider) {
  if (provider.name === "generic") return { scheme: "bearer", token: chance(16) };
  return Object.fromEntries(needed(provider).filter(([, schema]) => schema["x-chosen"]).map(([name, schema]) => [name, invent(schema)]));
}

const configOf = (provider, values) => (provider.name !== "generic" ? values
  : { verify: values.scheme === "url_token" ? { scheme: "url_token" } : { scheme: "bearer", token: values.token } });

function Add({ providers, state, reload }) {
  const offered = providers.filter((one) => one.name !== "simulator")
    .sort((a, b) => (FIRST.indexOf(a.name) + 9) % 9 - (FIRST.indexOf(b.name) + 9) % 9);
  const [name, setName] = useState(offered[0].name);
  const provider = offered.find((one) => one.name === name);
  const [values, setValues] = useState(() => suggested(provider));
  const [problem, setProblem] = useState(null);
  const pick = (one) => { setName(one); setValues(suggested(offered.find((each) => each.name === one))); setProblem(null); };
  const submit = async (event) => {
    event.preventDefault();
    setProblem(null);
    try {
      const made = await post("/v1/connections", { provider: name, name: provider.label, config: configOf(provider, values) });
      const config = configOf(provider, values);
      entered.set(made.id, { url: made.to_enter.url, values: [...chosenOf(provider.config_schema, config), ...Object.entries(made.to_enter.made_up)] });
      chosen(made.id);
      reload();
    } catch (failure) {
      setProblem(failure);
    }
  };
  const there = (state?.[mode.value]?.connections ?? []).filter((one) => one.provider !== "simulator");
  return html`<form class="form" onSubmit=${submit} autocomplete="off">
      <${Field} label=${T.pick} help=${T.mode(mode.value)} kind="select" options=${offered.map((one) => [one.name, one.label])} value=${name} onInput=${pick} />
      <${Fields} provider=${provider} values=${values} set=${setValues} problem=${problem} />
      <${FormProblem} problem=${problem} />
      <div class="actions"><button class="btn primary">${T.add}</button></div></form>
    ${there.length > 0 && html`<p class="muted">${T.existing}</p><ul class="there">${there.slice(0, 6).map((one) => html`<li key=${one.id}>
      <button class="plain link" onClick=${() => chosen(one.id)}>${one.name}</button><span class="faint">${one.provider}</span>
      ${one.last_callback ? html`<${Tone} tone=${GOOD.has(one.last_callback.outcome) ? "good" : "bad"}>${T.was[GOOD.has(one.last_callback.outcome) ? "good" : "bad"]}</${Tone}>`
        : html`<${Tone} tone="idle">${T.was.none}</${Tone}>`}</li>`)}</ul>`}`;
}

/** Which hints fit a refusal, by what the adapter says of it. */
function hintsFor(reason, provider) {
  const has = (...words) => words.some((one) => reason.toLowerCase().includes(one));
  if (has("user name", "password", "basic")) return ["credentials", "header", "stranger"];
  if (has("before or after now", "300 s", "clock", "old")) return ["clock"];
  if (has("does not match")) return ["secret", "body", ...(provider === "whatsapp" ? [] : ["url"])];
  if (has("no header", "header", "method")) return ["header", "stranger"];
  return ["secret", "header", "stranger"];
}

function Refused({ id, provider }) {
  const of = useLoad((signal) => (may("callbacks:read") ? get(`/v1/callbacks/${id}`, {}, { signal }) : Promise.resolve(null)), [id]);
  return html`<${Loaded} of=${of} rows=${3}>${(callback) => callback && html`
    <${Facts} of=${[[T.reason, html`<b>${callback.reason}</b>`], [T.from, html`<code>${callback.peer}</code>`],
      [T.received, html`<code>${callback.method} ${callback.url}</code>`]]} />
    ${callback.outcome === "rejected" && html`<p class="muted">${T.hints}</p>
      <ul class="hints">${hintsFor(callback.reason, provider).map((one) => html`<li key=${one}>${T.hint[one]}</li>`)}</ul>`}
    <p><a class="link" href=${href(`/callbacks/${id}`)}>${T.openCallback}</a></p>`}</${Loaded}>`;
}

function Listening({ connection }) {
  const last = connection.last_callback;
  const checked = connection.counts.handshake ?? 0;
  if (!last) {
    return html`<div class="came" role="status"><p class="waiting"><i aria-hidden="true"></i>${T.listening}</p>
      <span class="muted">${checked ? T.handshake(checked) : T.listeningText}</span></div>`;
  }
  if (GOOD.has(last.outcome)) {
    return html`<div class="came good" role="status"><b>${T.heard}</b> <span><${Ago} at=${last.received_at} /> · ${T.heardText(S.message.outcomes[last.outcome] ?? last.outcome)}</span>
      <a class="link right" href=${href(`/callbacks/${last.id}`)}>${T.openCallback}</a></div>`;
  }
  return html`<div class="came bad" role="status"><b>${last.outcome === "rejected" ? T.rejected : T.unread}</b> <span><${Ago} at=${last.received_at} /></span></div>
    <${Refused} key=${last.id} id=${last.id} provider=${connection.provider} />`;
}

function Local({ connection }) {
  const test = mode.value === "test" && connection.provider !== "native";
  const simulate = async (forged) => {
    try {
      await post(`/v1/connections/${connection.id}/simulate`, { from: "+15550100", to: "+15550123", forged, statuses: ["delivered"],
        channel: connection.provider === "whatsapp" ? "whatsapp" : "sms" });
    } catch (problem) {
      sayProblem(problem);
    }
  };
  const near = local(connection.callback_url);
  return html`${near && html`<div class="notice-box"><b>${T.localTitle}</b><p>${T.localText(new URL(connection.callback_url).origin)}</p><${Command} text=${T.localCommand} /></div>`}
    ${test ? html`<div class="actions"><button class="btn" onClick=${() => simulate(false)}>${T.simulate}</button>
        <button class="btn" onClick=${() => simulate(true)}>${T.forged}</button></div>`
      : near && html`<p class="faint">${T.simulateOnly}</p>`}`;
}

function Chosen({ id, reload }) {
  const of = useLoad((signal) => get(`/v1/connections/${id}`, {}, { signal }), [id]);
  useEvery(LISTEN_MS, () => { if (!of.problem) of.reload(); }, [of.problem, of.reload]);
  const another = html`<button class="plain link" onClick=${() => { chosen(null); reload(); }}>${T.another}</button>`;
  const known = entered.get(id);
  const good = GOOD.has(of.data?.last_callback?.outcome);
  useEffect(() => { if (good) reload(); }, [good]);
  return html`<${Loaded} of=${of} rows=${4}>${(connection) => html`
    <div class="chosen"><b>${connection.name}</b><span class="tag">${S.start.endpoint[connection.mode === "live" ? "live" : "testMode"]}</span>
      <a class="link" href=${href(`/connections/${id}`)}>${T.open}</a><span class="right">${another}</span></div>
    <p class="muted">${T.where[connection.provider] ?? T.enter}</p>
    <${Facts} of=${[
      [T.callbackUrl, known && known.url !== connection.callback_url ? html`<${Secret} text=${known.url} /> <span class="faint">${T.shownOnce}</span>`
        : html`<span class="secret"><code>${connection.callback_url}</code><button class="btn" onClick=${() => copy(connection.callback_url)}>${S.copy.copy}</button></span>`],
      ...(known?.values ?? []).map(([name, value]) => [said(name),
        html`<${Secret} text=${value} /> <span class="faint">${T.shownOnce}</span>`]),
      ...(known ? [] : Object.entries(connection.config).filter(([, value]) => typeof value === "string").map(([name, value]) => [said(name), html`<code>${value}</code>`])),
    ]} />
    <${Local} connection=${connection} /><${Listening} connection=${connection} />`}</${Loaded}>${of.problem && another}`;
}

/** The step. */
export function ProviderStep({ state, reload }) {
  const { connection } = where.value.query;
  const providers = useLoad((signal) => (may("connections:write") ? get("/v1/providers", {}, { signal }) : Promise.resolve(null)), []);
  if (!may("connections:write")) return html`<p class="faint">${T.cannot}</p>`;
  if (connection) return html`<${Chosen} key=${connection} id=${connection} reload=${reload} />`;
  return html`<${Loaded} of=${providers} rows=${4}>${({ data }) => html`<${Add} providers=${data} state=${state} reload=${reload} />`}</${Loaded}>`;
}
