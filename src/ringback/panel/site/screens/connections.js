/** Connections: which providers report here, and how they are heard. */

import { Spark } from "../parts/chart.js";
import { Heard } from "../parts/connection.js";
import { Id } from "../parts/copy.js";
import { useFigures } from "../parts/endpoint.js";
import { List } from "../parts/list.js";
import { NoneYet } from "../parts/states.js";
import { Ago, number } from "../parts/time.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.connections;
const LOOK_MS = 10000;
const helped = (title, help) => html`<abbr title=${help}>${title}</abbr>`;

function Rate({ of }) {
  if (!of) return html`<span class="faint">–</span>`;
  return html`<span class="success"><${Spark} values=${of.line} colour="accent" height=${22} /> <b>${T.perS(of.per_s < 10 ? of.per_s.toFixed(1) : Math.round(of.per_s))}</b></span>`;
}

const columns = (figures) => [
  { key: "name", title: T.name, width: "minmax(130px, 1.4fr)", render: (row) => row.name },
  { key: "provider", title: T.provider, width: "minmax(90px, .8fr)", class: "wide-only muted", render: (row) => row.provider },
  { key: "state", title: T.state, width: "118px", render: (row) => html`<${Heard} connection=${row} figures=${figures.get(row.id)} />` },
  ...(figures.size ? [
    { key: "rate", name: T.rate, title: helped(T.rate, T.rateHelp), width: "160px", class: "n wide-only", render: (row) => html`<${Rate} of=${figures.get(row.id)} />` },
    { key: "refused", name: T.refused, title: helped(T.refused, T.refusedHelp), width: "80px", class: "n wide-only", render: (row) => number(figures.get(row.id)?.refused) },
  ] : []),
  { key: "last", title: T.last, width: "110px", class: "n", render: (row) => (row.last_callback ? html`<${Ago} at=${row.last_callback.received_at} />` : html`<span class="faint">${T.never}</span>`) },
  { key: "id", title: T.id, width: "150px", class: "wide-only", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "added", title: T.added, width: "96px", class: "n faint wide-only", render: (row) => html`<${Ago} at=${row.created_at} />` },
];

/** The screen. */
export default function Connections() {
  const figures = useFigures("/v1/stats/connections");
  const add = may("connections:write") && html`<a class="btn primary" href=${href("/connections/new")}>${T.add}</a>`;
  return html`<div class="title"><h1>${S.nav.connections}</h1><span class="actions">${add}</span></div>
    <p class="lead">${T.lead}</p>
    <${List} name="connections" path="/v1/connections" query=${{}} columns=${columns(figures)} cli="connections list" every=${LOOK_MS}
      to=${(row) => `/connections/${row.id}`} empty=${html`<${NoneYet} title=${T.none} text=${T.noneText} command=${T.command}>${add}</${NoneYet}>`} />`;
}
