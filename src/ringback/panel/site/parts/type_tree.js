/** The types of events as a tree to choose from: all, whole families, single types, others by name. */

import { html, useState } from "../shell/preact.js";
import { S } from "../strings.js";

const T = S.endpoints.tree;
const PATTERN = /^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$/;
// Descriptions are Markdown, of which they use no more than this.
const plain = (text) => text.replaceAll("`", "");
const familyOf = (name) => name.split(".", 1)[0];

/** Say whether one of the patterns takes a type, as the server does. */
export const fits = (patterns, type) =>
  patterns.some((one) => one === "*" || one === type || (one.endsWith(".*") && type.startsWith(one.slice(0, -1))));

/** Return types by family, ours first, the tenant's own behind them: [[family, types]]. */
export function families(types) {
  const found = new Map();
  for (const one of [...types].sort((a, b) => Number(a.own) - Number(b.own))) {
    if (one.archived) continue;
    const family = familyOf(one.name);
    found.set(family, [...(found.get(family) ?? []), one]);
  }
  return [...found];
}

/** Which patterns remain when one type of a whole family is taken away. */
function without(chosen, names, family, name) {
  const whole = `${family}.*`;
  if (!chosen.includes(whole)) return chosen.filter((one) => one !== name);
  return [...chosen.filter((one) => one !== whole), ...names.filter((one) => one !== name)];
}

function Family({ family, types, chosen, onChange, off }) {
  const names = types.map((one) => one.name);
  const whole = `${family}.*`;
  const all = chosen.includes(whole);
  const count = names.filter((name) => fits(chosen, name)).length;
  const [open, setOpen] = useState(count > 0 && !off && !all);
  const others = chosen.filter((one) => one !== whole && !names.includes(one));
  const toggleAll = () => onChange(all ? others : [...others, whole]);
  const toggle = (name) => onChange(fits(chosen, name) ? without(chosen, names, family, name) : [...chosen, name]);
  return html`<div class="family">
    <div class="head"><button type="button" class="plain fold" aria-expanded=${open} aria-label=${T.types(whole)} onClick=${() => setOpen(!open)}><span aria-hidden="true">›</span></button>
      <label><input type="checkbox" checked=${off || all} disabled=${off} ref=${(box) => { if (box) box.indeterminate = !off && !all && count > 0; }}
      onChange=${toggleAll} /> <b class="mono">${whole}</b></label>
      <span class="faint right">${off || all ? T.whole : T.family(count, names.length)}</span></div>
    ${open && html`<ul>${types.map((one) => html`<li key=${one.name}><label title=${plain(one.description)}>
      <input type="checkbox" checked=${off || fits(chosen, one.name)} disabled=${off} onChange=${() => toggle(one.name)} />
      <span><span class="mono">${one.name}</span>
        ${one.deprecated && html` <span class="tag warn">${T.deprecated}</span>`}${!one.emitted && html` <span class="tag">${T.notYet}</span>`}
        <span class="faint about">${plain(one.description)}</span></span></label></li>`)}</ul>`}
  </div>`;
}

function Another({ chosen, onChange }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const add = () => {
    const wanted = text.trim();
    if (!PATTERN.test(wanted)) {
      setWrong(Boolean(wanted));
      return;
    }
    if (!chosen.includes(wanted)) onChange([...chosen, wanted]);
    setText("");
    setWrong(false);
  };
  const keys = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  return html`<div class="another"><label class="filter"><span>${T.add}</span>
      <input type="text" class="mono" value=${text} spellcheck=${false} onInput=${(event) => setText(event.target.value)} onKeyDown=${keys} /></label>
    <button type="button" class="btn" onClick=${add}>${T.addDo}</button>
    <p class=${wrong ? "bad" : "faint"}>${wrong ? T.wrong : T.addHelp}</p></div>`;
}

/** The tree. `types`: of /v1/event-types; `chosen`: patterns; `onChange(patterns)`. */
export function TypeTree({ types, chosen, onChange }) {
  const groups = families(types);
  const known = new Set(groups.flatMap(([family, ones]) => [`${family}.*`, ...ones.map((one) => one.name)]));
  const others = chosen.filter((one) => one !== "*" && !known.has(one));
  const all = chosen.includes("*");
  return html`<div class="tree">
    <label class="every"><input type="checkbox" checked=${all} onChange=${() => onChange(all ? [] : ["*"])} /> <b class="mono">*</b> ${T.all}</label>
    <div class="families">${groups.map(([family, ones]) => html`<${Family} key=${family} family=${family} types=${ones} chosen=${chosen} onChange=${onChange} off=${all} />`)}</div>
    ${others.length > 0 && html`<p class="others">${others.map((one) => html`<span key=${one} class="tag mono">${one}
      <button type="button" class="plain" aria-label=${T.takeAway(one)} onClick=${() => onChange(chosen.filter((each) => each !== one))}>×</button></span> `)}</p>`}
    ${!all && html`<${Another} chosen=${chosen} onChange=${onChange} />`}
    ${!chosen.length && html`<p class="bad">${T.none}</p>`}
  </div>`;
}
