/** One type of event: what it means, its schema beside an example, its versions, and a test of it. */

import { Code, Json } from "../parts/code.js";
import { asCli, asCurl, copy } from "../parts/copy.js";
import { Confirm } from "../parts/dialog.js";
import { Fields } from "../parts/fields.js";
import { Menu } from "../parts/menu.js";
import { Loaded } from "../parts/states.js";
import { Ago } from "../parts/time.js";
import { get, put, remove } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";
import { Describe } from "./own_type.js";
import { SendTest } from "./send_test.js";

const T = S.catalogue;

/** Without its origin: an address of this installation wherever it is reached at. */
const pathOf = (url) => new URL(url, location.origin).pathname;

function Versions({ of }) {
  if (!of.schemas.length) return null;
  return html`<span class="versions faint">${T.versions}
    ${of.schemas.map((one) => of.own
      ? html`<span key=${one.version} class="tag">${T.version(one.version)}</span>`
      : html`<a key=${one.version} class="tag" href=${pathOf(one.url)} target="_blank" rel="noopener">${T.version(one.version)}</a>`)}</span>`;
}

/** An older version of a schema of one's own can be looked at. */
function Schema({ of }) {
  const [version, setVersion] = useState(of.schema_version);
  const [raw, setRaw] = useState(false);
  const loaded = useLoad((signal) => version === of.schema_version ? Promise.resolve(of.schema)
    : get(`/v1/event-types/${of.name}/schemas/${version}`, {}, { signal }), [version]);
  return html`<section class="card"><header><h2>${T.schema}</h2><span class="faint">${of.own ? T.schemaOwn : T.schemaOurs}</span>
      <span class="right"></span>
      ${of.own && of.schemas.length > 1 && html`<label class="filter"><span class="unseen">${T.versions}</span>
        <select value=${version} onChange=${(event) => setVersion(Number(event.target.value))}>
          ${of.schemas.map((one) => html`<option key=${one.version} value=${one.version}>${T.version(one.version)}</option>`)}</select></label>`}
      <button class="plain link" aria-pressed=${raw} onClick=${() => setRaw(!raw)}>${raw ? T.asFields : T.asJson}</button>
    </header>
    <div class="body">${of.schema === null && version === of.schema_version ? html`<p class="muted">${T.free}</p>`
      : html`<${Loaded} of=${loaded} rows=${8}>${(schema) => raw ? html`<${Json} data=${schema} label=${T.schema} />` : html`<${Fields} schema=${schema} />`}</${Loaded}>`}</div>
  </section>`;
}

function Example({ of }) {
  return html`<section class="card"><header><h2>${T.example}</h2><span class="faint">${T.exampleText}</span></header>
    <div class="body">${of.example ? html`<${Json} data=${of.example} label=${T.example} />` : html`<p class="muted">${T.noExample}</p>`}</div>
  </section>`;
}

/** How one publishes a type of one's own. */
function Publish({ of }) {
  const body = { type: of.name, subject: "order-1", data: of.example?.data ?? {} };
  return html`<section class="card"><header><h2>${T.publish}</h2></header>
    <div class="body"><${Code} text=${asCurl("POST", "/v1/events", { body })} label=${T.publish} /></div></section>`;
}

function Own({ of, onChanged }) {
  const [doing, setDoing] = useState(null);
  const change = async (body, words) => {
    try {
      await put(`/v1/event-types/${of.name}`, body);
      say(words);
      onChanged(of.name);
    } catch (problem) {
      sayProblem(problem);
    }
  };
  const forget = async () => {
    try {
      await remove(`/v1/event-types/${of.name}`);
      say(T.forgotten(of.name));
      onChanged(null);
    } catch (problem) {
      sayProblem(problem);
      setDoing(null);
    }
  };
  return html`<${Menu} label=${T.change} items=${[
    [T.edit, () => setDoing("edit")],
    [of.deprecated ? T.undeprecate : T.deprecate, () => change({ deprecated: !of.deprecated }, T.saved)],
    [of.archived ? T.unarchive : T.archive, () => change({ archived: !of.archived }, T.saved)],
    [T.forget, () => setDoing("forget"), { danger: true }],
  ]} />
  ${doing === "edit" && html`<${Describe} of=${of} onClose=${() => setDoing(null)} onDone=${onChanged} />`}
  ${doing === "forget" && html`<${Confirm} title=${T.forgetTitle(of.name)} text=${T.forgetText} action=${T.forget} onDo=${forget} onClose=${() => setDoing(null)} />`}`;
}

function Whole({ of, onChanged }) {
  const [testing, setTesting] = useState(false);
  const path = `/v1/event-types/${of.name}`;
  return html`<div class="stack">
    <div>
      <div class="title"><h1 class="mono">${of.name}</h1>
        <div class="actions">
          ${may("endpoints:write") && may("endpoints:read") && of.example && html`<button class="btn primary" onClick=${() => setTesting(true)}>${T.test}</button>`}
          ${of.own && may("event_types:write") && html`<${Own} of=${of} onChanged=${onChanged} />`}
          <${Menu} label=${S.copy.as} items=${[
            [S.copy.asCurl, () => copy(asCurl("GET", path))],
            [S.copy.asCli, () => copy(asCli(`event-types get ${of.name}`))],
            [T.copyPattern, () => copy(of.name)],
          ]} />
        </div></div>
      <p class="lead">${of.description || T.noDescription}</p>
      <div class="notes">
        ${of.own && html`<span class="tag">${T.own}</span>`}
        ${!of.emitted && html`<span class="tag">${T.notYet}</span>`}
        ${of.deprecated && html`<span class="tag warn">${T.deprecated}</span>`}
        ${of.archived && html`<span class="tag warn">${T.archived}</span>`}
        <${Versions} of=${of} />
        ${of.updated_at && html`<span class="faint">${T.updated} <${Ago} at=${of.updated_at} /></span>`}
      </div>
      ${of.deprecation_note && html`<p class="muted">${T.instead(of.deprecation_note)}</p>`}
      ${!of.emitted && html`<p class="faint">${T.notYetText}</p>`}
    </div>
    <div class="halves"><${Schema} of=${of} /><${Example} of=${of} /></div>
    ${of.own && may("events:write") && html`<${Publish} of=${of} />`}
    ${testing && html`<${SendTest} type=${of.name} onClose=${() => setTesting(false)} />`}
  </div>`;
}

/** A type, by its name. `onChanged(name)`: it was changed, or (null) forgotten. */
export function EventType({ name, onChanged }) {
  const loaded = useLoad((signal) => get(`/v1/event-types/${name}`, {}, { signal }), [name]);
  return html`<${Loaded} of=${loaded} rows=${10}>${(found) => html`<${Whole} of=${found} onChanged=${onChanged} />`}</${Loaded}>`;
}
