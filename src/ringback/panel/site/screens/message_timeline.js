/** The timeline: circles are our facts, squares callbacks that came in, boxes what went out. */

import { Body, Headers, Json } from "../parts/code.js";
import { useEndpoints } from "../parts/names.js";
import { colourOf } from "../parts/ring.js";
import { Loaded } from "../parts/states.js";
import { Ago, duration, exact } from "../parts/time.js";
import { copy } from "../parts/copy.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { way } from "../parts/way.js";
import { href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { calledOf, offset, ours, toldOf } from "./message_story.js";

const T = S.message;
const statusOf = (type) => type.replace(/^message\./, "");
const word = (status) => S.status[status] ?? status;

/** Which rows and boxes each filter lets through. */
const SHOWS = {
  "": () => true,
  facts: (row) => row.kind !== "callback",
  callbacks: (row) => row.kind === "callback",
  webhooks: (row) => row.kind === "event" && row.outs.length > 0,
};

function Offset({ start, at }) {
  const utc = new Date(at).toISOString();
  return html`<time datetime=${utc} title=${`${utc} · ${S.time.copy}`} onClick=${() => copy(utc)}>${offset(start, at)}</time>`;
}

function Order({ places }) {
  if (!places || places[0] === places[1]) return null;
  return html` <span class="tag warn" title=${T.arrivedHint}>${T.arrived(T.nth(places[0]), T.nth(places[1]))}</span>`;
}

// The code stands before the row already, and the time of the next attempt is told as it comes near.
const decided = (attempt) => attempt.decision.replace(/^\d{3}: /, "").replace(/\.$/, "");
const NEXT = /next in [^,;]*$/;

/** What one delivery came to: code, endpoint, time, and the decision in words. */
function Out({ out, names, events }) {
  const last = out.attempts.at(-1);
  const name = calledOf(names, out.endpoint);
  const good = last?.final === "delivered";
  const code = last ? (last.status ?? last.error) : "—";
  const decision = !last ? (out.behind ? T.heldWhy(out.behind) : T.pendingWhy)
    : out.open?.at ? html`${decided(last).replace(NEXT, T.next)}<${Ago} at=${out.open.at} />`
      : good ? (last.n === 1 ? T.first : T.attempt(last.n)) : decided(last);
  const earlier = out.attempts.slice(0, -1);
  return html`<div class="out-row">
    <span class=${`out-code mono ${good ? "good" : last ? "bad" : "faint"}`}>${code}</span>
    <a class="out-name" href=${way(last ? `/attempts/${last.id}` : `/deliveries/${out.id}`)}>${name}</a>
    <span class="muted num">${last ? duration(last.ms) : out.behind ? T.held : T.pending}</span>
    ${out.replay && html`<span class="tag">${T.replay}</span>`}
    <span class="decision faint">${decision}</span>
    ${earlier.length > 0 && html`<details class="earlier"><summary>${T.earlier(earlier.length)}</summary>
      <ol>${earlier.map((one) => html`<li key=${one.id}><span class="out-code mono bad">${one.status ?? one.error}</span>
        <a href=${way(`/attempts/${one.id}`)}>${exact(one.at)}</a> <span class="muted num">${duration(one.ms)}</span>
        <span class="faint">${one.decision}</span></li>`)}</ol></details>`}
  </div>`;
}

function Raw({ id }) {
  const of = useLoad((signal) => get(`/v1/callbacks/${id}`, {}, { signal }), [id]);
  return html`<${Loaded} of=${of} rows=${4}>${(one) => html`
    <p class="mono clip" title=${one.url}>${one.method} ${one.url}</p>
    <details><summary>${T.headers} <span class="faint">${one.headers.length}</span></summary><${Headers} headers=${one.headers} /></details>
    <${Body} body=${one.body} label=${T.rawTitle} />
    <p><a class="link" href=${href(`/callbacks/${id}`)}>${T.openCallback}</a></p>`}</${Loaded}>`;
}

function Told({ entry }) {
  const of = useLoad((signal) => (entry.kind === "event" ? get(`/v1/events/${entry.id}`, {}, { signal }) : Promise.resolve(entry)), [entry.id]);
  return html`<${Loaded} of=${of} rows=${4}>${(one) => html`<${Json} data=${one} label=${T.normalisedTitle} />`}</${Loaded}>`;
}

function Normalised({ row }) {
  if (!row.tells.length) return html`<p class="faint">${T.nothingUnderstood}</p>`;
  return row.tells.map((one, n) => html`<${Told} key=${one.id ?? n} entry=${one} />`);
}

/** Raw and normalised, one at a time; which one is open stands in the URL. */
function Looks({ row }) {
  const { query } = where.value;
  const id = row.entry.id;
  const open = query.open === id ? (query.as ?? "raw") : null;
  const choose = (as) => setQuery(open === as ? { open: null, as: null } : { open: id, as });
  const look = (as, label) => html`<button class="plain link look" aria-expanded=${open === as} onClick=${() => choose(as)}>${label}</button>`;
  return {
    links: html`${may("callbacks:read") && html` · ${look("raw", T.raw)}`} · ${look("normalised", T.normalised)}`,
    body: open && html`<div class="looks">${open === "raw" ? html`<${Raw} id=${id} />` : html`<${Normalised} row=${row} />`}</div>`,
  };
}

function callbackTitle({ entry, tells }) {
  if (entry.outcome === "duplicate") return T.callback.again;
  if (!tells.length) return html`${T.callback.one}: ${T.outcomes[entry.outcome] ?? entry.outcome}`;
  const said = [...new Set(tells.filter((one) => !one.inferred).map((one) => one.status ?? statusOf(one.type)))];
  if (said.length === 1 && said[0] === "received") return T.callback.received;
  return html`${T.callback.status} <b>${said.map((one) => word(one).toLowerCase()).join(", ")}</b>`;
}

function Callback({ row, start }) {
  const { entry, copies, tells } = row;
  const looks = Looks({ row });
  const first = tells.find((one) => !one.inferred);
  const colour = first ? colourOf(first.status ?? statusOf(first.type)) : entry.outcome === "rejected" ? "failed" : "waiting";
  return html`<li class=${`it in c-${colour}`}>
    <${Offset} start=${start} at=${entry.at} /><span class="dot" aria-hidden="true"><i></i></span>
    <div><div class="t">${callbackTitle(row)}<${Order} places=${row.places} />
      ${first?.late && html` <span class="tag warn">${T.late}</span>`}
      ${copies.length > 0 && html` <span class="tag" title=${T.duplicatesHint(copies.map((one) => offset(start, one.at)).join(", "))}>${T.duplicates(copies.length + 1)}</span>`}</div>
      <div class="d">${T.outcomes[entry.outcome] ?? entry.outcome}${entry.reason && html`: ${entry.reason}`}
        ${entry.items > 1 && html` · ${T.several(entry.items)}`}${looks.links}</div>
      ${looks.body}</div></li>`;
}

function Event({ row, start, message, names, withOuts, hasCallback }) {
  const { entry, outs, stays } = row;
  const status = statusOf(entry.type);
  const own = !entry.callback;
  const notes = [
    T.sequence(entry.sequence),
    own && T.facts[status],
    status === "submitted" && message.provider_message_id && html`${T.facts.providerId} <code>${message.provider_message_id}</code>`,
    entry.callback && !entry.inferred && html`${T.providerTime} <span class="num">${exact(entry.occurred_at)}</span>`,
    entry.late && T.lateText(stays && word(stays)), entry.inferred && T.inferred, entry.weak && T.weak,
  ].filter(Boolean);
  return html`<li class=${`it fact c-${colourOf(status)}`}>
    <${Offset} start=${start} at=${own ? entry.received_at : entry.at} /><span class="dot" aria-hidden="true"><i></i></span>
    <div><div class="t"><a href=${way(`/events/${entry.id}`)}>${entry.type}</a>
      ${!hasCallback && html`<${Order} places=${row.places} />`}${!hasCallback && entry.late && html` <span class="tag warn">${T.late}</span>`}</div>
      <div class="d">${notes.map((one, n) => html`${n > 0 && " · "}${one}`)}</div>
      ${withOuts && outs.length > 0 && html`<div class="out">${outs.map((out) => html`<${Out} key=${out.id} out=${out} names=${names} />`)}</div>`}
    </div></li>`;
}

function Fact({ entry, start }) {
  return html`<li class=${`it fact c-${colourOf(entry.status)}`}>
    <${Offset} start=${start} at=${entry.at} /><span class="dot" aria-hidden="true"><i></i></span>
    <div><div class="t">${T.fact}: ${word(entry.status).toLowerCase()}</div><div class="d">${entry.why}</div></div></li>`;
}

function Filters({ story }) {
  const chosen = where.value.query.show ?? "";
  return html`<div class="shows" role="group" aria-label=${T.filter}>${Object.keys(SHOWS).map((one) => html`
    <button key=${one} class="tag" aria-pressed=${chosen === one} onClick=${() => setQuery({ show: one || null })}>${T.filters[one]}
      ${one && html`<span class="num">${story.rows.filter(SHOWS[one]).length}</span>`}</button>`)}</div>`;
}

/** The timeline of a message, as `storyOf` has read it. */
export function Timeline({ timeline, story }) {
  const show = SHOWS[where.value.query.show] ? where.value.query.show : "";
  const rows = story.rows.filter(SHOWS[show]);
  const names = useEndpoints(toldOf(story));
  const callbacks = new Set(story.rows.filter((row) => row.kind === "callback").map((row) => row.entry.id));
  const { message } = timeline;
  return html`<section class="card timeline">
    <header><h2>${T.timeline}</h2><span class="faint">${ours(message) ? T.offset : T.offsetFirst}</span><${Filters} story=${story} /></header>
    ${rows.length ? html`<ol class="tl" aria-label=${T.timeline}>${rows.map((row) => row.kind === "callback"
      ? html`<${Callback} key=${row.entry.id} row=${row} start=${story.start} />`
      : row.kind === "event"
        ? html`<${Event} key=${row.entry.id} row=${row} start=${story.start} message=${message} names=${names}
            withOuts=${show !== "facts"} hasCallback=${show !== "facts" && show !== "webhooks" && callbacks.has(row.entry.callback)} />`
        : html`<${Fact} key=${`${row.entry.status} ${row.entry.at} ${row.entry.part}`} entry=${row.entry} start=${story.start} />`)}</ol>`
      : html`<p class="body faint">${T.noMatch[show] ?? T.headline.none(message.to)}</p>`}
    ${(timeline.truncated || timeline.events_removed > 0) && html`<footer class="faint">
      ${timeline.truncated && T.truncated} ${timeline.events_removed > 0 && T.removed(timeline.events_removed)}</footer>`}
  </section>`;
}
