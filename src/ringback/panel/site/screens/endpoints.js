/** Endpoints: who receives events, and how well that goes. */

import { Spark } from "../parts/chart.js";
import { Id } from "../parts/copy.js";
import { hostOf, callOf, State, useFigures } from "../parts/endpoint.js";
import { List } from "../parts/list.js";
import { NoneYet } from "../parts/states.js";
import { Ago, duration, number, percent } from "../parts/time.js";
import { html } from "../shell/preact.js";
import { may, mode } from "../shell/session.js";
import { go, href } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.endpoints;
const helped = (title, help) => html`<abbr title=${help}>${title}</abbr>`;
const dash = html`<span class="faint">–</span>`;

function types(row) {
  if (row.event_types.includes("*")) return T.every;
  return row.event_types.join(", ");
}

function Success({ of }) {
  if (!of?.deliveries.of) return dash;
  const share = of.deliveries.value / of.deliveries.of;
  const colour = share >= 0.99 ? "delivered" : share >= 0.9 ? "expired" : "failed";
  const line = of.success.map((n, at) => (n + of.failure[at] ? n / (n + of.failure[at]) : null));
  return html`<span class="success" title=${T.shareOf(number(of.deliveries.value), number(of.deliveries.of))}><${Spark} values=${line} colour=${colour} height=${22} /> <b>${percent(share)}</b></span>`;
}

const columns = (figures) => [
  { key: "name", title: T.name, width: "minmax(150px, 1.7fr)", render: (row) => callOf(row) },
  { key: "state", title: T.state, width: "112px", render: (row) => html`<${State} endpoint=${row} figures=${figures.get(row.id)} />` },
  { key: "host", title: T.host, width: "minmax(120px, .9fr)", class: "wide-only mono", render: (row) => hostOf(row.url) ?? html`<span class="faint">${T.listens}</span>` },
  { key: "types", title: T.types, width: "minmax(110px, .9fr)", class: "wide-only muted", render: (row) => html`<span title=${row.event_types.join(", ")}>${types(row)}</span>` },
  ...(figures.size ? [
    { key: "success", name: T.success, title: helped(T.success, T.successHelp), width: "150px", class: "n wide-only", render: (row) => html`<${Success} of=${figures.get(row.id)} />` },
    { key: "p95", name: T.p95, title: helped(T.p95, T.p95Help), width: "74px", class: "n wide-only", render: (row) => duration(figures.get(row.id)?.p95_ms) },
    { key: "backlog", name: T.backlog, title: helped(T.backlog, T.backlogHelp), width: "74px", class: "n wide-only", render: (row) => number(figures.get(row.id)?.open) },
  ] : []),
  { key: "uid", title: T.uid, width: "130px", class: "wide-only mono", off: true, render: (row) => row.uid ?? dash },
  { key: "id", title: T.id, width: "150px", class: "wide-only", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "created", title: T.created, width: "96px", class: "n faint wide-only", render: (row) => html`<${Ago} at=${row.created_at} />` },
];

/** The screen. */
export default function Endpoints() {
  const figures = useFigures("/v1/stats/endpoints");
  const concerns = (event) => event.type.startsWith("endpoint.");
  const add = may("endpoints:write") && html`<a class="btn primary" href=${href("/endpoints/new")}>${T.add}</a>`;
  const test = { t: [S.keys.test, (row) => go(`/endpoints/${row.id}`, { tab: "test" })] };
  return html`<div class="title"><h1>${S.nav.endpoints}</h1><span class="actions">${add}</span></div>
    <p class="lead">${T.lead}</p>
    <${List} name="endpoints" path="/v1/endpoints" query=${{}} columns=${columns(figures)} cli="endpoints list" concerns=${concerns}
      to=${(row) => `/endpoints/${row.id}`} rowKeys=${test}
      empty=${html`<${NoneYet} title=${mode.value === "live" ? T.none_live : T.none} text=${T.noneText} command=${T.command}>${add}</${NoneYet}>`} />`;
}
