/** One delivery: how it stands and why, every attempt, and once more. */

import { Answer, DeliveryTone, Hint, Replay } from "../parts/attempt.js";
import { Facts } from "../parts/code.js";
import { asCli, asCurl, copy, Id } from "../parts/copy.js";
import { Menu } from "../parts/menu.js";
import { EndpointLink, nameOf, useEndpoints } from "../parts/names.js";
import { Loaded } from "../parts/states.js";
import { Ago, duration, Exact } from "../parts/time.js";
import { get } from "../shell/api.js";
import { useKeys } from "../shell/keys.js";
import { useEvery, useLoad } from "../shell/load.js";
import { html, useRef } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { go, href } from "../shell/where.js";
import { S } from "../strings.js";
import { tries } from "./deliveries.js";

const T = S.deliveries;
const LOOK_MS = 1000;
const open = (delivery) => delivery.status === "pending" || delivery.status === "scheduled";

function Attempts({ delivery }) {
  if (!delivery.history.length) return html`<p class="faint">${T.noAttempts}</p>`;
  return html`<div class="table-wrap"><table class="table attempts">
    <thead><tr><th class="n">${T.title.n}</th><th>${T.title.when}</th><th>${T.title.answer}</th>
      <th class="n">${T.title.ms}</th><th>${T.title.decision}</th><th><span class="unseen">${S.list.actions}</span></th></tr></thead>
    <tbody>${[...delivery.history].reverse().map((one) => html`<tr key=${one.id}>
      <td class="n">${one.n}</td><td><${Exact} at=${one.at} /></td><td><${Answer} attempt=${one} /></td>
      <td class="n">${duration(one.ms)}</td><td class="words">${one.decision}</td>
      <td class="n"><a class="link" href=${href(`/attempts/${one.id}`)}>${T.attempt}</a></td></tr>`)}
    </tbody></table></div>`;
}

function Why({ delivery, reload }) {
  const last = delivery.history.at(-1);
  const failed = last && last.final !== "delivered";
  const whole = useLoad((signal) => (failed ? get(`/v1/attempts/${last.id}`, {}, { signal }) : Promise.resolve(null)), [last?.id]);
  return html`<section class="card">
    <header><h2>${T.decided}</h2><span class="right faint">${last && html`<${Ago} at=${last.at} />`}</span></header>
    <div class="body verdict">
      <p class="decided">${last ? last.decision : T.waiting}</p>
      ${delivery.next_attempt_at && html`<p class="muted">${T.nextAt} <${Exact} at=${delivery.next_attempt_at} />, <${Ago} at=${delivery.next_attempt_at} /></p>`}
      ${whole.data && html`<${Hint} attempt=${whole.data} onChanged=${reload} />`}
    </div>
    ${last && html`<footer><a class="link" href=${href(`/attempts/${last.id}`)}>${T.whole}</a></footer>`}
  </section>`;
}

function Page({ delivery, names, reload }) {
  const again = useRef(null);
  useKeys(may("deliveries:write") ? { r: [S.keys.replay, () => again.current?.querySelector("button")?.click()] } : {});
  const path = `/v1/deliveries/${delivery.id}`;
  const items = [
    [S.copy.asCurl, () => copy(asCurl("GET", path))], [S.copy.asCli, () => copy(asCli(`deliveries get ${delivery.id}`))],
    [S.copy.link, () => copy(location.href)],
  ];
  return html`
    <div class="crumb"><a href=${href("/deliveries")}>${S.nav.deliveries}</a> / <${Id} id=${delivery.id} /></div>
    <div class="title"><h1>${T.headline[delivery.status](delivery.event_type ?? T.removed, delivery.attempts)}</h1><span class="muted">${nameOf(names, delivery.endpoint)}</span>
      <${DeliveryTone} status=${delivery.status} />
      <div class="actions"><${Menu} label=${S.copy.as} items=${items} />
        <span ref=${again}><${Replay} delivery=${delivery.id} primary=${true} then=${(made) => go(`/deliveries/${made}`)} /></span></div></div>
    <div class="split">
      <div class="stack"><${Why} delivery=${delivery} reload=${reload} />
        <section class="card"><header><h2>${T.history}</h2></header><${Attempts} delivery=${delivery} /></section></div>
      <aside class="stack"><section class="card"><header><h2>${T.facts}</h2></header><div class="body"><${Facts} of=${[
        [T.title.endpoint, html`<${EndpointLink} names=${names} id=${delivery.endpoint} />`],
        [T.title.event, html`<a class="link" href=${href(`/events/${delivery.event}`)}>${delivery.event_type ?? delivery.event}</a>`],
        [T.title.message, delivery.message && html`<a class="link" href=${href(`/messages/${delivery.message}`)}>${T.toMessage}</a>`],
        [T.title.attempts, tries(delivery, names)],
        [T.title.emitted, html`<${Exact} at=${delivery.created_at} />`],
        [T.title.next, delivery.next_attempt_at && html`<${Ago} at=${delivery.next_attempt_at} />`],
        [T.title.id, html`<${Id} id=${delivery.id} />`],
      ]} /></div></section>
      <p class="faint note">${T.replayMeans}</p></aside>
    </div>`;
}

/** The screen. */
export default function Delivery({ id }) {
  const names = useEndpoints();
  const load = useLoad((signal) => get(`/v1/deliveries/${id}`, {}, { signal }), [id]);
  useEvery(load.data && open(load.data) ? LOOK_MS : 0, load.reload);
  return html`<${Loaded} of=${load} rows=${8}>${(delivery) => html`<${Page} delivery=${delivery} names=${names} reload=${load.reload} />`}</${Loaded}>`;
}
