/** What a connection's provider can do, and what is to be entered there. */

import { Facts } from "../parts/code.js";
import { Markdown } from "../parts/markdown.js";
import { Loading } from "../parts/states.js";
import { number } from "../parts/time.js";
import { post } from "../shell/api.js";
import { sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.connections;
const CODES_SHOWN = 8;

const channelsOf = (provider) => provider.channels.map((one) => S.messages.channels[one] ?? one).join(", ");

function Row({ can, name, note }) {
  return html`<li class=${can ? "yes" : "faint"}><span aria-hidden="true">${can ? "✓" : "–"}</span> ${name}
    <span class="unseen"> ${can ? T.yes : T.no}</span>${can && note && html` <span class="faint">${note}</span>`}</li>`;
}

/** The codes that it gives for failures, and what they mean here; the first few unless more are asked for. */
function Codes({ errors }) {
  if (!errors.length) return null;
  const of = (codes) => codes.map((one) => [html`<code>${one.codes}</code>`, html`${one.class} · ${one.code.replaceAll("_", " ")}${one.opt_out ? html` <span class="tag">${T.optOut}</span>` : ""}`]);
  return html`<details class="more"><summary>${T.codes(number(errors.length))}</summary><div class="stack"><${Facts} of=${of(errors.slice(0, CODES_SHOWN))} />
    ${errors.length > CODES_SHOWN && html`<details class="more"><summary>${T.allCodes}</summary><${Facts} of=${of(errors.slice(CODES_SHOWN))} /></details>`}</div></details>`;
}

/** The capability matrix: what it reports, what people can send through it, what can be sent. */
export function Capabilities({ provider }) {
  if (!provider) return html`<${Loading} rows=${3} />`;
  const reports = Object.keys(T.statuses).filter((one) => one !== "received");
  const optOuts = provider.errors.some((one) => one.opt_out);
  return html`<section class="card"><header><h2>${T.can}</h2></header><div class="body stack">
    <p class="muted">${T.reportsText(provider.label)}</p>
    ${html`
      <h3>${T.reports}</h3>${!provider.reports.length ? html`<p>${T.byMapping}</p>`
        : html`<ul class="reports">${reports.map((one) => html`<${Row} key=${one} can=${provider.reports.includes(one)} name=${T.statuses[one]} />`)}</ul>`}
      <h3>${T.beyond}</h3><ul class="reports">
        <${Row} can=${provider.inbound} name=${T.statuses.received} />
        <${Row} can=${optOuts} name=${T.optOuts} />
        <${Row} can=${provider.sends.length > 0} name=${T.sending} note=${provider.sends.join(", ")} />
        <${Row} can=${provider.sends.includes("media")} name=${T.files} />
        <${Row} can=${provider.batches} name=${T.batches} /></ul>`}
    <${Codes} errors=${provider.errors} />
    <${Facts} of=${[[T.channels, channelsOf(provider) || T.others]]} /></div></section>`;
}

/** What to enter at the provider. */
export function Setup({ provider }) {
  if (!provider?.setup) return null;
  return html`<section class="card"><header><h2>${T.setup(provider.label)}</h2></header><div class="body">
    <${Markdown} text=${provider.setup} />
    ${provider.documentation && html`<p><a class="link" href=${provider.documentation} rel="noreferrer noopener" target="_blank">${T.documentation}</a></p>`}</div></section>`;
}

/** Asking the provider whether it takes the credentials that messages are sent with. */
export function Credentials({ connection, provider }) {
  const [told, setTold] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!provider?.sends.length || provider.name === "simulator" || !may("connections:write")) return null;
  const ask = async () => {
    setBusy(true);
    try {
      setTold(await post(`/v1/connections/${connection.id}/check`, {}));
    } catch (problem) {
      sayProblem(problem);
    }
    setBusy(false);
  };
  return html`<section class="card"><header><h2>${T.credentials}</h2><span class="right"></span><button class="btn" disabled=${busy} onClick=${ask}>${busy ? T.asking : T.ask}</button></header>
    <div class="body">${told ? html`<p role="status" class=${told.ok === false ? "bad" : told.ok ? "good" : "muted"}>${told.detail}</p>` : html`<p class="muted">${T.askText(provider.label)}</p>`}</div></section>`;
}

function Subscribed({ told }) {
  const rows = told.subscriptions.map((one) => [html`<code>${one.what}</code>`, html`<span class=${one.state === "refused" ? "bad" : ""}>${T.subscribed[one.state]}</span>
    ${one.url && html` <span class="faint">${one.url}</span>`}${one.detail && html`<br /><span class="faint">${one.detail}</span>`}`]);
  return html`<p role="status" class=${told.ok ? (told.dry_run ? "" : "good") : "bad"}>${told.detail}</p>${rows.length > 0 && html`<${Facts} of=${rows} />`}`;
}

/** Having the provider post here, by its own API: looking first, or at once. */
export function Subscribe({ connection, provider }) {
  const [told, setTold] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!provider?.subscribes || !may("connections:write")) return null;
  const ask = async (dry) => {
    setBusy(true);
    try {
      setTold(await post(`/v1/connections/${connection.id}/subscribe`, { dry_run: dry }));
    } catch (problem) {
      sayProblem(problem);
    }
    setBusy(false);
  };
  return html`<section class="card"><header><h2>${T.subscribe}</h2><span class="right"></span>
      <button class="btn" disabled=${busy} onClick=${() => ask(true)}>${T.subscribeLook}</button><button class="btn" disabled=${busy} onClick=${() => ask(false)}>${busy ? T.asking : T.subscribeDo}</button></header>
    <div class="body stack">${told ? html`<${Subscribed} told=${told} />` : html`<p class="muted">${T.subscribeText(provider.label)}</p>`}</div></section>`;
}
