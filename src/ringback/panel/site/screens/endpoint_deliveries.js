/** What an endpoint was sent: its deliveries. */

import { Answer, DeliveryTone, Replay, replay } from "../parts/attempt.js";
import { Choice, useFilters } from "../parts/filters.js";
import { List } from "../parts/list.js";
import { NoneYet } from "../parts/states.js";
import { Ago, duration } from "../parts/time.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";

const D = S.deliveries;
// No event tells how an attempt went: the list looks itself.
const LOOK_MS = 3000;

const columns = () => [
  { key: "status", title: D.title.status, width: "124px", render: (row) => html`<${DeliveryTone} status=${row.status} />` },
  { key: "type", title: D.title.type, width: "minmax(150px, 1.4fr)", render: (row) => row.event_type ?? html`<span class="faint">${D.removed}</span>` },
  { key: "answer", title: D.title.answer, width: "minmax(90px, .8fr)", render: (row) => html`<${Answer} attempt=${row.last_attempt} />` },
  { key: "attempts", title: D.title.attempts, width: "74px", class: "n wide-only", render: (row) => row.attempts },
  { key: "ms", title: D.title.ms, width: "84px", class: "n faint wide-only", render: (row) => duration(row.last_attempt?.ms) },
  { key: "next", title: D.title.next, width: "96px", class: "n wide-only", render: (row) => html`<${Ago} at=${row.next_attempt_at} />` },
  { key: "at", title: D.title.at, width: "96px", class: "n faint", render: (row) => html`<${Ago} at=${row.last_attempt?.at ?? row.created_at} />` },
  ...(may("deliveries:write") ? [{ key: "act", name: D.title.act, title: "", width: "78px", class: "n wide-only act", render: (row) => html`<${Replay} delivery=${row.id} />` }] : []),
];

/** The tab. */
export function Deliveries({ endpoint }) {
  const { set, any, clear } = useFilters(["status", "type"]);
  const { none, noneText } = S.endpoints.deliveries;
  return html`<${List} name="endpoint_deliveries" path="/v1/deliveries" query=${{ endpoint: endpoint.id, ...set }} columns=${columns()}
    cli="deliveries list" to=${(row) => `/deliveries/${row.id}`} concerns=${() => true} every=${LOOK_MS} filtered=${any} onClear=${clear}
    rowKeys=${may("deliveries:write") ? { r: [S.keys.replay, (row) => replay(row.id)] } : {}}
    tools=${html`<${Choice} name="status" label=${D.title.status} options=${Object.entries(D.status)} />
      <${Choice} name="type" label=${D.title.type} options=${D.families} />`}
    empty=${html`<${NoneYet} title=${none} text=${noneText} command=${`ringback endpoints test ${endpoint.id}`} />`} />`;
}
