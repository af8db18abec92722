/** Events: as they come, or those that fit: by type, message and time. */

import { Id } from "../parts/copy.js";
import { aboutOf, emittedAt, families, fitsType, Marks, referenceOf, sequenceOf, Type } from "../parts/event.js";
import { Choice, Text, useFilters } from "../parts/filters.js";
import { List } from "../parts/list.js";
import { NoneYet } from "../parts/states.js";
import { Ago, Exact } from "../parts/time.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { href, setQuery } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.events;
const FILTERS = ["type", "message", "since", "until"];

const COLUMNS = [
  { key: "type", title: T.type, width: "minmax(170px, 1.1fr)", render: (row) => html`<${Type} event=${row} />` },
  { key: "about", title: T.about, width: "minmax(130px, 1.2fr)", class: "wide-only", render: aboutOf },
  { key: "reference", title: T.reference, width: "minmax(90px, .8fr)", class: "wide-only", render: (row) => referenceOf(row) ?? html`<span class="faint">–</span>` },
  { key: "marks", title: T.notes, width: "minmax(80px, .6fr)", class: "wide-only", render: (row) => html`<${Marks} event=${row} />` },
  { key: "sequence", title: T.sequence, width: "48px", class: "n faint wide-only", render: sequenceOf },
  { key: "happened", title: T.happened, width: "116px", class: "n wide-only", render: (row) => html`<${Exact} at=${row.timestamp} />` },
  { key: "id", title: T.id, width: "150px", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "at", title: T.emitted, width: "92px", class: "n faint", render: (row) => html`<${Ago} at=${emittedAt(row)} />` },
];

/** The catalogue as a tree: a family whole, or one type of it. */
function Types({ wanted }) {
  const { data } = useLoad((signal) => get("/v1/event-types", {}, { signal }), []);
  const groups = families(data?.data ?? []);
  const known = groups.some(([family, names]) => `${family}.*` === wanted || names.includes(wanted));
  return html`<label class="filter"><span>${T.type}</span>
    <select value=${wanted ?? ""} onChange=${(event) => setQuery({ type: event.target.value || null })}>
      <option value="">${S.filters.all}</option>
      ${wanted && !known && html`<option value=${wanted}>${wanted}</option>`}
      ${groups.map(([family, names]) => html`<optgroup key=${family} label=${family}>
        <option value=${`${family}.*`}>${family}.*</option>
        ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</optgroup>`)}
    </select></label>`;
}

/** The screen. */
export default function Events() {
  const { set, any, clear } = useFilters(FILTERS);
  // What is asked for until some time does not grow.
  const rowsOf = (events) => (set.until ? [] : events.filter((one) => fitsType(set.type, one.type) && (!set.message || one.data?.message?.id === set.message)));
  return html`<div class="title"><h1>${S.nav.events}</h1></div>
    <p class="lead long">${T.lead}</p>
    <${List} name="events" path="/v1/events" query=${set} columns=${COLUMNS} cli="events list"
      to=${(row) => `/events/${row.id}`} liveRows=${rowsOf} filtered=${any} onClear=${clear}
      tools=${html`<${Types} wanted=${set.type} />
        <${Text} name="message" label=${T.message} placeholder="msg_…" slash=${true} />
        <${Choice} name="since" label=${T.since} options=${S.filters.spans} />`}
      empty=${html`<${NoneYet} title=${T.none} text=${T.noneText} command="ringback simulate delivered">
        <a class="btn primary" href=${href("/start")}>${T.simulate}</a></${NoneYet}>`} />`;
}
