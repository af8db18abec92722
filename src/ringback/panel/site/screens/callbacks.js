/** Callbacks: what providers posted, with what became of it and why. */

import { Id } from "../parts/copy.js";
import { Choice, useFilters } from "../parts/filters.js";
import { List } from "../parts/list.js";
import { nameOf, useConnections } from "../parts/names.js";
import { Tone } from "../parts/ring.js";
import { NoneYet } from "../parts/states.js";
import { Ago } from "../parts/time.js";
import { html } from "../shell/preact.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.callbacks;
const FILTERS = ["outcome", "connection", "since", "until"];
// No event tells of what was refused: the list looks itself, while it can be seen.
const LOOK_MS = 5000;
const TONES = {
  accepted: "good", duplicate: "idle", unmatched: "warn", unrecognised: "warn", unparsed: "warn",
  quarantined: "bad", rejected: "bad", held: "warn",
};

/** What became of a callback. */
export function Outcome({ outcome }) {
  return html`<${Tone} tone=${TONES[outcome] ?? "idle"}>${T.outcomes[outcome] ?? outcome}</${Tone}>`;
}

const columns = (names) => [
  { key: "outcome", title: T.outcome, width: "120px", render: (row) => html`<${Outcome} outcome=${row.outcome} />` },
  { key: "connection", title: T.connection, width: "minmax(100px, 1.3fr)", render: (row) => nameOf(names, row.connection) },
  { key: "provider", title: T.provider, width: "110px", class: "wide-only faint", render: (row) => row.provider },
  { key: "reason", title: T.reason, width: "minmax(160px, 2.2fr)", class: "wide-only", render: (row) => (row.reason ? html`<span title=${row.reason}>${row.reason}</span>` : html`<span class="faint">${T.means[row.outcome]}</span>`) },
  { key: "items", title: T.items, width: "56px", class: "n faint wide-only", render: (row) => row.items },
  { key: "message", title: T.message, width: "150px", class: "wide-only", render: (row) => (row.message ? html`<a class="link mono" href=${href(`/messages/${row.message}`)}>${`${row.message.slice(0, 9)}…${row.message.slice(-4)}`}</a>` : html`<span class="faint">–</span>`) },
  { key: "id", title: T.id, width: "150px", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "at", title: T.received, width: "92px", class: "n faint", render: (row) => html`<${Ago} at=${row.received_at} />` },
];

/** The screen. */
export default function Callbacks() {
  const names = useConnections();
  const { set, any, clear } = useFilters(FILTERS);
  const connections = [...names.values()].map((one) => [one.id, one.name]);
  return html`<div class="title"><h1>${S.nav.callbacks}</h1></div>
    <p class="lead long">${set.outcome ? T.means[set.outcome] : T.lead}</p>
    <${List} name="callbacks" path="/v1/callbacks" query=${set} columns=${columns(names)} cli="callbacks list"
      to=${(row) => `/callbacks/${row.id}`} concerns=${() => true} every=${LOOK_MS} filtered=${any} onClear=${clear}
      tools=${html`<${Choice} name="outcome" label=${T.outcome} options=${T.filter.map((one) => [one, T.outcomes[one]])} />
        <${Choice} name="connection" label=${T.connection} options=${connections} />
        <${Choice} name="since" label=${T.since} options=${S.filters.spans} />`}
      empty=${html`<${NoneYet} title=${T.none} text=${T.noneText} command="ringback simulate delivered">
        <a class="btn primary" href=${href("/connections")}>${T.connect}</a></${NoneYet}>`} />`;
}
