/** What callbacks of a connection mean: its mapping or a ready one, tried on what came, then saved. */

import { Code, Facts } from "../parts/code.js";
import { Field, FormProblem } from "../parts/form.js";
import { Markdown } from "../parts/markdown.js";
import { short } from "../parts/names.js";
import { Tone } from "../parts/ring.js";
import { Loaded, NoneYet } from "../parts/states.js";
import { number } from "../parts/time.js";
import { way } from "../parts/way.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { say } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.connections.mapping;
const TONES = { read: "good", in_part: "warn", ignored: "idle", not_read: "bad" };
const ROWS = 22;

const indented = (mapping) => (mapping ? JSON.stringify(mapping, null, 2) : "");
const value = (one) => (typeof one === "object" && one !== null ? JSON.stringify(one) : String(one));

function Said({ one }) {
  return html`<div class="said"><p><b class="mono">${one.event}</b> <span class="faint">${one.item}</span></p>
    <${Facts} of=${Object.entries(one.says).map(([name, each]) => [name, each === null ? null : html`<code>${value(each)}</code>`])} /></div>`;
}

function Notes({ notes, open }) {
  if (!notes.length) return null;
  return html`<details class="more" open=${open}><summary>${T.notes(notes.length)}</summary><ul class="plain-list">${notes.map((one, n) => html`<li key=${n}>
    <code>${one.piece || "/"}</code> ${one.rule !== null && html`<span class="faint">${T.rule(one.rule)}</span>`} <code>${one.field}</code>: ${one.why}</li>`)}</ul></details>`;
}

function Tried({ one }) {
  return html`<section class="tried stack"><p class="came"><${Tone} tone=${TONES[one.verdict]}>${T.verdicts[one.verdict]}</${Tone}>
      ${one.callback && html`<a class="link right mono" href=${way(`/callbacks/${one.callback}`)}>${short(one.callback)}</a>`}</p>
    ${one.items.map((each, n) => html`<${Said} key=${n} one=${each} />`)}
    ${one.unparsed.length > 0 && html`<ul class="plain-list">${one.unparsed.map((each, n) => html`<li key=${n}><code>${each.pointer || "/"}</code> ${each.reason}</li>`)}</ul>`}
    <${Notes} notes=${one.notes} open=${one.verdict === "not_read"} /></section>`;
}

/** What is wrong with a mapping, each at its place in it. */
function Faults({ problem }) {
  const found = (problem?.errors ?? []).filter((one) => one.pointer);
  if (!found.length) return null;
  return html`<ul class="plain-list faults">${found.map((one, n) => html`<li key=${n}><code>${one.pointer}</code> ${one.detail}</li>`)}</ul>`;
}

function Form({ connection, presets, onChange }) {
  const own = connection.config.mapping;
  // A provider may have a preset of its name, which holds unless there is another.
  const usual = connection.config.preset ?? (own ? "" : presets.find((one) => one.name === connection.provider)?.name ?? "");
  const [chosen, setChosen] = useState(usual);
  const [text, setText] = useState(() => indented(own ?? presets.find((one) => one.name === usual)?.mapping));
  const [told, setTold] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const only = where.value.query.callback;
  const preset = presets.find((one) => one.name === chosen);
  const choose = (name) => {
    setChosen(name);
    const ready = presets.find((one) => one.name === name);
    if (ready) setText(indented(ready.mapping));
  };
  // Whoever changes a ready one has one of their own from then on.
  const write = (next) => {
    setChosen("");
    setText(next);
  };
  let mapping = null;
  let wrong = null;
  if (!chosen && text.trim()) {
    try {
      mapping = JSON.parse(text);
    } catch (failed) {
      wrong = T.noJson(failed.message);
    }
  }
  const doing = async (act) => {
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (failed) {
      setProblem(failed);
    }
    setBusy(false);
  };
  const attempt = (callbacks) => doing(async () => {
    setTold(null);
    setTold(await post("/v1/mapping-trials", { connection: connection.id, ...(chosen ? { preset: chosen } : { mapping }), ...(callbacks ? { callbacks } : {}) }));
  });
  const save = (force) => doing(async () => {
    const config = { mapping: chosen ? null : mapping, preset: chosen || null };
    const changed = await post(`/v1/connections/${connection.id}/rotate`, { config, overlap_s: 0, force });
    onChange(changed);
    say(changed.mapping_tested === false ? T.untested : T.saved);
  });
  const none = !chosen && !mapping;
  const readsNone = problem?.errors?.some((one) => one.pointer?.startsWith("/samples/"));
  return html`<div class="trial mapping"><section class="card"><header><h2>${T.title}</h2></header><div class="body form">
      <p class="muted">${T.lead}</p><${FormProblem} problem=${problem} /><${Faults} problem=${problem} />
      <${Field} label=${T.preset} kind="select" options=${[["", T.own], ...presets.map((one) => [one.name, one.verified ? one.label : T.unverified(one.label)])]} value=${chosen} onInput=${choose} />
      ${preset?.note && html`<${Markdown} text=${preset.note} />`}
      <${Field} label=${T.json} kind="area" mono=${true} rows=${ROWS} spellcheck=${false} value=${text} onInput=${write} help=${T.jsonHelp} />
      ${wrong && html`<p class="bad">${wrong}</p>`}
      <div class="actions">
        ${may("callbacks:read") && only && html`<button class="btn primary" disabled=${busy || wrong || none} onClick=${() => attempt([only])}>${T.tryOne}</button>`}
        ${may("callbacks:read") && html`<button class=${`btn${only ? "" : " primary"}`} disabled=${busy || wrong || none} onClick=${() => attempt()}>${T.tryLast}</button>`}
        <button class="btn" disabled=${busy || wrong} onClick=${() => save(false)}>${T.save}</button>
        ${readsNone && html`<button class="btn danger" disabled=${busy} onClick=${() => save(true)}>${T.force}</button>`}</div></div></section>
    <section class="card result" aria-live="polite"><header><h2>${T.result}</h2>${only && html`<button class="btn right" onClick=${() => setQuery({ callback: null })}>${T.forget(short(only))}</button>`}</header><div class="body stack">
      ${told ? html`<p>${T.read(number(told.read), number(told.tried.length))}</p>${told.tried.map((one, n) => html`<${Tried} key=${n} one=${one} />`)}`
        : html`<${NoneYet} title=${T.none} text=${T.noneText} />`}</div></section></div>`;
}

/** The tab. */
export function Mapping({ connection, onChange }) {
  const presets = useLoad((stop) => get("/v1/mapping-presets", {}, { signal: stop }), []);
  if (!may("connections:write")) return html`<${Code} text=${indented(connection.config.mapping) || connection.config.preset || T.nothing} label=${T.json} />`;
  return html`<${Loaded} of=${presets} rows=${6}>${({ data }) => html`<${Form} connection=${connection} presets=${data} onChange=${onChange} />`}</${Loaded}>`;
}
