/** One attempt: what was sent, what came back, where the time went, what was decided, and why. */

import { Answer, Hint, Replay } from "../parts/attempt.js";
import { Body, Facts, Headers } from "../parts/code.js";
import { copy, Id } from "../parts/copy.js";
import { EndpointLink, nameOf, useEndpoints } from "../parts/names.js";
import { Reveal } from "../parts/reveal.js";
import { Loaded } from "../parts/states.js";
import { Ago, duration, Exact } from "../parts/time.js";
import { get } from "../shell/api.js";
import { useKeys } from "../shell/keys.js";
import { useLoad } from "../shell/load.js";
import { html, useRef, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { go, href } from "../shell/where.js";
import { S } from "../strings.js";
import { Signature } from "./attempt_signature.js";

const T = S.attempt;
const PHASES = ["wait", "dns", "connect", "tls", "first_byte"];
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Write the request as a command that sends the very same. */
export function curlOf({ request }) {
  const lines = [`curl -sS -i -X ${request.method} ${quoted(request.url)}`];
  for (const [name, value] of request.headers) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  const text = request.body?.text;
  if (text) lines.push(`--data-binary ${quoted(text)}`);
  else if (request.body?.base64) return `printf %s ${request.body.base64} | base64 -d | ${[...lines, "--data-binary @-"].join(" \\\n  ")}`;
  return lines.join(" \\\n  ");
}

/** The phases one after the other, as bars on one scale. */
function Waterfall({ attempt }) {
  const { timings } = attempt;
  const total = Math.max(timings.total ?? attempt.ms, 0.001);
  const told = PHASES.map((name) => [name, timings[name] ?? 0]);
  const rest = Math.max(0, total - told.reduce((sum, [, ms]) => sum + ms, 0));
  const all = [...told, [attempt.response ? "rest" : "silent", rest]].filter(([, ms]) => ms > 0);
  let start = 0;
  return html`<dl class="fall">${all.map(([name, ms]) => {
    const left = (start / total) * 100;
    start += ms;
    return html`<div key=${name}><dt>${T.phases[name]}</dt>
      <dd><i class=${`p-${name}`} style=${{ left: `${left}%`, width: `max(2px, ${(ms / total) * 100}%)` }}></i></dd><dd class="num">${duration(ms)}</dd></div>`;
  })}<div class="sum"><dt>${T.phases.total}</dt><dd></dd><dd class="num">${duration(total)}</dd></div></dl>`;
}

const shortBody = (attempt) => attempt.response?.body.text?.slice(0, 200) ?? "–";
const versionOf = (tls) => (tls ? [tls.version, tls.cipher].filter(Boolean).join(" · ") : null);
const COMPARED = [
  ["code", (one) => (one.error ? T.errors[one.error] ?? one.error : String(one.status ?? "–"))],
  ["ms", (one) => duration(one.ms)], ["address", (one) => one.address ?? "–"],
  ["tls", (one) => versionOf(one.tls) ?? "–"], ["connection", (one) => (one.reused ? T.connection.reused : T.connection.opened)],
  ["body", shortBody],
];

function Compared({ attempt, before }) {
  const rows = COMPARED.map(([key, of]) => [key, of(attempt), of(before)]);
  const differing = rows.filter(([, a, b]) => a !== b);
  const same = rows.filter(([, a, b]) => a === b).map(([key]) => T.title[key]);
  return html`<section class="card"><header><h2>${T.compare(before.n)}</h2>
      <a class="link right" href=${href(`/attempts/${before.id}`)}>${T.before(before.n)}</a></header>
    ${differing.length > 0 && html`<div class="table-wrap"><table class="table compare"><thead><tr><th><span class="unseen">${T.field}</span></th><th>${T.now}</th><th>${T.before(before.n)}</th></tr></thead>
      <tbody>${differing.map(([key, a, b]) => html`<tr key=${key}><th scope="row">${T.title[key]}</th><td class="mono">${a}</td><td class="mono">${b}</td></tr>`)}</tbody></table></div>`}
    <footer class="faint">${same.length ? T.same(same.join(", ")) : ""}</footer></section>`;
}

/** Why the request was made; null while that is not known. `others`: what this endpoint was owed of this event. */
function triggerOf(attempt, others) {
  if (/"test": ?true/.test(attempt.request?.body?.text?.slice(0, 400) ?? "")) return T.triggers.test;
  if (attempt.n > 1) return T.triggers.retry;
  if (!others) return null;
  // To one endpoint, what was owed earlier has the lesser id.
  return others.some((one) => one.id < attempt.delivery) ? T.triggers.replay : T.triggers.first;
}

function About({ attempt, delivery, names }) {
  const { tls, event, endpoint } = attempt;
  const others = useLoad((signal) => get("/v1/deliveries", { event, endpoint, limit: 100 }, { signal }), [event, endpoint]).data;
  return html`<section class="card"><header><h2>${T.facts}</h2></header><div class="body"><${Facts} of=${[
    [T.title.endpoint, html`<${EndpointLink} names=${names} id=${attempt.endpoint} />`],
    [T.title.event, html`<a class="link" href=${href(`/events/${attempt.event}`)}>${delivery?.event_type ?? attempt.event}</a>`],
    [T.title.delivery, html`<a class="link" href=${href(`/deliveries/${attempt.delivery}`)}>${T.delivery}</a>`],
    [T.title.at, html`<${Exact} at=${attempt.at} />`],
    [T.title.trigger, triggerOf(attempt, others?.data)],
    [T.title.address, attempt.address && html`<span class="mono">${attempt.address}</span>`],
    [T.title.tls, versionOf(tls)], [T.title.certificate, tls?.subject],
    [T.title.expires, tls?.expires_at && html`<${Ago} at=${tls.expires_at * 1000} />`],
    [T.title.id, html`<${Id} id=${attempt.id} />`],
  ]} /></div></section>`;
}

function Sent({ request }) {
  if (!request) return html`<section class="card"><header><h2>${T.request}</h2></header><div class="body faint">${T.none}</div></section>`;
  return html`<section class="card exchange"><header><h2>${T.request}</h2>
      <button class="btn right" title=${T.curlNote} onClick=${() => copy(curlOf({ request }))}>${T.curl}</button></header>
    <div class="body stack"><p class="line mono"><b>${request.method}</b> ${request.url}</p>
      <${Headers} headers=${request.headers} />
      ${request.body ? html`<${Body} body=${request.body} label=${T.sentBody} />` : html`<p class="faint">${T.gone}</p>`}</div></section>`;
}

function Came({ attempt }) {
  const { response } = attempt;
  return html`<section class="card exchange"><header><h2>${T.response}</h2><span class="right"><${Answer} attempt=${attempt} /></span></header>
    <div class="body stack">${response
      ? html`<${Headers} headers=${response.headers} /><${Body} body=${response.body} label=${T.cameBody} truncated=${response.truncated} />`
      : html`<p class="faint">${T.noAnswer}</p>`}</div></section>`;
}

function Steps({ attempt, delivery }) {
  const at = delivery?.history.findIndex((one) => one.id === attempt.id) ?? -1;
  if (at < 0 || delivery.history.length < 2) return null;
  const link = (one, text) => (one ? html`<a class="btn" href=${href(`/attempts/${one.id}`)}>${text}</a>` : null);
  return html`${link(delivery.history[at - 1], `‹ ${T.prev}`)}${link(delivery.history[at + 1], `${T.next} ›`)}`;
}

function Page({ attempt, reload, reveal }) {
  const names = useEndpoints();
  const again = useRef(null);
  useKeys(may("deliveries:write") ? { r: [S.keys.replay, () => again.current?.querySelector("button")?.click()] } : {});
  const delivery = useLoad((signal) => get(`/v1/deliveries/${attempt.delivery}`, {}, { signal }), [attempt.delivery]).data;
  const earlier = delivery?.history[delivery.history.findIndex((one) => one.id === attempt.id) - 1];
  const before = useLoad((signal) => (earlier ? get(`/v1/attempts/${earlier.id}`, {}, { signal }) : Promise.resolve(null)), [earlier?.id]).data;
  const said = attempt.error ? `: ${T.errors[attempt.error] ?? attempt.error}` : ` ${T.code(attempt.status)}`;
  const connection = attempt.address ? (attempt.reused ? T.reused : T.opened) : T.noneMade;
  return html`
    <div class="crumb"><a href=${href("/deliveries")}>${S.nav.deliveries}</a> / <a href=${href(`/deliveries/${attempt.delivery}`)}>${delivery?.event_type ?? S.nav.delivery}</a> / <${Id} id=${attempt.id} /></div>
    <div class="title"><h1>${T.headline(attempt.n, said)}</h1><span class="muted">${nameOf(names, attempt.endpoint)}</span>
      <div class="actions">${reveal}<${Steps} attempt=${attempt} delivery=${delivery} />
        <span ref=${again}><${Replay} delivery=${attempt.delivery} primary=${true} then=${(made) => go(`/deliveries/${made}`)} /></span></div></div>
    <div class="split"><div class="stack">
        <section class="card"><header><h2>${T.decided}</h2><span class="right faint"><${Ago} at=${attempt.at} /></span></header>
          <div class="body verdict"><p class="decided">${attempt.decision}</p><${Hint} attempt=${attempt} onChanged=${reload} /></div></section>
        <div class="sides"><${Sent} request=${attempt.request} /><${Came} attempt=${attempt} /></div>
        ${before && html`<${Compared} attempt=${attempt} before=${before} />`}
        ${attempt.request && html`<${Signature} attempt=${attempt} />`}</div>
      <aside class="stack"><section class="card"><header><h2>${T.timings}</h2></header>
          <div class="body"><${Waterfall} attempt=${attempt} /><p class="faint note">${connection}</p></div></section>
        <${About} attempt=${attempt} delivery=${delivery} names=${names} /></aside></div>`;
}

/** The screen. */
export default function Attempt({ id }) {
  const [shown, setShown] = useState(null);
  const load = useLoad((signal) => get(`/v1/attempts/${id}`, {}, { signal }), [id]);
  return html`<${Loaded} of=${load} rows=${10}>${(attempt) => html`<${Page} key=${id} attempt=${shown ?? attempt} reload=${load.reload} reveal=${!shown && html`<${Reveal} id=${id} then=${setShown} />`} />`}</${Loaded}>`;
}
