/** Playing one recorded callback of its provider to a test connection: chosen, looked at, posted. */

import { Body, Code, Facts } from "../parts/code.js";
import { FormProblem } from "../parts/form.js";
import { Loaded, NoMatch, NoneYet } from "../parts/states.js";
import { way } from "../parts/way.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useEffect, useRef, useState } from "../shell/preact.js";
import { href, where } from "../shell/where.js";
import { S } from "../strings.js";
import { Outcome } from "./callbacks.js";

const T = S.connections.samples;

/** Group samples by what they are about, in the order in which they come; those that fit every word. */
function groups(samples, text) {
  const words = text.trim().toLowerCase().split(/\s+/);
  const found = new Map();
  for (const one of samples) {
    const told = `${one.name} ${one.title} ${T.about[one.about]} ${one.says} ${one.events.join(" ")}`.toLowerCase();
    if (!words.every((word) => told.includes(word))) continue;
    found.set(one.about, [...(found.get(one.about) ?? []), one]);
  }
  return [...found];
}

const address = (connection, name) => href(`/connections/${connection.id}`, { tab: "simulate", play: "sample", sample: name });

function Tree({ connection, samples, here }) {
  const [text, setText] = useState("");
  const found = groups(samples, text);
  const tree = useRef(null);
  useEffect(() => { tree.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }); }, []);
  return html`<nav class="card tree samples" aria-label=${T.list}>
    <header><input type="search" aria-label=${T.find} placeholder=${T.find} value=${text} data-slash="" spellcheck=${false}
      onInput=${(event) => setText(event.target.value)} /></header>
    <div class="branches" ref=${tree}>
      ${found.length === 0 && html`<${NoMatch} text=${T.noneFits} onClear=${() => setText("")} />`}
      ${found.map(([about, members]) => html`<details key=${about} open>
        <summary><span>${T.about[about] ?? about}</span><span class="faint num">${members.length}</span></summary>
        <ul>${members.map((one) => html`<li key=${one.name}><a href=${address(connection, one.name)} aria-current=${one.name === here ? "true" : undefined} title=${one.says}>
          <span class="clip">${one.title}</span></a></li>`)}</ul></details>`)}
    </div></nav>`;
}

/** What came of it: each post with its callback. */
function Came({ done }) {
  return html`<div class="stack tight came" role="status">${done.callbacks.map((one, n) => html`<p key=${n} class="banner"><span>
        ${one.outcome ? html`<${Outcome} outcome=${one.outcome} />` : T.notKept} ${one.status === null ? T.unanswered : T.answered(one.status)} <span class="muted">${one.reason}</span></span>
      ${one.callback && html`<a class="btn" href=${way(`/callbacks/${one.callback}`)}>${done.callbacks.length > 1 ? T.nth(n + 1) : T.callback}</a>`}</p>`)}
    ${done.message && html`<p><a class="link" href=${way(`/messages/${done.message}`)}>${T.message}</a></p>`}</div>`;
}

function Sample({ connection, one }) {
  const [again, setAgain] = useState(false);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(null);
  const [problem, setProblem] = useState(null);
  const play = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    setDone(null);
    try {
      setDone(await post(`/v1/connections/${connection.id}/simulate`, { sample: one.name, ...(again ? { again } : {}) }));
    } catch (failed) {
      setProblem(failed);
    }
    setBusy(false);
  };
  return html`<section class="card"><header><h2>${one.title}</h2></header><form class="body form" onSubmit=${play}>
    <${FormProblem} problem=${problem} />
    <${Facts} of=${[[T.says, one.says], [T.follows, one.events.length ? one.events.map((type) => html`<code key=${type}>${type}</code> `) : T.nothing], [T.name, html`<code>${one.name}</code>`]]} />
    <h3>${T.raw}</h3>
    <${Code} text=${[`${one.method} …${one.query ? `?${one.query}` : ""}`, one.content_type].filter(Boolean).join("\n")} label=${T.head} />
    <${Body} body=${one.body} label=${T.body} />
    <p class="faint">${T.made}</p>
    <div class="checks"><label><input type="checkbox" checked=${again} onChange=${() => setAgain(!again)} /> ${T.again}</label></div>
    <div class="actions"><button class="btn primary" type="submit" disabled=${busy}>${T.go}</button></div>
    ${done && html`<${Came} done=${done} />`}</form></section>`;
}

/** The library of a connection's provider. */
export function Samples({ connection }) {
  const loaded = useLoad((stop) => get(`/v1/connections/${connection.id}/samples`, {}, { signal: stop }), [connection.id]);
  const here = where.value.query.sample;
  return html`<${Loaded} of=${loaded} rows=${8}>${({ data }) => {
    if (!data.length) return html`<${NoneYet} title=${T.none} text=${T.noneText} />`;
    const one = data.find((each) => each.name === here);
    return html`<div class="catalogue"><${Tree} connection=${connection} samples=${data} here=${here} />
      ${one ? html`<${Sample} key=${one.name} connection=${connection} one=${one} />`
        : html`<${NoneYet} title=${here ? T.gone : T.choose} text=${T.lead} />`}</div>`;
  }}</${Loaded}>`;
}
