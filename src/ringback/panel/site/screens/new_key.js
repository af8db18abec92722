/** Making an API key: what it is for, which mode, what it may do, when it ends; then it is shown once. */

import { Command } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { Loaded } from "../parts/states.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useState } from "../shell/preact.js";
import { may, mode } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.developers.making;
const DAY_MS = 86400000;
const DAYS = { 30: 30, 90: 90, 365: 365 };

/** Return when a key ends: "" is never, a number is days from now, else a day that was chosen. */
function endOf(choice, day) {
  if (choice === "day") return day ? new Date(`${day}T23:59:59`).toISOString() : null;
  return DAYS[choice] ? new Date(Date.now() + DAYS[choice] * DAY_MS).toISOString() : null;
}

/** Which kinds may be made: the live mode makes both. Operators' keys are made by operators' keys. */
function kinds() {
  return (mode.value === "live" ? ["live", "test"] : ["test"]).map((one) => [one, T.kinds[one]]);
}

function Choose({ scopes, chosen, setChosen }) {
  const groups = new Map();
  for (const one of scopes) {
    const group = one.name.split(":")[0];
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  const toggle = (name, on) => {
    const next = new Set(chosen);
    if (on) next.add(name);
    else next.delete(name);
    setChosen(next);
  };
  const take = (fits) => setChosen(new Set(scopes.map((one) => one.name).filter(fits)));
  return html`<div class="scopes">
    <div class="actions">
      <button type="button" class="btn" onClick=${() => take((name) => name.endsWith(":read"))}>${T.reading}</button>
      <button type="button" class="btn" onClick=${() => take((name) => ["events:write", "events:read", "messages:read"].includes(name))}>${T.publishing}</button>
      <button type="button" class="btn" onClick=${() => take(() => false)}>${T.nothing}</button>
      <span class="faint right num">${T.chosen(chosen.size, scopes.length)}</span>
    </div>
    ${[...groups].map(([group, members]) => html`<fieldset key=${group}><legend>${T.groups[group] ?? group}</legend>
      ${members.map((one) => html`<label key=${one.name} title=${one.what}>
        <input type="checkbox" checked=${chosen.has(one.name)} onChange=${(event) => toggle(one.name, event.target.checked)} />
        <span><code>${one.name}</code><span class="faint">${one.what}</span></span></label>`)}
    </fieldset>`)}
  </div>`;
}

function Made({ made, onDone }) {
  const elsewhere = made.kind !== mode.value;
  return html`<${Dialog} wide title=${T.made(made.name)} onClose=${onDone} foot=${html`<button class="btn primary" onClick=${onDone}>${T.kept}</button>`}>
    <div class="stack tight">
      <p>${T.once}</p>
      <${Command} text=${made.key} />
      <p class="muted">${T.shell}</p>
      <${Command} text=${`export RINGBACK_URL=${location.origin}\nexport RINGBACK_API_KEY=${made.key}`} />
      <p class="muted">${T.profile}</p>
      <${Command} text=${`ringback login --url ${location.origin}`} />
      ${elsewhere && html`<p class="faint">${T.elsewhere(S.developers.kinds[made.kind])}</p>`}
    </div></${Dialog}>`;
}

/** The dialog. `onDone`: a key was made and seen. */
export function NewKey({ onClose, onDone }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState(mode.value);
  const [all, setAll] = useState(true);
  const [chosen, setChosen] = useState(new Set());
  const [ends, setEnds] = useState("");
  const [day, setDay] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState(null);
  const loaded = useLoad((signal) => get("/v1/scopes", {}, { signal }), []);
  if (made) return html`<${Made} made=${made} onDone=${onDone} />`;
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      setMade(await post("/v1/api-keys", {
        name, kind, expires_at: endOf(ends, day), scopes: all ? null : [...chosen],
      }));
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  };
  const fits = (one) => !one.everybody && may(one.name) && (kind === "operator" || !one.operator);
  const wrongScope = problem?.errors?.find((one) => one.pointer?.startsWith("/scopes"))?.detail;
  return html`<${Dialog} wide title=${T.title} onClose=${onClose} foot=${html`
    <button class="btn" onClick=${onClose}>${S.dialog.cancel}</button>
    <button class="btn primary" form="new-key" disabled=${busy || (!all && !chosen.size)}>${T.make}</button>`}>
    <form id="new-key" class="form" onSubmit=${submit}>
      <${Field} label=${T.name} help=${T.nameHelp} value=${name} onInput=${setName} pointer="/name" problem=${problem} maxlength="128" required autofocus />
      <div class="two">
        <${Field} label=${T.kind} kind="select" options=${kinds()} value=${kind} onInput=${setKind} pointer="/kind" problem=${problem} help=${T.kindHelp[kind]} />
        <${Field} label=${T.ends} kind="select" options=${T.endings} value=${ends} onInput=${setEnds} pointer="/expires_at" problem=${problem} help=${T.endsHelp} />
      </div>
      ${ends === "day" && html`<${Field} label=${T.day} kind="date" value=${day} onInput=${setDay} required />`}
      <fieldset class="pick"><legend>${T.may}</legend>
        <label><input type="radio" name="scopes" checked=${all} onChange=${() => setAll(true)} />${T.all}</label>
        <label><input type="radio" name="scopes" checked=${!all} onChange=${() => setAll(false)} />${T.some}</label>
      </fieldset>
      ${!all && html`<${Loaded} of=${loaded} rows=${4}>${(found) => html`<${Choose} scopes=${found.data.filter(fits)} chosen=${chosen} setChosen=${setChosen} />`}</${Loaded}>`}
      ${wrongScope && html`<p class="bad">${wrongScope}</p>`}
      ${problem && !problem.errors?.length && html`<${FormProblem} problem=${problem} />`}
    </form></${Dialog}>`;
}
