/** One event: what brought it about, what it says, and to whom it was delivered. */

import { Answer, DeliveryTone } from "../parts/attempt.js";
import { Facts, Json } from "../parts/code.js";
import { asCli, asCurl, copy, Id } from "../parts/copy.js";
import { aboutOf, emittedAt, Marks, referenceOf, sequenceOf, Type } from "../parts/event.js";
import { Menu } from "../parts/menu.js";
import { nameOf, useEndpoints } from "../parts/names.js";
import { Reveal } from "../parts/reveal.js";
import { Status } from "../parts/ring.js";
import { Failed, Loaded, Loading } from "../parts/states.js";
import { Ago, duration, Exact } from "../parts/time.js";
import { way } from "../parts/way.js";
import { get } from "../shell/api.js";
import { useEvery, useLoad } from "../shell/load.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.events;
const LOOK_MS = 2000;
const MANY = 100;
const lasting = (from, to) => duration(Math.max(0, new Date(to) - new Date(from)));

/** Find the callback that brought an event about: the message's timeline knows. */
async function causeOf(event, signal) {
  const message = event.data?.message?.id;
  // A test speaks of a message that never was.
  if (!message || event.test || !may("messages:read")) return null;
  const { message: now, entries } = await get(`/v1/messages/${message}/timeline`, {}, { signal });
  const told = entries.find((one) => one.kind === "event" && one.id === event.id);
  const callback = told?.callback && entries.find((one) => one.kind === "callback" && one.id === told.callback);
  return { now, callback: callback ?? null };
}

/** callback → event → message → deliveries. */
function Chain({ event, cause, deliveries }) {
  const { callback, now } = cause ?? {};
  const message = event.data?.message;
  const taken = deliveries?.filter((one) => one.status === "delivered").length;
  return html`<ol class="chain" aria-label=${T.chain}>
    <li class="link-in"><span class="kind">${T.kinds.callback}</span>
      ${callback ? html`<a class="what" href=${way(`/callbacks/${callback.id}`)}>${callback.provider}, ${S.callbacks.outcomes[callback.outcome]?.toLowerCase()}</a><span class="faint"><${Exact} at=${callback.at} /></span>`
        : html`<span class="what muted">${T.noCallback}</span><span class="faint">${T.noCallbackText}</span>`}</li>
    <li class="link-event"><span class="kind">${T.kinds.event}</span><span class="what">${event.type}</span>
      <span class="faint">${callback ? T.after(lasting(callback.at, emittedAt(event))) : html`<${Exact} at=${emittedAt(event)} />`}</span></li>
    ${message && html`<li class="link-message"><span class="kind">${T.kinds.message}</span>
      <a class="what" href=${event.test ? null : way(`/messages/${message.id}`)}>${aboutOf(event)}</a><span><${Status} status=${now?.status ?? message.status} times=${now?.timestamps ?? message.timestamps} /></span></li>`}
    ${deliveries && html`<li class="link-out"><span class="kind">${T.kinds.deliveries}</span><span class="what">${T.took(taken, deliveries.length)}</span>
      <span class=${taken === deliveries.length ? "faint" : "warn"}>${T.tookText(deliveries.length - taken)}</span></li>`}
  </ol>`;
}

function Deliveries({ of, names }) {
  if (of.problem && !of.data) return html`<${Failed} problem=${of.problem} retry=${of.reload} />`;
  if (!of.data) return html`<${Loading} rows=${2} />`;
  if (!of.data.data.length) return html`<div class="body faint">${T.toNobody}</div>`;
  return html`<div class="table-wrap"><table class="table"><thead><tr><th>${T.endpoint}</th><th>${T.status}</th><th>${T.answer}</th>
      <th class="n">${T.attempts}</th><th class="n">${T.tried}</th><th><span class="unseen">${S.list.actions}</span></th></tr></thead>
    <tbody>${of.data.data.map((one) => html`<tr key=${one.id}><td>${nameOf(names, one.endpoint)}</td><td><${DeliveryTone} status=${one.status} /></td>
      <td><${Answer} attempt=${one.last_attempt} /></td><td class="n">${one.attempts}</td><td class="n faint"><${Ago} at=${one.last_attempt?.at} /></td>
      <td class="n"><a class="link" href=${href(`/deliveries/${one.id}`)}>${T.open}</a></td></tr>`)}</tbody></table></div>`;
}

function About({ event }) {
  const types = useLoad((signal) => get("/v1/event-types", {}, { signal }), []).data?.data ?? [];
  const schema = types.find((one) => one.name === event.type)?.schemas.at(-1);
  const path = schema && new URL(schema.url).pathname;
  return html`<section class="card"><header><h2>${T.facts}</h2></header><div class="body"><${Facts} of=${[
    [T.type, html`<${Type} event=${event} />`], [T.about, aboutOf(event)], [T.reference, referenceOf(event)],
    [T.sequence, sequenceOf(event)], [T.notes, [event.test, event.data?.late, event.data?.inferred, event.data?.weak].some(Boolean) && html`<${Marks} event=${event} />`],
    [T.happened, html`<${Exact} at=${event.timestamp} />`],
    [T.received, event.data?.received_at && html`<${Exact} at=${event.data.received_at} />`],
    [T.emitted, html`<${Exact} at=${emittedAt(event)} />`],
    [T.schema, path && html`<a class="link" href=${path} target="_blank" rel="noreferrer">${T.version(schema.version)}</a>`],
    [T.id, html`<${Id} id=${event.id} />`],
  ]} /></div></section>`;
}

function Page({ event, reveal }) {
  const names = useEndpoints();
  const cause = useLoad((signal) => causeOf(event, signal), [event.id]);
  const seen = may("deliveries:read");
  const of = useLoad((signal) => (seen ? get("/v1/deliveries", { event: event.id, limit: MANY }, { signal }) : Promise.resolve(null)), [event.id]);
  const open = of.data?.data.some((one) => ["pending", "scheduled"].includes(one.status));
  useEvery(open ? LOOK_MS : 0, of.reload);
  const path = `/v1/events/${event.id}`;
  const items = [
    [S.copy.asCurl, () => copy(asCurl("GET", path))], [S.copy.asCli, () => copy(asCli(`events get ${event.id}`))],
    [T.json, () => copy(JSON.stringify(event, null, 2))], [S.copy.link, () => copy(location.href)],
  ];
  return html`
    <div class="crumb"><a href=${href("/events")}>${S.nav.events}</a> / <${Id} id=${event.id} /></div>
    <div class="title"><h1>${event.type}</h1><${Marks} event=${event} />
      <div class="actions">${reveal}<${Menu} label=${S.copy.as} items=${items} /></div></div>
    <${Chain} event=${event} cause=${cause.data} deliveries=${of.data?.data} />
    <div class="split"><div class="stack">
        ${seen && html`<section class="card"><header><h2>${T.deliveries}</h2>
          <a class="link right" href=${href("/deliveries", { event: event.id })}>${T.list}</a></header><${Deliveries} of=${of} names=${names} /></section>`}
        <section class="card"><header><h2>${T.body}</h2><span class="right faint">${T.bodyText}</span></header><div class="body"><${Json} data=${event} label=${T.body} /></div></section></div>
      <aside class="stack"><${About} event=${event} /></aside></div>`;
}

/** The screen. */
export default function Event({ id }) {
  const [shown, setShown] = useState(null);
  const load = useLoad((signal) => get(`/v1/events/${id}`, {}, { signal }), [id]);
  return html`<${Loaded} of=${load} rows=${10}>${(event) => html`<${Page} event=${shown ?? event} reveal=${!shown && html`<${Reveal} id=${id} then=${setShown} />`} />`}</${Loaded}>`;
}
