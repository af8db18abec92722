/** The audit log: who changed what people configure, who signed in, what was done by hand. */

import { useActors } from "../parts/actors.js";
import { Facts, Json } from "../parts/code.js";
import { Id } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Choice, useFilters } from "../parts/filters.js";
import { List } from "../parts/list.js";
import { nameOf, useConnections, useEndpoints } from "../parts/names.js";
import { NoneYet } from "../parts/states.js";
import { Ago, Exact } from "../parts/time.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.audit;
const FILTERS = ["action", "actor", "object"];
const LOOK_MS = 10000;
const PLACES = {
  end: "/endpoints/", con: "/connections/", msg: "/messages/", evt: "/events/", dlv: "/deliveries/",
  cbk: "/callbacks/", att: "/attempts/",
};

/** Write one field of what was done: of a change, what it was and what it is. */
function field(name, value) {
  const said = (one) => (one === null || one === undefined ? T.nothing : typeof one === "string" ? one : JSON.stringify(one));
  const change = value && typeof value === "object" && "from" in value && "to" in value;
  return `${name.replaceAll("_", " ")}: ${change ? `${said(value.from)} → ${said(value.to)}` : said(value)}`;
}

const summary = (detail) => Object.entries(detail).map(([name, value]) => field(name, value)).join(", ");
const wordsOf = (action) => T.actions[action] ?? action;

function What({ id, names }) {
  const prefix = id.split("_")[0];
  const known = names.has(id);
  if (PLACES[prefix]) {
    return html`<a class="link" href=${href(PLACES[prefix] + id)}>${known ? nameOf(names, id) : html`<span class="mono">${id.slice(0, 9)}…${id.slice(-4)}</span>`}</a>`;
  }
  if (known) return html`<span title=${id}>${nameOf(names, id)}</span>`;
  if (/^[a-z0-9_]+\.[a-z0-9_.]+$/.test(id)) return html`<a class="link mono" href=${href(`/developers/catalogue/${id}`)}>${id}</a>`;
  return html`<${Id} id=${id} />`;
}

const columns = (names, show) => [
  { key: "at", title: T.at, width: "96px", class: "faint", render: (row) => html`<${Ago} at=${row.at} />` },
  { key: "who", title: T.who, width: "minmax(110px, .8fr)", render: (row) => names.get(row.actor) ? html`<span title=${row.actor}>${nameOf(names, row.actor)}</span>` : html`<${Id} id=${row.actor} />` },
  { key: "did", title: T.did, width: "minmax(150px, 1fr)", render: (row) => html`<strong title=${row.action}>${wordsOf(row.action)}</strong>` },
  { key: "what", title: T.what, width: "minmax(120px, 1fr)", render: (row) => html`<${What} id=${row.object} names=${names} />` },
  { key: "detail", title: T.detail, width: "minmax(140px, 1.6fr)", class: "wide-only faint", render: (row) => summary(row.detail) },
  { key: "exact", title: T.exact, width: "150px", off: true, render: (row) => html`<${Exact} at=${row.at} />` },
  { key: "id", title: T.id, width: "150px", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "more", title: "", name: T.more, width: "56px", class: "n", render: (row) => html`<button class="plain link" aria-label=${T.moreOf(wordsOf(row.action))} onClick=${() => show(row)}>${T.more}</button>` },
];

function Entry({ row, names, onClose }) {
  return html`<${Dialog} wide title=${wordsOf(row.action)} onClose=${onClose}>
    <div class="stack tight">
      <${Facts} of=${[
        [T.who, html`${nameOf(names, row.actor)} <${Id} id=${row.actor} whole />`], [T.exact, html`<${Exact} at=${row.at} />`],
        [T.did, html`<code>${row.action}</code>`], [T.what, html`<${Id} id=${row.object} whole />`], [T.id, html`<${Id} id=${row.id} whole />`],
      ]} />
      ${Object.keys(row.detail).length > 0 && html`<${Json} data=${row.detail} label=${T.detail} />`}
      <div class="actions"><a class="btn" href=${href("/audit", { object: row.object })} onClick=${onClose}>${T.sameObject}</a>
        <a class="btn" href=${href("/audit", { actor: row.actor })} onClick=${onClose}>${T.sameActor}</a></div>
    </div></${Dialog}>`;
}

/** The screen. */
export default function Audit() {
  const { set, any, clear } = useFilters(FILTERS);
  const [shown, setShown] = useState(null);
  const actors = useActors();
  const names = new Map([...useEndpoints(), ...useConnections(), ...[...actors].map(([id, name]) => [id, { name }])]);
  const who = [...actors].map(([id, name]) => [id, name]);
  return html`<div class="title"><h1>${S.nav.audit}</h1></div><p class="lead">${T.lead}</p>
    <${List} name="audit" path="/v1/audit-log" query=${set} columns=${columns(names, setShown)} cli="audit list" every=${LOOK_MS}
      filtered=${any} onClear=${clear}
      tools=${html`<${Choice} name="actor" label=${T.who} options=${who} />
        <${Choice} name="action" label=${T.did} options=${Object.entries(T.actions)} />
        ${set.object && html`<button class="btn" onClick=${clear}>${T.ofObject} <span aria-hidden="true">×</span></button>`}`}
      empty=${html`<${NoneYet} title=${T.none} text=${T.noneText} />`} />
    ${shown && html`<${Entry} row=${shown} names=${names} onClose=${() => setShown(null)} />`}`;
}
