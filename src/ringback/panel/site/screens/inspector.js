/** The inspector: what its names received, whole, and whether it was signed as it should be. */

import { Body, Facts, Headers } from "../parts/code.js";
import { CopyAs } from "../parts/copy.js";
import { Confirm } from "../parts/dialog.js";
import { useEndpoints } from "../parts/names.js";
import { usePages } from "../parts/pages.js";
import { Signature, useSecrets } from "../parts/signature.js";
import { Tone } from "../parts/ring.js";
import { Failed, Loading, NoneYet } from "../parts/states.js";
import { Ago, Exact } from "../parts/time.js";
import { remove } from "../shell/api.js";
import { useKeys } from "../shell/keys.js";
import { paused, useLive } from "../shell/live.js";
import { useEvery } from "../shell/load.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useRef, useState } from "../shell/preact.js";
import { may, mode, setMode } from "../shell/session.js";
import { href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.inspector;
const LOOK_MS = 3000;
const SOON_MS = 300;
// More than anybody reads; older ones are a click on Copy as away.
const SHOWN = 100;
const DEMO = "demo";
const NAME = /\/inspect\/([A-Za-z0-9_-]{1,64})/;

const nameIn = (url) => NAME.exec(url ?? "")?.[1] ?? null;
// Requests have no ids: time, and what the sender calls it, tell one from another.
const header = (row, name) => row.headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? null;
const keyOf = (row) => `${row.received_at} ${header(row, "webhook-id") ?? ""} ${header(row, "ringback-attempt") ?? ""}`;

function Choose({ names, name }) {
  const [text, setText] = useState("");
  const show = (event) => {
    event.preventDefault();
    if (text.trim()) setQuery({ name: text.trim(), at: null }, { replace: false });
    setText("");
  };
  return html`<label class="filter"><span>${T.name}</span><select value=${name} onChange=${(event) => setQuery({ name: event.target.value, at: null }, { replace: false })}>
      ${names.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>
    <form class="filter" onSubmit=${show}><label class="filter"><span>${T.other}</span><input type="text" class="mono" value=${text} maxlength=${64} spellcheck=${false} onInput=${(event) => setText(event.target.value)} /></label>
      <button class="btn" type="submit">${T.show}</button></form>`;
}

function Answered({ status }) {
  return html`<${Tone} tone=${status < 300 ? "good" : "bad"}>${status}</${Tone}>`;
}

function Request({ row, endpoint }) {
  const secrets = useSecrets(endpoint);
  const signed = header(row, "webhook-signature");
  return html`<section class="card"><header><h2>${row.method} <code>${row.url}</code></h2></header><div class="body stack">
    <${Facts} of=${[[T.at, html`<${Exact} at=${row.received_at} />`], [T.answered, html`<${Answered} status=${row.answered} />`],
      [T.signature, !signed ? html`<span class="faint">${T.unsigned}</span>` : endpoint ? html`<${Signature} request=${row} secrets=${secrets.data} />` : html`<span class="faint">${S.endpoints.signature.noEndpoint}</span>`],
      [T.event, row.parsed?.id && html`<a class="link mono" href=${href(`/events/${row.parsed.id}`)}>${row.parsed.id}</a>`]]} />
    <h3>${T.headers}</h3><${Headers} headers=${row.headers} />
    <h3>${T.body}</h3><${Body} body=${row.body} label=${T.body} /></div></section>`;
}

function Rows({ rows, at, pick }) {
  return html`<div class="table-wrap"><table class="table inspected"><thead><tr><th>${T.type}</th><th>${T.answered}</th><th class="n">${T.at}</th></tr></thead>
    <tbody>${rows.slice(0, SHOWN).map((row) => {
      const key = keyOf(row);
      return html`<tr key=${key} class=${key === at ? "at" : ""} onClick=${() => pick(key)}>
        <td><button class="plain link clip" aria-pressed=${key === at}>${row.parsed?.type ?? `${row.method} ${row.url}`}</button>${row.parsed?.test === true && html` <span class="tag">${T.test}</span>`}</td>
        <td><${Answered} status=${row.answered} /></td><td class="n faint"><${Ago} at=${row.received_at} /></td></tr>`;
    })}</tbody></table></div>`;
}

function Received({ name, endpoints }) {
  const path = `/v1/inspect/${name}`;
  const pages = usePages(path, {}, keyOf);
  const [asking, setAsking] = useState(false);
  const soon = useRef(null);
  const look = () => !paused.value && pages.refresh().catch(() => {});
  useEvery(LOOK_MS, look, [path]);
  useLive(() => {
    clearTimeout(soon.current);
    soon.current = setTimeout(look, SOON_MS);
  });
  const { rows } = pages;
  const wanted = where.value.query.at;
  const chosen = rows.find((row) => keyOf(row) === wanted) ?? rows[0];
  const at = chosen && keyOf(chosen);
  const pick = (key) => setQuery({ at: key });
  const step = (by) => () => {
    const next = rows[Math.max(0, rows.findIndex((row) => keyOf(row) === at) + by)];
    if (next) pick(keyOf(next));
  };
  useKeys({ j: [S.keys.down, step(1)], k: [S.keys.up, step(-1)] });
  const forget = async () => {
    setAsking(false);
    try {
      await remove(path);
      say(T.cleared);
      pages.reload(false);
    } catch (problem) {
      sayProblem(problem);
    }
  };
  const url = `${location.origin}/inspect/${name}`;
  if (pages.problem && !rows.length) return html`<${Failed} problem=${pages.problem} retry=${() => pages.reload(false)} />`;
  if (pages.loading && !rows.length) return html`<${Loading} />`;
  if (!rows.length) {
    return html`<section class="card"><${NoneYet} title=${T.none} text=${T.noneText(url)}>
      ${may("endpoints:write") && html`<a class="btn primary" href=${href("/endpoints/new", { url, name })}>${T.make}</a>`}</${NoneYet}></section>`;
  }
  const endpoint = endpoints.find((one) => one.url && new URL(one.url).pathname + new URL(one.url).search === chosen.url) ?? endpoints.find((one) => nameIn(one.url) === name);
  return html`<div class="inspect"><section class="card"><header><h2>${T.list}</h2><span class="right"></span>
      <${CopyAs} path=${path} query=${{}} cli=${`inspector list ${name}`} />${may("inspector:write") && html`<button class="btn" onClick=${() => setAsking(true)}>${T.clear}</button>`}</header>
    <${Rows} rows=${rows} at=${at} pick=${pick} /></section>
    <${Request} key=${at} row=${chosen} endpoint=${endpoint?.id} />
    ${asking && html`<${Confirm} title=${T.clearSure} text=${T.clearText(name)} action=${T.clear} onDo=${forget} onClose=${() => setAsking(false)} />`}</div>`;
}

/** The screen. */
export default function Inspector() {
  const endpoints = [...useEndpoints().values()];
  if (mode.value !== "test") {
    return html`<div class="title"><h1>${S.nav.inspector}</h1></div><div class="state"><h2>${T.live}</h2><p>${T.liveText}</p>
      <div class="actions"><button class="btn primary" onClick=${() => setMode("test")}>${T.toTest}</button></div></div>`;
  }
  const { query } = where.value;
  const used = [...new Set(endpoints.map((one) => nameIn(one.url)).filter(Boolean))];
  const name = NAME.test(`/inspect/${query.name ?? ""}`) ? query.name : used[0] ?? DEMO;
  const names = [...new Set([...used, name])].sort();
  return html`<div class="title"><h1>${S.nav.inspector}</h1></div><p class="lead">${T.lead}</p>
    <div class="actions inspect-name"><${Choose} names=${names} name=${name} /></div>
    <${Received} key=${name} name=${name} endpoints=${endpoints} /><p class="faint behave">${T.behave}</p>`;
}
