/** The event catalogue: every type by family; one with its schema beside an example, tried and described here. */

import { CopyAs } from "../parts/copy.js";
import { Loaded } from "../parts/states.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useEffect, useRef, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { go, href } from "../shell/where.js";
import { S } from "../strings.js";
import { EventType } from "./event_type.js";
import { Describe } from "./own_type.js";

const T = S.catalogue;
const familyOf = (name) => name.split(".")[0];

/** Group types by family, in the order in which they come. */
function families(types, text) {
  const words = text.trim().toLowerCase();
  const found = new Map();
  for (const one of types) {
    if (words && !`${one.name} ${one.description}`.toLowerCase().includes(words)) continue;
    found.set(familyOf(one.name), [...(found.get(familyOf(one.name)) ?? []), one]);
  }
  return [...found];
}

function Leaf({ one, here }) {
  const note = one.archived ? T.archived : one.deprecated ? T.deprecated : !one.emitted ? T.later : null;
  return html`<li><a href=${href(`/developers/catalogue/${one.name}`)} aria-current=${here ? "page" : undefined} title=${one.description}>
    <span class="mono clip">${one.name.slice(familyOf(one.name).length + 1)}</span>${note && html`<span class="faint">${note}</span>`}</a></li>`;
}

function Tree({ types, here, onDescribe }) {
  const [text, setText] = useState("");
  const [folded, setFolded] = useState(new Set());
  const found = families(types, text);
  const fold = (family, open) => {
    const next = new Set(folded);
    if (open) next.delete(family);
    else next.add(family);
    setFolded(next);
  };
  const tree = useRef(null);
  useEffect(() => { tree.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }); }, []);
  return html`<nav class="card tree" aria-label=${T.types}>
    <header><input type="search" aria-label=${T.find} placeholder=${T.find} value=${text} data-slash="" spellcheck=${false}
      onInput=${(event) => setText(event.target.value)} /></header>
    <div class="branches" ref=${tree}>
      ${found.length === 0 && html`<p class="faint none">${T.noneFits}</p>`}
      ${found.map(([family, members]) => html`<details key=${family} open=${Boolean(text) || !folded.has(family)}
        onToggle=${(event) => !text && fold(family, event.target.open)}>
        <summary><span class="mono">${family}</span>${members[0].own && html`<span class="tag">${T.own}</span>`}<span class="faint num">${members.length}</span></summary>
        <ul>${members.map((one) => html`<${Leaf} key=${one.name} one=${one} here=${one.name === here} />`)}</ul></details>`)}
    </div>
    ${may("event_types:write") && html`<footer><button class="btn" onClick=${onDescribe}>${T.describe}</button></footer>`}
  </nav>`;
}

function Intro({ types, onDescribe }) {
  const own = types.filter((one) => one.own);
  const emitted = types.filter((one) => one.emitted && !one.own).length;
  return html`<div class="stack">
    <section class="card"><header><h2>${T.ours}</h2></header><div class="body stack tight">
      <p>${T.oursText(types.length - own.length, emitted)}</p><p class="muted">${T.chooseText}</p></div>
      <div class="table-wrap"><table class="table"><thead><tr><th>${T.pattern}</th><th class="n">${T.count}</th><th>${T.types}</th></tr></thead>
        <tbody>${families(types.filter((one) => !one.own), "").map(([family, members]) => html`<tr key=${family}>
          <td class="mono">${family}.*</td><td class="n">${members.length}</td>
          <td class="names">${members.map((one) => html`<a key=${one.name} class=${one.emitted ? "link" : "faint"} title=${one.emitted ? one.description : `${T.notYet}: ${one.description}`}
            href=${href(`/developers/catalogue/${one.name}`)}>${one.name.slice(family.length + 1)}</a>`)}</td></tr>`)}</tbody></table></div>
    </section>
    <section class="card"><header><h2>${T.yours}</h2></header>
      ${own.length === 0 ? html`<div class="body stack tight"><p>${T.yoursNone}</p><p class="muted">${T.yoursText}</p>
        ${may("event_types:write") && html`<div class="actions"><button class="btn primary" onClick=${onDescribe}>${T.describe}</button></div>`}</div>`
        : html`<div class="table-wrap"><table class="table"><tbody>${own.map((one) => html`<tr key=${one.name}>
          <td class="mono"><a class="link" href=${href(`/developers/catalogue/${one.name}`)}>${one.name}</a></td><td>${one.description}</td>
          <td class="faint">${one.archived ? T.archived : one.deprecated ? T.deprecated : ""}</td></tr>`)}</tbody></table></div>`}
    </section>
  </div>`;
}

/** The screen. `type`: the one that is shown, or none. */
export default function Catalogue({ type }) {
  const loaded = useLoad((signal) => get("/v1/event-types", {}, { signal }), []);
  const [describing, setDescribing] = useState(false);
  const [round, setRound] = useState(0);
  const changed = (name) => {
    setDescribing(false);
    setRound(round + 1);
    loaded.reload();
    go(name ? `/developers/catalogue/${name}` : "/developers/catalogue", {}, { replace: name === type });
  };
  return html`<div class="crumb"><a href=${href("/developers")}>${S.nav.developers}</a><span aria-hidden="true">/</span>
      ${type ? html`<a href=${href("/developers/catalogue")}>${S.nav.catalogue}</a>` : S.nav.catalogue}</div>
    ${!type && html`<div class="title"><h1>${S.nav.catalogue}</h1><div class="actions"><${CopyAs} path="/v1/event-types" cli="event-types list" /></div></div>`}
    <${Loaded} of=${loaded} rows=${10}>${(found) => html`<div class="catalogue">
      <${Tree} types=${found.data} here=${type} onDescribe=${() => setDescribing(true)} />
      ${type ? html`<${EventType} key=${`${type} ${round}`} name=${type} onChanged=${changed} />`
        : html`<${Intro} types=${found.data} onDescribe=${() => setDescribing(true)} />`}
    </div>`}</${Loaded}>
    ${describing && html`<${Describe} onClose=${() => setDescribing(false)} onDone=${changed} />`}`;
}
