/** One connection: where its callbacks go, whether they come, what they prove, and what they can say. */

import { Chart } from "../parts/chart.js";
import { Facts } from "../parts/code.js";
import { Heard, MAPPED, unreachable } from "../parts/connection.js";
import { Command, Id, Secret } from "../parts/copy.js";
import { Confirm } from "../parts/dialog.js";
import { useFigures } from "../parts/endpoint.js";
import { Choice, Tabs, useFilters } from "../parts/filters.js";
import { List } from "../parts/list.js";
import { renamed } from "../parts/names.js";
import { Loaded, NoneYet } from "../parts/states.js";
import { Ago, duration, number } from "../parts/time.js";
import { reachable } from "../parts/way.js";
import { get, remove } from "../shell/api.js";
import { useEvery, useLoad } from "../shell/load.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, signal, useMemo, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { go, href, where } from "../shell/where.js";
import { S } from "../strings.js";
import { Outcome } from "./callbacks.js";
import { Pauses } from "./connection_pause.js";
import { Capabilities, Credentials, Setup, Subscribe } from "./connection_provider.js";
import { Mapping } from "./connection_mapping.js";
import { Settings } from "./connection_settings.js";
import { Simulate } from "./connection_simulate.js";

const T = S.connections;
const C = S.callbacks;
const LOOK_MS = 2000;
const FRESH_MS = 30000;
/** What was chosen when it was added, to be entered at the provider as well: known until the page is left. */
export const entered = signal(null);

function Url({ connection, provider }) {
  const known = entered.value?.id === connection.id ? entered.value : null;
  const proved = known && known.url !== connection.callback_url ? known.url : null;
  // What stands in the URL is entered with it.
  const fresh = (known?.values ?? []).filter(([, value]) => !proved?.includes(encodeURIComponent(value)));
  const trouble = connection.provider !== "simulator" && unreachable(connection.callback_url);
  return html`<section class="card"><header><h2>${T.url}</h2></header><div class="body stack">
    ${proved ? html`<div class="banner"><p>${T.enterUrl}</p><${Secret} text=${proved} /></div>` : html`<${Command} text=${connection.callback_url} />`}
    <p class="muted">${provider?.setup ? "" : T.where[connection.provider] ?? T.where.generic} ${T.urlText}</p>
    ${fresh.length > 0 && html`<div class="banner"><p>${T.enter}</p><${Facts} of=${fresh.map(([name, value]) => [name, html`<${Secret} text=${value} />`])} /></div>`}
    ${trouble && html`<div class="banner warn"><p><b>${trouble.title}.</b> ${trouble.text}</p></div>`}</div></section>`;
}

function Last({ connection }) {
  const last = connection.last_callback;
  const seen = last && reachable(`/callbacks/${last.id}`);
  const loaded = useLoad((stop) => (seen ? get(`/v1/callbacks/${last.id}`, {}, { signal: stop }) : Promise.resolve(null)), [last?.id, seen]);
  if (!last) return html`<section class="card"><div class="body waiting" role="status"><b>${T.waiting}</b><span class="muted">${T.waitingText}</span></div></section>`;
  return html`<section class="card"><div class="body waiting" role="status"><span>${T.arrived} <${Ago} at=${last.received_at} />: <${Outcome} outcome=${last.outcome} /></span>
    ${loaded.data?.reason && html`<span class="muted">${loaded.data.reason}</span>`}
    ${seen && html`<a class="link" href=${href(`/callbacks/${last.id}`)}>${T.toCallback}</a>`}</div></section>`;
}

function Line({ of }) {
  const { series: s } = of;
  const lines = useMemo(() => {
    const other = s.accepted.map((_, n) => s.unparsed[n] + s.unrecognised[n] + s.unmatched[n] + s.quarantined[n]);
    return [
      { label: T.line.accepted, values: s.accepted, colour: "delivered" }, { label: T.line.duplicate, values: s.duplicate, colour: "waiting", hatched: true },
      { label: T.line.other, values: other, colour: "expired" }, { label: T.line.rejected, values: s.rejected, colour: "failed" },
      ...(s.held.some(Boolean) ? [{ label: T.line.held, values: s.held, colour: "unconfirmed" }] : []),
    ];
  }, [s]);
  return html`<${Chart} times=${s.at} series=${lines} stacked=${true} height=${160} format=${number} />`;
}

const perS = (n) => (n < 10 ? n.toFixed(2) : number(Math.round(n)));

/** Say how the provider's clock stands to ours; null where it tells no times. */
function clockOf({ median_ms: ms, of }) {
  if (ms === null) return null;
  return ms < 0 ? T.ahead(duration(-ms)) : T.skewText(duration(ms), number(of));
}

function HeardCard({ connection }) {
  const loaded = useLoad((stop) => get(`/v1/connections/${connection.id}/stats`, {}, { signal: stop }), [connection.id]);
  useEvery(FRESH_MS, loaded.reload, [loaded.reload]);
  return html`<section class="card"><header><h2>${T.heard}</h2></header><div class="body stack"><${Loaded} of=${loaded} rows=${4}>${(of) => {
    const { heard, callbacks } = of;
    const any = Object.values(callbacks).some(Boolean);
    return html`<p>${T.rateNow(perS(heard.per_s))}${heard.usual_per_s !== null && html`<span class="faint"> · ${T.usual(perS(heard.usual_per_s))}</span>`}</p>
      ${any ? html`<${Line} of=${of} />` : html`<p class="faint">${T.noneLately}</p>`}<${Facts} of=${[[T.skew, clockOf(of.skew)]]} />
      <${Verdicts} of=${of.last_callbacks} /><${UnknownCodes} of=${of.unknown_codes} />`;
  }}</${Loaded}></div></section>`;
}

/** The last callbacks whatever the span: what became of each and why, to be opened. */
function Verdicts({ of }) {
  if (!of.length) return null;
  const seen = may("callbacks:read");
  return html`<h3>${T.verdicts}</h3><ul class="verdicts">${of.map((one) => html`<li key=${one.id}>
    ${seen ? html`<a class="link" href=${href(`/callbacks/${one.id}`)}><${Outcome} outcome=${one.outcome} /></a>` : html`<${Outcome} outcome=${one.outcome} />`}
    <span class="why muted">${one.reason}</span><span class="n faint"><${Ago} at=${one.received_at} /></span></li>`)}</ul>`;
}

/** Codes of failures that mean nothing to us yet: how often, and the last message that had each. */
function UnknownCodes({ of }) {
  if (!of.codes.length) return null;
  return html`<h3>${T.unknownCodes}</h3><p class="faint">${T.unknownText}${of.complete ? "" : ` ${T.unknownMore}`}</p><${Facts} of=${of.codes.map((one) => [
    html`<code>${one.code}</code>`, html`${T.codeTimes(number(one.times))} · <a class="link" href=${href(`/messages/${one.last_message}`)}>${T.codeLast}</a> <span class="faint"><${Ago} at=${one.last_at} /></span>`,
  ])} />`;
}

const shown = (value) => (value === null ? html`<span class="faint">${T.unset}</span>` : html`<code>${typeof value === "object" ? JSON.stringify(value) : String(value)}</code>`);

function Overview({ connection, provider }) {
  const scheme = connection.config.verify?.scheme ?? connection.provider;
  const counts = Object.entries(connection.counts).map(([name, n]) => `${name}: ${number(n)}`).join(", ");
  return html`<div class="two"><div class="stack"><${Last} connection=${connection} /><${Url} connection=${connection} provider=${provider} /><${Subscribe} connection=${connection} provider=${provider} /><${Setup} provider=${provider} />
      ${may("figures:read") && html`<${HeardCard} connection=${connection} />`}
      <section class="card"><header><h2>${T.verification}</h2></header><div class="body stack"><p>${T.verify[scheme] ?? T.verify.generic}</p>
        <${Facts} of=${Object.entries(connection.config).map(([name, value]) => [name, shown(value)])} /><p class="faint">${T.secrets}</p></div></section></div>
    <div class="stack"><${Capabilities} provider=${provider} /><${Credentials} connection=${connection} provider=${provider} />
      <section class="card"><header><h2>${T.details}</h2></header><div class="body"><${Facts} of=${[
        [T.provider, provider?.label ?? connection.provider], [T.id, html`<${Id} id=${connection.id} whole=${true} />`], [T.added, html`<${Ago} at=${connection.created_at} />`], [T.counts, counts || null],
      ]} /></div></section></div></div>`;
}

const COLUMNS = [
  { key: "outcome", title: C.outcome, width: "136px", render: (row) => html`<${Outcome} outcome=${row.outcome} />` },
  { key: "reason", title: C.reason, width: "minmax(160px, 2fr)", class: "wide-only", render: (row) => row.reason || html`<span class="faint">${C.means[row.outcome]}</span>` },
  { key: "items", title: C.items, width: "64px", class: "n wide-only", render: (row) => row.items },
  { key: "at", title: C.received, width: "110px", class: "n faint", render: (row) => html`<${Ago} at=${row.received_at} />` },
];

function Came({ connection }) {
  const { set, any, clear } = useFilters(["outcome"]);
  return html`<${List} name="connection_callbacks" path="/v1/callbacks" query=${{ connection: connection.id, ...set }} columns=${COLUMNS} cli="callbacks list" every=${LOOK_MS}
    to=${(row) => `/callbacks/${row.id}`} filtered=${any} onClear=${clear} tools=${html`<${Choice} name="outcome" label=${C.outcome} options=${C.filter.map((one) => [one, C.outcomes[one]])} />`}
    empty=${html`<${NoneYet} title=${T.waiting} text=${T.waitingText} />`} />`;
}

function Page({ connection, providers, onChange }) {
  const figures = useFigures("/v1/stats/connections");
  const [asking, setAsking] = useState(false);
  const provider = providers?.find((one) => one.name === connection.provider);
  const seen = may("callbacks:read");
  const mapped = MAPPED.has(connection.provider);
  const tab = where.value.query.tab === "callbacks" && !seen ? "" : where.value.query.tab ?? "";
  const erase = async () => {
    try {
      await remove(`/v1/connections/${connection.id}`);
      renamed();
      say(T.wasDeleted);
      go("/connections", {}, { replace: true });
    } catch (problem) {
      sayProblem(problem);
      setAsking(false);
    }
  };
  return html`<nav class="crumb"><a href=${href("/connections")}>${S.nav.connections}</a><span aria-hidden="true">›</span></nav>
    <div class="title"><h1>${connection.name}</h1><${Heard} connection=${connection} figures=${figures.get(connection.id)} />
      <span class="actions">${may("connections:write") && html`<button class="btn danger" onClick=${() => setAsking(true)}>${T.remove}</button>`}</span></div>
    <${Pauses} connection=${connection} onChange=${onChange} />
    <${Tabs} label=${T.tabs.label} tabs=${[["", T.tabs.overview], ...(seen ? [["callbacks", T.tabs.callbacks]] : []), ["simulate", T.tabs.simulate], ...(mapped ? [["mapping", T.tabs.mapping]] : []), ["settings", T.tabs.settings]]} />
    <div role="tabpanel" aria-label=${T.tabs[tab || "overview"]}>${tab === "callbacks" ? html`<${Came} connection=${connection} />`
      : tab === "simulate" ? html`<${Simulate} connection=${connection} provider=${provider} />`
        : tab === "mapping" && mapped ? html`<${Mapping} connection=${connection} onChange=${onChange} />`
        : tab === "settings" ? html`<${Settings} connection=${connection} provider=${provider} onChange=${onChange} />`
          : html`<${Overview} connection=${connection} provider=${provider} />`}</div>
    ${asking && html`<${Confirm} title=${T.deleteSure} text=${T.deleteText} action=${T.remove} onDo=${erase} onClose=${() => setAsking(false)} />`}`;
}

/** The screen. */
export default function Connection({ id }) {
  const loaded = useLoad((stop) => get(`/v1/connections/${id}`, {}, { signal: stop }), [id]);
  const providers = useLoad((stop) => get("/v1/providers", {}, { signal: stop }), []);
  // No event tells of a handshake or of what was refused: the page looks itself.
  useEvery(LOOK_MS, loaded.reload, [loaded.reload]);
  return html`<${Loaded} of=${loaded} rows=${8}>${(connection) => html`<${Page} connection=${connection} providers=${providers.data?.data} onChange=${loaded.set} />`}</${Loaded}>`;
}
