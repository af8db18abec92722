/** One callback: raw, with what became of it, the likely cause, and reading it again. */

import { Body, Facts, Headers } from "../parts/code.js";
import { MAPPED } from "../parts/connection.js";
import { asCli, asCurl, copy, Id } from "../parts/copy.js";
import { Type } from "../parts/event.js";
import { Menu } from "../parts/menu.js";
import { ConnectionLink, useConnections } from "../parts/names.js";
import { Reveal } from "../parts/reveal.js";
import { Loaded } from "../parts/states.js";
import { Exact } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";
import { Outcome } from "./callbacks.js";

const T = S.callbacks;
const UNPROVED = new Set(["rejected", "quarantined"]);
const FORWARDED = /^(x-forwarded-|forwarded$|via$|cf-)/i;

/** Part a reason into what was found, and what was checked and would mend it. */
function parted(reason) {
  const at = reason.search(/\. (?=Checked: |It fits |The signature fits)/);
  return at < 0 ? [reason, ""] : [reason.slice(0, at + 1), reason.slice(at + 2)];
}

/** Return the likeliest causes of an outcome, from its reason: sentences. */
function causes(callback) {
  const found = T.causes.filter(([outcome, reason]) => outcome === callback.outcome && (!reason || reason.test(callback.reason))).map(([, , words]) => words);
  const proxied = callback.headers.some(([name]) => FORWARDED.test(name));
  return callback.outcome === "rejected" && proxied ? [...found, T.proxied] : found;
}

function Again({ callback }) {
  const [found, setFound] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!may("callbacks:write") || callback.outcome === "rejected") return null;
  const read = async (effects) => {
    setBusy(true);
    try {
      setFound(await post(`/v1/callbacks/${callback.id}/reparse`, { effects }));
    } catch (problem) {
      sayProblem(problem);
    }
    setBusy(false);
  };
  const fresh = found && !found.effects && !["duplicate", "unparsed"].includes(found.outcome);
  return html`<section class="card read-again"><header><h2>${T.again}</h2><span class="right"></span>
      <button class="btn" disabled=${busy} onClick=${() => read(false)}>${T.read}</button></header>
    <div class="body stack">${!found ? html`<p class="faint">${callback.outcome === "quarantined" ? T.againQuarantined : T.againText}</p>` : html`
      <p role="status"><${Outcome} outcome=${found.outcome} /> <span class="muted">${found.reason || (found.effects ? T.means[found.outcome] : T.reads)}</span></p>
      ${found.items.length > 0 && html`<ul class="plain-list">${found.items.map((one, n) => html`<li key=${n}><b>${one.kind}</b> <span class="mono">${one.about}</span> ${one.status ?? ""}</li>`)}</ul>`}
      ${found.effects && html`<p>${T.brought(found.events.length)} ${found.events.map((one) => html`<a key=${one} class="link mono" href=${href(`/events/${one}`)}>${one} </a>`)}</p>`}
      ${fresh && html`<div class="actions"><button class="btn" disabled=${busy} onClick=${() => read(true)}>${T.apply}</button><span class="faint">${T.applyText}</span></div>`}`}
    </div></section>`;
}

/** The events that it brought about: the message's timeline knows. */
function Brought({ callback }) {
  const of = useLoad(async (signal) => {
    if (!callback.message || !may("messages:read")) return null;
    const { entries } = await get(`/v1/messages/${callback.message}/timeline`, {}, { signal });
    return entries.filter((one) => one.kind === "event" && one.callback === callback.id);
  }, [callback.id]);
  if (!of.data?.length) return null;
  return html`<section class="card"><header><h2>${T.events}</h2></header><div class="body"><ul class="plain-list">${of.data.map((one) => html`<li key=${one.id}>
    <a href=${href(`/events/${one.id}`)}><${Type} event=${one} /></a> <span class="faint"><${Exact} at=${one.at} /></span></li>`)}</ul></div></section>`;
}

/** Where what is wrong can be mended. */
function Onward({ callback }) {
  if (!may("connections:write")) return null;
  const to = (query) => href(`/connections/${callback.connection}`, query);
  return html`<div class="actions">${UNPROVED.has(callback.outcome) && html`<a class="btn" href=${to({ tab: "settings" })}>${T.toSettings}</a>`}
    ${MAPPED.has(callback.provider) && !UNPROVED.has(callback.outcome) && html`<a class="btn" href=${to({ tab: "mapping", callback: callback.id })}>${T.toMapping}</a>`}</div>`;
}

function Page({ callback, reveal }) {
  const names = useConnections();
  const items = [
    [S.copy.asCurl, () => copy(asCurl("GET", `/v1/callbacks/${callback.id}`))],
    [S.copy.asCli, () => copy(asCli(`callbacks get ${callback.id}`))], [S.copy.link, () => copy(location.href)],
  ];
  const [said, more] = parted(callback.reason ?? "");
  // What was found by trying is more than what is usual.
  const why = more.startsWith("It fits") || more.startsWith("The signature fits") ? [] : causes(callback);
  return html`
    <div class="crumb"><a href=${href("/callbacks")}>${S.nav.callbacks}</a> / <${Id} id=${callback.id} /></div>
    <div class="title"><h1>${T.headline[callback.outcome]?.(callback.provider) ?? callback.outcome}</h1><${Outcome} outcome=${callback.outcome} />
      <div class="actions">${reveal}<${Menu} label=${S.copy.as} items=${items} /></div></div>
    <div class="split"><div class="stack">
        <section class="card"><header><h2>${T.verdict}</h2></header><div class="body verdict">
          <p class="decided">${callback.reason ? `${said[0].toUpperCase()}${said.slice(1)}` : T.means[callback.outcome]}</p>
          ${more && html`<p class="reason-more">${more}</p>`}
          ${callback.reason && html`<p class="muted">${T.means[callback.outcome]}</p>`}
          ${why.length > 0 && html`<div class=${`hint${UNPROVED.has(callback.outcome) ? "" : " mild"}`}><h3>${T.likely}</h3>${why.map((one) => html`<p key=${one}>${one}</p>`)}</div>`}
          <${Onward} callback=${callback} /></div></section>
        <${Brought} callback=${callback} />
        <section class="card exchange"><header><h2>${T.request}</h2></header><div class="body stack">
          <p class="line mono"><b>${callback.method}</b> ${callback.url}</p><${Headers} headers=${callback.headers} />
          <${Body} body=${callback.body} label=${T.body} /></div></section>
        <${Again} callback=${callback} /></div>
      <aside class="stack"><section class="card"><header><h2>${T.facts}</h2></header><div class="body"><${Facts} of=${[
        [T.connection, html`<${ConnectionLink} names=${names} id=${callback.connection} />`], [T.provider, callback.provider],
        [T.received, html`<${Exact} at=${callback.received_at} />`], [T.items, callback.items],
        [T.message, callback.message && html`<a class="link" href=${href(`/messages/${callback.message}`)}>${T.toMessage}</a>`],
        [T.peer, html`<span class="mono">${callback.peer}</span>`], [T.id, html`<${Id} id=${callback.id} />`],
      ]} /></div></section><p class="faint note">${T.hidden}</p></aside></div>`;
}

/** The screen. */
export default function Callback({ id }) {
  const [shown, setShown] = useState(null);
  const load = useLoad((signal) => get(`/v1/callbacks/${id}`, {}, { signal }), [id]);
  return html`<${Loaded} of=${load} rows=${10}>${(callback) => html`<${Page} callback=${shown ?? callback} reveal=${!shown && html`<${Reveal} id=${id} then=${setShown} />`} />`}</${Loaded}>`;
}
