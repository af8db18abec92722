/** How an endpoint does: what it took and what not, how long that took, and what it is set to. */

import { Chart } from "../parts/chart.js";
import { Facts } from "../parts/code.js";
import { Id } from "../parts/copy.js";
import { Loaded } from "../parts/states.js";
import { Ago, duration, number, percent } from "../parts/time.js";
import { get } from "../shell/api.js";
import { useEvery, useLoad } from "../shell/load.js";
import { html, useMemo } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.endpoints;
const C = T.charts;
const SPANS = ["1h", "24h", "7d"];
const FRESH_MS = 30000;
const YOUNG_MS = 3 * 3600 * 1000;

function Details({ endpoint }) {
  const metadata = Object.entries(endpoint.metadata).map(([name, value]) => `${name}: ${value}`).join(", ");
  return html`<section class="card"><header><h2>${T.facts.title}</h2></header><div class="body"><${Facts} of=${[
    [T.facts.url, endpoint.url && html`<code>${endpoint.url}</code>`],
    [T.facts.types, html`<span class="mono">${endpoint.event_types.join(", ")}</span>`],
    [T.facts.order, T.orders[endpoint.delivery.order]],
    [T.id, html`<${Id} id=${endpoint.id} whole=${true} />`],
    [T.uid, endpoint.uid && html`<code>${endpoint.uid}</code>`],
    [T.facts.metadata, metadata || null],
    [T.facts.created, html`<${Ago} at=${endpoint.created_at} />`],
    [T.facts.changed, html`<${Ago} at=${endpoint.updated_at} />`],
  ]} /></div></section>`;
}

function Spans({ span }) {
  return html`<div class="switch" role="group" aria-label=${T.span}>${SPANS.map((one) => html`<button key=${one} class="btn" aria-pressed=${one === span}
    onClick=${() => setQuery({ span: one })}>${T.spans[one]}</button>`)}</div>`;
}

function Tile({ name, value, foot, bad = false }) {
  return html`<div class="card tile"><span class="muted">${name}</span><b class=${`num${bad ? " bad" : ""}`}>${value}</b><span class="faint">${foot}</span></div>`;
}

function Tiles({ of }) {
  const { deliveries: d, requests: r, backlog: b } = of;
  const open = b.at_least ? `≥ ${number(b.open)}` : number(b.open);
  return html`<div class="tiles-5">
    <${Tile} name=${html`<abbr title=${T.successHelp}>${C.share}</abbr>`} value=${d.of ? percent(d.value / d.of) : "–"} foot=${C.ofAll(number(d.value), number(d.of))} />
    <${Tile} name=${C.retrying} value=${number(d.retrying)} foot=${C.retryingOf} />
    <${Tile} name=${C.exhausted} value=${number(d.exhausted)} foot=${C.exhaustedOf} bad=${d.exhausted > 0} />
    <${Tile} name=${C.open} value=${open} foot=${b.oldest_s === null ? C.noneWait : C.oldest(duration(Math.max(1, b.oldest_s) * 1000))} />
    <${Tile} name=${C.p95} value=${duration(r.p95_ms)} foot=${r.p50_ms === null ? "" : C.medianOf(duration(r.p50_ms))} />
  </div>`;
}

function Charts({ of }) {
  const { series: s } = of;
  const requests = useMemo(() => [{ label: C.delivered, values: s.success, colour: "delivered" }, { label: C.failed, values: s.failure, colour: "failed" }], [s]);
  const latency = useMemo(() => [{ label: "p50", values: s.p50_ms, colour: "accent" }, { label: "p95", values: s.p95_ms, colour: "expired" }, { label: "p99", values: s.p99_ms, colour: "unconfirmed" }], [s]);
  return html`<div class="halves"><section class="card"><header><h2>${C.requests}</h2></header><div class="body"><${Chart} times=${s.at} series=${requests} stacked=${true} height=${180} format=${number} /></div></section>
    <section class="card"><header><h2>${C.latency}</h2></header><div class="body"><${Chart} times=${s.at} series=${latency} height=${180} format=${duration} /></div></section></div>`;
}

function Answers({ of }) {
  const codes = Object.entries(of.requests.codes).filter(([, n]) => n > 0);
  const sum = codes.reduce((all, [, n]) => all + n, 0);
  return html`<div class="halves"><section class="card"><header><h2>${C.codes}</h2></header><div class="body"><dl class="bars">${codes.map(([code, n]) => html`<div key=${code}>
      <dt>${C.code[code] ?? code}</dt><dd><i class=${code === "2xx" ? "b-delivered" : "b-failed"} style=${{ width: `${Math.max(1, (n / sum) * 100)}%` }}></i></dd><dd class="num">${number(n)} <span class="faint">${percent(n / sum)}</span></dd></div>`)}</dl></div></section>
    <section class="card"><header><h2>${C.byType(number(of.by_type.of))}</h2></header><div class="table-wrap"><table class="table"><thead><tr><th>${C.type}</th><th class="n">${C.taken}</th><th class="n">${C.not}</th></tr></thead>
      <tbody>${of.by_type.types.map((one) => html`<tr key=${one.type}><td class="mono">${one.type}</td><td class="n">${number(one.success)}</td><td class=${`n${one.failure ? " bad" : " faint"}`}>${number(one.failure)}</td></tr>`)}</tbody></table></div></section></div>`;
}

function Figures({ endpoint }) {
  // A day with an hour in it shows nothing.
  const usual = Date.now() - new Date(endpoint.created_at) < YOUNG_MS ? "1h" : "24h";
  const span = SPANS.includes(where.value.query.span) ? where.value.query.span : usual;
  const loaded = useLoad((signal) => get(`/v1/endpoints/${endpoint.id}/stats`, { span }, { signal }), [endpoint.id, span]);
  useEvery(FRESH_MS, loaded.reload, [loaded.reload]);
  return html`<div class="stack"><div><${Spans} span=${span} /></div><${Loaded} of=${loaded}>${(of) => {
    const { requests: r } = of;
    const any = r.success + r.failure > 0;
    return html`<${Tiles} of=${of} />${any ? html`<${Charts} of=${of} /><${Answers} of=${of} />` : html`<p class="muted">${C.none}</p>`}`;
  }}</${Loaded}></div>`;
}

/** The tab. */
export function Overview({ endpoint }) {
  return html`<div class="stack">${endpoint.kind !== "listen" && may("figures:read") && html`<${Figures} endpoint=${endpoint} />`}<${Details} endpoint=${endpoint} /></div>`;
}
