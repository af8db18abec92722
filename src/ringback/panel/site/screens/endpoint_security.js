/** Who may speak for this endpoint: its signing secrets, and header fields of its owner's. */

import { Secret } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { Loaded } from "../parts/states.js";
import { Ago } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { say } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.endpoints.security;
const DAY = "86400";

function Rotate({ endpoint, onDone, onClose }) {
  const [overlap, setOverlap] = useState(DAY);
  const [own, setOwn] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const rotate = async () => {
    setBusy(true);
    try {
      const body = { overlap_s: Number(overlap), ...(own.trim() ? { secret: own.trim() } : {}) };
      onDone(await post(`/v1/endpoints/${endpoint.id}/rotate-secret`, body));
      say(T.rotated);
    } catch (failed) {
      setProblem(failed);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${T.rotateTitle} onClose=${onClose} foot=${html`
    <button class="btn" onClick=${onClose}>${S.dialog.cancel}</button><button class="btn primary" disabled=${busy} onClick=${rotate}>${T.rotate}</button>`}>
    <div class="form"><p>${T.rotateText}</p><${FormProblem} problem=${problem} />
      <${Field} label=${T.overlap} kind="select" options=${T.overlaps} value=${overlap} onInput=${setOverlap} problem=${problem} pointer="/overlap_s" />
      <${Field} label=${T.own} mono=${true} value=${own} onInput=${setOwn} help=${T.ownHelp} problem=${problem} pointer="/secret" autocomplete="off" /></div>
  </${Dialog}>`;
}

const ending = (secret) => `whsec_…${secret.slice(-4)}`;

function Secrets({ told }) {
  return html`<ul class="secrets">
    <li><code>${ending(told.secret)}</code><span class="muted">${T.current}</span><${Secret} text=${told.secret} /></li>
    ${told.retiring.map((one) => html`<li key=${one.secret}><code>${ending(one.secret)}</code><span class="muted">${T.retiring} <${Ago} at=${one.until} /></span><${Secret} text=${one.secret} /></li>`)}
  </ul>`;
}

function Signing({ endpoint }) {
  const [asking, setAsking] = useState(false);
  const [fresh, setFresh] = useState(null);
  const may_ = may("endpoints:secrets");
  const loaded = useLoad((signal) => (may_ ? get(`/v1/endpoints/${endpoint.id}/secret`, {}, { signal }) : Promise.resolve(null)), [endpoint.id]);
  const done = (told) => {
    setAsking(false);
    if (may_) loaded.set(told);
    setFresh(told.secret);
  };
  return html`<section class="card"><header><h2>${T.secret}</h2>
    ${may("endpoints:write") && html`<button class="btn right" onClick=${() => setAsking(true)}>${T.rotate}</button>`}</header>
    <div class="body stack"><p class="muted">${T.secretText}</p>
      ${fresh && html`<div class="banner"><p>${T.once}</p><${Secret} text=${fresh} /></div>`}
      <${Loaded} of=${loaded} rows=${2}>${(told) => (told ? html`<${Secrets} told=${told} />` : html`<p class="faint">${T.mayNot}</p>`)}</${Loaded}></div>
    ${asking && html`<${Rotate} endpoint=${endpoint} onDone=${done} onClose=${() => setAsking(false)} />`}
  </section>`;
}

function ChangeHeaders({ endpoint, change, onClose }) {
  const [rows, setRows] = useState(() => [...Object.keys(endpoint.headers).map((name) => [name, ""]), ["", ""]]);
  const [problem, setProblem] = useState(null);
  const put = (n, place, text) => setRows(rows.map((row, at) => (at === n ? row.map((one, side) => (side === place ? text : one)) : row)));
  const save = async () => {
    const wanted = Object.fromEntries(rows.filter(([name]) => name.trim()).map(([name, value]) => [name.trim().toLowerCase(), value]));
    const failed = await change({ headers: wanted });
    if (failed) setProblem(failed);
    else onClose();
  };
  return html`<${Dialog} title=${T.headersTitle} onClose=${onClose} foot=${html`
    <button class="btn" onClick=${onClose}>${S.dialog.cancel}</button><button class="btn primary" onClick=${save}>${S.endpoints.save}</button>`}>
    <div class="form"><p>${T.replace}</p><${FormProblem} problem=${problem} />
      ${problem?.at?.("/headers") && html`<p class="bad">${problem.at("/headers")}</p>`}
      ${rows.map(([name, value], n) => html`<div key=${n} class="pair">
        <input type="text" class="mono" aria-label=${T.headerName} placeholder=${T.headerName} value=${name} onInput=${(event) => put(n, 0, event.target.value)} />
        <input type="text" class="mono" aria-label=${T.headerValue} placeholder=${endpoint.headers[name] ?? T.headerValue} value=${value} autocomplete="off" onInput=${(event) => put(n, 1, event.target.value)} />
        <button class="plain" aria-label=${T.removeHeader} onClick=${() => setRows(rows.filter((_, at) => at !== n))}>×</button></div>`)}
      <div><button class="btn" onClick=${() => setRows([...rows, ["", ""]])}>${T.addHeader}</button></div></div>
  </${Dialog}>`;
}

function Own({ endpoint, change }) {
  const [asking, setAsking] = useState(false);
  const names = Object.entries(endpoint.headers);
  return html`<section class="card"><header><h2>${T.headers}</h2>
    ${may("endpoints:write") && html`<button class="btn right" onClick=${() => setAsking(true)}>${T.change}</button>`}</header>
    <div class="body stack"><p class="muted">${T.headersText}</p>
      ${names.length ? html`<dl class="headers">${names.map(([name, value]) => html`<div key=${name}><dt class="mono">${name}</dt><dd class="mono">${value}</dd></div>`)}</dl>`
        : html`<p class="faint">${T.noHeaders}</p>`}</div>
    ${asking && html`<${ChangeHeaders} endpoint=${endpoint} change=${change} onClose=${() => setAsking(false)} />`}
  </section>`;
}

/** The tab. */
export function Security({ endpoint, change }) {
  return html`<div class="stack"><${Signing} endpoint=${endpoint} />${endpoint.kind !== "listen" && html`<${Own} endpoint=${endpoint} change=${change} />`}</div>`;
}
