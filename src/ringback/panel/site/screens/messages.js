/** Messages: the newest, or those that fit: by number, reference, status, channel, direction. */

import { Id } from "../parts/copy.js";
import { Choice, Text, useFilters } from "../parts/filters.js";
import { List } from "../parts/list.js";
import { Status } from "../parts/ring.js";
import { NoneYet } from "../parts/states.js";
import { Ago } from "../parts/time.js";
import { html } from "../shell/preact.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.messages;
const FILTERS = ["status", "channel", "direction", "provider", "to", "from", "reference", "provider_message_id", "connection", "since", "until"];
/** A few digits stand for too many numbers: the API wants four. */
const searchable = (text) => !/^\d{1,3}$/.test(text);
const options = (words) => Object.entries(words);

const COLUMNS = [
  { key: "status", title: T.status, width: "138px", render: (row) => html`<${Status} status=${row.status} times=${row.timestamps} />` },
  { key: "direction", title: T.direction, width: "84px", class: "wide-only faint", render: (row) => T.directions[row.direction] },
  { key: "channel", title: T.channel, width: "92px", render: (row) => T.channels[row.channel] ?? row.channel ?? "–" },
  { key: "from", title: T.from, width: "minmax(120px, 1fr)", class: "mono wide-only", render: (row) => row.from ?? "–" },
  { key: "to", title: T.to, width: "minmax(120px, 1fr)", class: "mono", render: (row) => row.to ?? "–" },
  { key: "reference", title: T.reference, width: "minmax(110px, 1fr)", class: "wide-only", render: (row) => row.reference ?? html`<span class="faint">–</span>` },
  { key: "error", title: T.error, width: "minmax(90px, .8fr)", class: "wide-only bad", render: (row) => row.error?.code ?? "" },
  { key: "provider", title: T.provider, width: "110px", off: true, render: (row) => row.provider },
  { key: "id", title: T.id, width: "150px", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "at", title: T.at, width: "96px", class: "n faint", render: (row) => html`<${Ago} at=${row.created_at} />` },
];

/** The screen. */
export default function Messages() {
  const { set, any, clear } = useFilters(FILTERS);
  const concerns = (event) => event.type.startsWith("message.");
  return html`<div class="title"><h1>${S.nav.messages}</h1></div>
    <${List} name="messages" path="/v1/messages" query=${set} columns=${COLUMNS} cli="messages list"
      to=${(row) => `/messages/${row.id}`} concerns=${concerns} filtered=${any} onClear=${clear}
      tools=${html`<${Text} name="to" label=${T.to} placeholder=${T.digits} slash=${true} fits=${searchable} />
        <${Text} name="reference" label=${T.reference} />
        <${Choice} name="status" label=${T.status} options=${T.statuses.map((one) => [one, S.status[one]])} />
        <${Choice} name="channel" label=${T.channel} options=${options(T.channels)} />
        <${Choice} name="direction" label=${T.direction} options=${options(T.directions)} />
        <${Choice} name="since" label=${T.since} options=${S.filters.spans} />`}
      empty=${html`<${NoneYet} title=${T.none} text=${T.noneText} command="ringback simulate delivered">
        <a class="btn primary" href=${href("/start")}>${T.simulate}</a></${NoneYet}>`} />`;
}
