/** Overview: how messages and webhooks fare, what waits, who is silent, and what needs a person. */

import { Chart, Spark } from "../parts/chart.js";
import { CopyAs } from "../parts/copy.js";
import { Loaded, NoneYet } from "../parts/states.js";
import { duration, hour, number, percent, ZONE } from "../parts/time.js";
import { way } from "../parts/way.js";
import { get } from "../shell/api.js";
import { countNeeds } from "../shell/counts.js";
import { useLive } from "../shell/live.js";
import { useEvery, useLoad } from "../shell/load.js";
import { html, useEffect, useMemo, useRef, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { Became, Connections, Latest, Needs } from "./overview_cards.js";

const T = S.overview;
const SPANS = ["1h", "24h", "7d"];
const DAY = "24h";
// So many stretches of a day are its last hour.
const LAST_HOUR = 4;
const AWAITING = "scheduled,queued,submitted,sent";
// New figures while events come in, and now and then when none do: ages go on.
const LIVE_MS = 4000;
const STILL_MS = 30000;
const LINES = [
  ["read", "read"], ["delivered", "delivered"], ["awaiting", "waiting"], ["unconfirmed", "unconfirmed"],
  ["cancelled", "sent"], ["expired", "expired"], ["failed", "failed"],
];
// These are there even when nothing is; the others only when something is.
const ALWAYS = new Set(["read", "delivered", "awaiting", "failed"]);
const NEWEST = 8;

const sums = (lines) => lines[0].map((_, n) => lines.reduce((sum, line) => sum + line[n], 0));

function Delta({ now, before, points = false, good = 1 }) {
  if (before === null || before === undefined || now === null || now === undefined || (!points && !before)) return null;
  const by = points ? (now - before) * 100 : ((now - before) / before) * 100;
  if (Math.abs(by) < 0.05) return html`<span>${T.same}</span>`;
  const tone = good === 0 ? "" : by * good > 0 ? "good" : "bad";
  const text = `${by > 0 ? "+" : "−"}${Math.abs(by).toFixed(Math.abs(by) < 10 ? 1 : 0)}${points ? "" : " %"}`;
  return html`<span class=${`num ${tone}`} title=${points ? T.points : T.before}>${text}</span>`;
}

function Tile({ to, label, value, spark, colour, children }) {
  return html`<a class="card tile" href=${to}>
    <span class="label">${label}</span><b class="big num">${value}</b>
    <${Spark} values=${spark ?? []} colour=${colour} /><span class="note">${children}</span></a>`;
}

const AMISS = "failed,expired,cancelled";
const share = (part, whole) => (whole ? part / whole : null);

function Tiles({ of, span }) {
  const { tiles, series } = of;
  const lines = series.messages;
  const accepted = sums(LINES.map(([name]) => lines[name]));
  const settled = sums([lines.read, lines.delivered]);
  const requests = series.webhooks;
  const failing = of.needs_a_person.filter((one) => one.kind.startsWith("endpoint_")).length;
  const { delivered, failed, inbound, webhooks, latency, backlog, awaiting } = tiles;
  const messages = (query) => way("/messages", { direction: "outbound", since: span, ...query });
  return html`<div class="tiles">
    <${Tile} to=${messages()} label=${T.accepted} value=${number(tiles.accepted.value)} spark=${accepted} colour="accent">
      <${Delta} now=${tiles.accepted.value} before=${tiles.accepted.previous} good=${0} /> <span>${T.than(number(tiles.accepted.previous))}</span></${Tile}>
    <${Tile} to=${messages({ status: "delivered,read" })} label=${T.delivered} value=${percent(share(delivered.value, delivered.of))}
      spark=${settled.map((n, at) => share(n, accepted[at]))} colour="delivered">
      <${Delta} now=${share(delivered.value, delivered.of)} before=${share(delivered.previous, delivered.previous_of)} points /> <span>${T.ofAccepted(number(delivered.value), number(delivered.of))}</span></${Tile}>
    <${Tile} to=${messages({ status: AWAITING })} label=${T.awaiting} value=${number(awaiting.value)} spark=${lines.awaiting} colour="waiting">
      ${awaiting.p95_age_s === null ? html`<span>${T.nothingWaits}</span>`
        : html`<span class=${awaiting.usual_s !== null && awaiting.p95_age_s > 3 * awaiting.usual_s ? "warn" : ""}>${T.age(duration(awaiting.p95_age_s * 1000))}</span>
          ${awaiting.usual_s !== null && html` <span>${T.usual(duration(awaiting.usual_s * 1000))}</span>`}`}</${Tile}>
    <${Tile} to=${messages({ status: AMISS })} label=${T.failed} value=${percent(share(failed.value, failed.of))}
      spark=${sums([lines.failed, lines.expired, lines.cancelled])} colour="failed">
      <${Delta} now=${share(failed.value, failed.of)} before=${share(failed.previous, failed.previous_of)} points good=${-1} /> <span>${T.ofAccepted(number(failed.value), number(failed.of))}</span></${Tile}>
    <${Tile} to=${way("/messages", { direction: "inbound", since: span })} label=${T.inbound} value=${number(inbound.value)} spark=${lines.inbound} colour="accent">
      <${Delta} now=${inbound.value} before=${inbound.previous} good=${0} /> <span>${T.than(number(inbound.previous))}</span></${Tile}>
    <${Tile} to=${way("/deliveries", { since: span, status: webhooks.retrying ? "scheduled" : null })} label=${T.webhooks} value=${percent(share(webhooks.value, webhooks.of))}
      spark=${requests.success.map((n, at) => share(n, n + requests.failure[at]))} colour=${failing ? "expired" : "delivered"}>
      <${Delta} now=${share(webhooks.value, webhooks.of)} before=${share(webhooks.previous, webhooks.previous_of)} points />
      ${" "}<span>${failing ? T.failing(failing) : T.ofDeliveries(number(webhooks.value), number(webhooks.of))}</span></${Tile}>
    <${Tile} to=${way("/deliveries", { since: span, status: "delivered" })} label=${T.latency} value=${duration(latency.p50_ms)} spark=${series.latency.p50_ms} colour="accent">
      <span>${T.p50}</span> <span>${T.p99(duration(latency.p99_ms))}</span></${Tile}>
    <${Tile} to=${way("/deliveries", { status: "scheduled" })} label=${T.backlog} value=${(backlog.at_least ? "≥ " : "") + number(backlog.open)}
      spark=${requests.failure} colour=${backlog.open ? "expired" : "waiting"}>
      <span>${backlog.oldest_s === null ? T.nothingOwed : T.oldest(duration(backlog.oldest_s * 1000))}</span></${Tile}>
  </div>`;
}

function ByStatus({ of }) {
  const { at, messages } = of.series;
  const series = useMemo(() => LINES.filter(([name]) => ALWAYS.has(name) || messages[name].some(Boolean)).map(([name, colour]) => ({
    label: T.statuses[name], values: messages[name], colour, hatched: name === "awaiting",
  })), [of]);
  return html`<section class="card by-status"><header><h2>${T.byStatus}</h2><span class="faint">${T.each[of.step_s] ?? ""}</span></header>
    <div class="body"><${Chart} times=${at} series=${series} stacked height=${232} format=${number} label=${T.byStatus} /></div></section>`;
}

/** Requests to endpoints as they went; nothing where there were none. */
function Requests({ of }) {
  const { at, webhooks } = of.series;
  const series = useMemo(() => [
    { label: T.requests.success, values: webhooks.success, colour: "delivered" }, { label: T.requests.failure, values: webhooks.failure, colour: "failed" },
  ], [of]);
  if (!series.some((one) => one.values.some(Boolean))) return null;
  return html`<section class="card requests"><header><h2>${T.requests.title}</h2><span class="faint">${T.each[of.step_s] ?? ""}</span></header>
    <div class="body"><${Chart} times=${at} series=${series} stacked height=${140} format=${number} label=${T.requests.title} /></div></section>`;
}

function Spans({ span }) {
  return html`<div class="segments" role="group" aria-label=${T.span}>${SPANS.map((one) => html`<button key=${one} aria-pressed=${one === span}
    onClick=${() => setQuery({ span: one }, { replace: false })}>${T.spans[one]}</button>`)}</div>`;
}

/** Which span shows something: an hour where all that is known of the day came within it. */
function fits({ span, series }) {
  if (span !== DAY) return span;
  const before = Object.values(series.messages).some((line) => line.slice(0, -LAST_HOUR).some(Boolean));
  return before ? DAY : "1h";
}

/** Nothing has ever come or gone here. */
const untouched = (of, latest) => !latest?.length && !of.tiles.accepted.value && !of.tiles.accepted.previous && !of.tiles.inbound.value
  && !of.tiles.webhooks.of && of.connections.every((one) => one.state === "never");

function Whole({ of, latest, span }) {
  if (latest && untouched(of, latest)) {
    return html`<section class="card"><${NoneYet} title=${T.none} text=${T.noneText} command="ringback simulate delivered">
      <a class="btn primary" href=${way("/start")}>${T.start}</a></${NoneYet}></section>`;
  }
  return html`<div class="stack">
    <${Tiles} of=${of} span=${span} />
    <div class="grid">
      <div class="stack"><${ByStatus} of=${of} /><${Became} of=${of} span=${span} /><${Requests} of=${of} /></div>
      <div class="stack"><${Needs} of=${of} /><${Connections} of=${of} />${may("messages:read") && html`<${Latest} rows=${latest} />`}</div>
    </div></div>`;
}

/** The screen. */
export default function Overview() {
  const wanted = where.value.query.span;
  const [fitting, setFitting] = useState(null);
  const span = SPANS.includes(wanted) ? wanted : fitting ?? DAY;
  const figures = useLoad((signal) => get("/v1/overview", { span }, { signal }), [span]);
  const latest = useLoad((signal) => may("messages:read") ? get("/v1/messages", { limit: NEWEST }, { signal }) : Promise.resolve({ data: [] }), []);
  const dirty = useRef({ figures: false, latest: false });
  useLive((events) => {
    dirty.current.figures = true;
    if (events.some((one) => one.type.startsWith("message."))) dirty.current.latest = true;
  });
  useEvery(1000, () => {
    if (!dirty.current.latest || latest.loading) return;
    dirty.current.latest = false;
    latest.reload();
  });
  useEvery(LIVE_MS, () => {
    if (!dirty.current.figures || figures.loading) return;
    dirty.current.figures = false;
    figures.reload();
  });
  useEvery(STILL_MS, () => figures.loading || figures.reload());
  useEffect(() => {
    if (!figures.data) return;
    countNeeds(figures.data);
    setFitting((was) => was ?? fits(figures.data));
  }, [figures.data]);
  // The first look only finds out which span shows something.
  const data = figures.data?.span === span && (fitting || span === wanted) ? figures.data : undefined;
  return html`<div class="title overview-title"><h1>${T.titles[span]}</h1>
      ${data && html`<span class="muted">${T.since(span === "7d" ? new Date(data.since).toLocaleDateString() : hour(data.since), ZONE)}</span>`}
      <div class="actions"><${Spans} span=${span} /><${CopyAs} path="/v1/overview" query=${{ span }} cli="overview" /></div></div>
    ${data && !data.complete && html`<p class="warn">${T.incomplete}</p>`}
    <${Loaded} of=${{ ...figures, data }} rows=${12}>${(found) => html`<${Whole} of=${found} latest=${latest.data?.data} span=${span} />`}</${Loaded}>`;
}
