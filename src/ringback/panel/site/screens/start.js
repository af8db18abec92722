/** The first page: from nothing to a message whose story is seen, an endpoint, a provider, going live. */

import { Command } from "../parts/copy.js";
import { Ring, Tone } from "../parts/ring.js";
import { Failed } from "../parts/states.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { SendStep } from "./start_send.js";
import { EndpointStep } from "./start_endpoint.js";
import { ProviderStep } from "./start_provider.js";
import { LiveStep } from "./start_live.js";

const T = S.start;
const STEPS = { send: SendStep, endpoint: EndpointStep, provider: ProviderStep, live: LiveStep };
/** What somebody wants decides what comes first; a message to look at is worth it for everybody. */
const ORDERS = {
  "": ["send", "endpoint", "provider", "live"],
  tools: ["send", "endpoint", "provider", "live"],
  customers: ["endpoint", "send", "live", "provider"],
  campaigns: ["provider", "send", "endpoint", "live"],
};
// Of so many endpoints that figures say nothing good of, it is asked whether they have ever answered.
const ASKED_MAX = 10;
const HEARD = new Set(["accepted", "duplicate", "unmatched", "unrecognised"]);
/** Whether a connection has heard something that its provider proved to be its own. */
export const heard = (connection) => HEARD.has(connection.last_callback?.outcome);

const inMode = (mode, signal) => (path, query) => get(path, query, { signal, headers: { "ringback-mode": mode } });

async function ofMode(mode, signal) {
  const ask = inMode(mode, signal);
  const rows = (scope, path, query) => (may(scope) ? ask(path, query).then((page) => page.data) : []);
  const [messages, endpoints, connections] = await Promise.all([
    rows("messages:read", "/v1/messages", { limit: 1 }),
    rows("endpoints:read", "/v1/endpoints", { limit: 100 }),
    rows("connections:read", "/v1/connections", { limit: 100 }),
  ]);
  const tested = await answering(rows, endpoints);
  return { messages, endpoints, connections, tested };
}

/**
 * Find out which endpoints have answered with 2xx: a map by id, without those of which it is not
 * known. Figures of a week come first; of the rest a few are asked for one by one.
 */
async function answering(rows, endpoints) {
  const figures = endpoints.length ? await rows("figures:read", "/v1/stats/endpoints", { span: "7d" }) : [];
  const well = new Set(figures.filter((one) => one.deliveries.value > 0).map((one) => one.id));
  const tested = new Map(endpoints.filter((one) => well.has(one.id)).map((one) => [one.id, true]));
  if (!may("deliveries:read")) return tested;
  const { endpoint: chosen } = where.peek().query;
  const rest = endpoints.filter((one) => !well.has(one.id)).sort((a, b) => (b.id === chosen) - (a.id === chosen)).slice(0, ASKED_MAX);
  await Promise.all(rest.map(async ({ id }) => {
    tested.set(id, (await rows("deliveries:read", "/v1/attempts", { endpoint: id, final: "delivered", limit: 1 })).length > 0);
  }));
  return tested;
}

/** Whether any of them has answered. */
const some = (tested) => [...tested.values()].includes(true);

/** What there is, in both modes, and what of it is done. */
async function progress(signal) {
  const [test, live] = await Promise.all([ofMode("test", signal), ofMode("live", signal)]);
  const real = [...test.connections, ...live.connections].filter((one) => one.provider !== "simulator");
  const done = {
    send: test.messages.length + live.messages.length > 0,
    endpoint: some(test.tested) || some(live.tested),
    provider: real.some(heard),
    live: some(live.tested) && live.connections.some(heard),
  };
  return { test, live, done };
}

function Intents({ chosen }) {
  return html`<div class="intents" role="group" aria-label=${T.question}>${Object.entries(T.intents).map(([key, [title, text]]) => html`
    <button key=${key} class="card intent" aria-pressed=${chosen === key} onClick=${() => setQuery({ for: chosen === key ? null : key, step: null })}>
      <b>${title}</b><span class="muted">${text}</span></button>`)}</div>`;
}

function Step({ name, n, open, done, chosen, state, reload, next }) {
  const [title, text] = T.steps[name];
  const hint = T.hints[chosen]?.[name];
  const Body = STEPS[name];
  const id = `step-${name}`;
  return html`<li class=${`card stage${open ? " open" : ""}${done ? " done" : ""}`}>
    <h2><button aria-expanded=${open} aria-controls=${id} onClick=${() => setQuery({ step: open ? "none" : name })}>
      <${Ring} status=${done ? "delivered" : open ? "submitted" : "queued"} size=${20} />
      <span class="n faint num">${n}</span><span>${title}</span>${done && html`<${Tone} tone="good">${T.done}</${Tone}>`}</button></h2>
    ${open && html`<div class="body" id=${id}><p class="muted">${text}</p>
      ${hint && html`<p class="aside">${hint}</p>${name === "endpoint" && chosen === "customers" && html`<${Command} text=${T.hints.customers.command} />`}`}
      <${Body} state=${state} reload=${reload} />
      ${done && next && html`<p><button class="btn" onClick=${() => setQuery({ step: next }, { replace: false })}>${T.next(T.steps[next][0])}</button></p>`}</div>`}
  </li>`;
}

/** The screen. */
export default function Start() {
  const of = useLoad(progress, []);
  const { query } = where.value;
  const chosen = ORDERS[query.for] ? query.for : "";
  const order = ORDERS[chosen];
  const done = of.data?.done ?? {};
  const step = query.step ?? (of.data ? (order.find((one) => !done[one]) ?? order[0]) : "send");
  const count = order.filter((one) => done[one]).length;
  return html`<div class="start"><div class="title"><h1>${S.nav.start}</h1>
      <span class="right muted" role="status">${of.data && (count === order.length ? T.allDone : T.of(count, order.length))}</span></div>
    <p class="lead">${T.lead}</p>
    <h2 class="question">${T.question}</h2>
    <${Intents} chosen=${chosen} />
    ${of.problem && html`<${Failed} problem=${of.problem} retry=${of.reload} />`}
    <ol class="stages">${order.map((name, n) => html`<${Step} key=${name} name=${name} n=${n + 1} open=${step === name}
      done=${Boolean(done[name])} chosen=${chosen} state=${of.data} reload=${of.reload}
      next=${order.find((one) => !done[one] && one !== name)} />`)}</ol></div>`;
}
