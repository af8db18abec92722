/** Webhook deliveries: what is owed to endpoints, how it stands, and once more where it went wrong. */

import { Answer, DeliveryTone, Replay, replay } from "../parts/attempt.js";
import { Id } from "../parts/copy.js";
import { Choice, Tabs, useFilters } from "../parts/filters.js";
import { List } from "../parts/list.js";
import { endpointName, nameOf, useEndpoints } from "../parts/names.js";
import { NoneYet } from "../parts/states.js";
import { Ago, duration } from "../parts/time.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href, setQuery } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.deliveries;
const FILTERS = ["status", "endpoint", "type", "since", "until", "event"];
// No event tells how an attempt went: the list looks itself.
const LOOK_MS = 3000;
const STATUSES = ["", "scheduled", "exhausted", "pending", "delivered", "cancelled"];

/** Write which attempt of how many; an endpoint that is gone has no schedule. */
export const tries = (row, names) => {
  const schedule = names.get(row.endpoint)?.delivery?.retry_schedule_s;
  return schedule && row.status !== "delivered" ? T.of(row.attempts, Math.max(row.attempts, schedule.length + 1)) : String(row.attempts);
};

const columns = (names) => [
  { key: "status", title: T.title.status, width: "124px", render: (row) => html`<${DeliveryTone} status=${row.status} />` },
  { key: "type", title: T.title.type, width: "minmax(110px, 1.1fr)", render: (row) => row.event_type ?? html`<span class="faint">${T.removed}</span>` },
  { key: "endpoint", title: T.title.endpoint, width: "minmax(110px, 1.4fr)", class: "wide-only", render: (row) => nameOf(names, row.endpoint) },
  { key: "answer", title: T.title.answer, width: "minmax(90px, .8fr)", class: "wide-only", render: (row) => html`<${Answer} attempt=${row.last_attempt} />` },
  { key: "attempts", title: T.title.attempts, width: "74px", class: "n wide-only", render: (row) => tries(row, names) },
  { key: "ms", title: T.title.ms, width: "74px", class: "n faint wide-only", render: (row) => duration(row.last_attempt?.ms) },
  { key: "next", title: T.title.next, width: "84px", class: "n wide-only", render: (row) => (row.next_attempt_at ? html`<${Ago} at=${row.next_attempt_at} />` : html`<span class="faint">–</span>`) },
  { key: "id", title: T.title.id, width: "150px", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "at", title: T.title.at, width: "88px", class: "n faint", render: (row) => html`<${Ago} at=${row.last_attempt?.at ?? row.created_at} />` },
  ...(may("deliveries:write") ? [{ key: "act", name: T.title.act, title: "", width: "78px", class: "n wide-only act", render: (row) => row.status !== "pending" && html`<${Replay} delivery=${row.id} quiet=${row.status === "delivered"} />` }] : []),
];

/** The screen. */
export default function Deliveries() {
  const names = useEndpoints();
  const { set, any, clear } = useFilters(FILTERS);
  const status = set.status ?? "";
  const shown = columns(names).filter((one) => one.key !== "next" || ["", "scheduled"].includes(status));
  const endpoints = [...names.values()].map((one) => [one.id, endpointName(one) ?? one.id]);
  return html`<div class="title"><h1>${S.nav.deliveries}</h1></div>
    <${Tabs} name="status" label=${T.tabs} tabs=${STATUSES.map((one) => [one, one ? T.status[one] : T.all])} />
    <p class="lead tab-lead">${T.means[status] ?? ""}</p>
    <${List} name="deliveries" path="/v1/deliveries" query=${set} columns=${shown} cli="deliveries list"
      to=${(row) => `/deliveries/${row.id}`} concerns=${() => true} every=${LOOK_MS} filtered=${any} onClear=${clear}
      rowKeys=${may("deliveries:write") ? { r: [S.keys.replay, (row) => replay(row.id)] } : {}}
      tools=${html`<${Choice} name="endpoint" label=${T.title.endpoint} options=${endpoints} />
        <${Choice} name="type" label=${T.title.type} options=${T.families} />
        ${!set.event && html`<${Choice} name="since" label=${T.since} options=${S.filters.spans} />`}
        ${set.event && html`<button class="btn" onClick=${() => setQuery({ event: null })}>${T.ofEvent} <span aria-hidden="true">×</span></button>`}`}
      empty=${html`<${NoneYet} title=${T.none} text=${T.noneText} command=${T.noneCommand}>
        <a class="btn primary" href=${href("/endpoints")}>${T.toEndpoints}</a></${NoneYet}>`} />`;
}
