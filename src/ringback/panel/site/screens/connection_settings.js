/** What can be changed of a connection: its name, where it is reached, what is refused, its secrets. */

import { Facts } from "../parts/code.js";
import { chosenOf } from "../parts/connection.js";
import { Secret } from "../parts/copy.js";
import { Confirm } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { renamed } from "../parts/names.js";
import { Fields, filled, secretsOf } from "../parts/schema_form.js";
import { Ago, Exact, number } from "../parts/time.js";
import { get, patch, post, remove } from "../shell/api.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";
import { Pausing } from "./connection_pause.js";

const T = S.connections.settings;
const HOUR_S = 3600;
const POLICIES = ["reject", "quarantine"];

const told = (connection) => ({ name: connection.name, public_url: connection.public_url ?? "", on_bad_signature: connection.on_bad_signature });
const base = (connection) => connection.callback_url.split("/in/")[0];

/** The same for who may look and not change. */
function Told({ connection }) {
  return html`<section class="card"><header><h2>${T.title}</h2></header><div class="body stack"><${Facts} of=${[
    [S.connections.name, connection.name], [T.publicUrl, connection.public_url ? html`<code>${connection.public_url}</code>` : T.asEverywhere],
    [T.bad, T.policies[connection.on_bad_signature]],
    [T.earlier, connection.overlap && html`${T.countUntil} <${Exact} at=${connection.overlap.ends_at} />`],
  ]} /><p class="faint">${T.mayNot}</p></div></section>`;
}

function Basics({ connection, onChange }) {
  const [form, setForm] = useState(() => told(connection));
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const now = told(connection);
  const changed = Object.fromEntries(Object.entries(form).filter(([name, value]) => value.trim() !== now[name]).map(([name, value]) => [name, value.trim()]));
  const put = (name) => (value) => setForm({ ...form, [name]: value });
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const saved = await patch(`/v1/connections/${connection.id}`, changed);
      onChange(saved);
      setForm(told(saved));
      setProblem(null);
      renamed();
      say(T.saved);
    } catch (failed) {
      setProblem(failed);
    }
    setBusy(false);
  };
  return html`<section class="card"><header><h2>${T.title}</h2></header><form class="body form" onSubmit=${save}><${FormProblem} problem=${problem} />
    <${Field} label=${S.connections.name} value=${form.name} onInput=${put("name")} help=${S.connections.nameHelp} problem=${problem} pointer="/name" maxlength=${128} required=${true} />
    <${Field} label=${T.publicUrl} mono=${true} value=${form.public_url} onInput=${put("public_url")} placeholder=${connection.public_url ? "" : base(connection)}
      help=${T.publicUrlHelp} problem=${problem} pointer="/public_url" autocomplete="off" />
    <${Field} label=${T.bad} kind="select" options=${POLICIES.map((one) => [one, T.policies[one]])} value=${form.on_bad_signature} onInput=${put("on_bad_signature")}
      help=${T.policyHelp[form.on_bad_signature]} problem=${problem} pointer="/on_bad_signature" />
    <div class="actions"><button class="btn primary" type="submit" disabled=${busy || !form.name.trim() || !Object.keys(changed).length}>${T.save}</button></div></form></section>`;
}

/** The secrets from before that still count: until when, whether anything needs them, and ending it. */
function Earlier({ connection, onChange }) {
  const [asking, setAsking] = useState(false);
  const { overlap } = connection;
  if (!overlap) return null;
  const end = async () => {
    try {
      await remove(`/v1/connections/${connection.id}/overlap`);
      onChange(await get(`/v1/connections/${connection.id}`));
      say(T.ended);
    } catch (problem) {
      sayProblem(problem);
    }
    setAsking(false);
  };
  return html`<div class="banner overlap"><p><b>${T.both}</b> ${T.until} <${Exact} at=${overlap.ends_at} /> (<${Ago} at=${overlap.ends_at} />).
      <br />${overlap.used ? T.used(number(overlap.used)) : T.unused}</p>
    <button type="button" class="btn" onClick=${() => setAsking(true)}>${T.end}</button></div>
    ${asking && html`<${Confirm} title=${T.endSure} text=${overlap.used ? T.endUsed : T.endText} action=${T.end} onDo=${end} onClose=${() => setAsking(false)} />`}`;
}

function Secrets({ connection, provider, onChange }) {
  const { schema, within } = secretsOf(provider.config_schema, connection.config);
  const [values, setValues] = useState({});
  const [hours, setHours] = useState("24");
  const [fresh, setFresh] = useState([]);
  const [url, setUrl] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const given = filled(values);
  const rotate = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const own = within ? { ...connection.config[within], ...given } : given;
      // What was before counts by the overlap; older ones of it were shown shortened and cannot be sent.
      if (within) delete own.older;
      const config = within ? { [within]: own } : own;
      const changed = await post(`/v1/connections/${connection.id}/rotate`, { config, overlap_s: Math.round(Number(hours) * HOUR_S) });
      onChange(changed);
      setFresh(chosenOf(schema, given));
      setUrl(changed.to_enter.url !== changed.callback_url ? changed.to_enter.url : null);
      setValues({});
      setProblem(null);
      say(T.rotated);
    } catch (failed) {
      setProblem(failed);
    }
    setBusy(false);
  };
  if (!Object.keys(schema.properties).length) return html`<section class="card"><header><h2>${T.secrets}</h2></header><div class="body"><p class="muted">${T.noSecrets}</p></div></section>`;
  return html`<section class="card"><header><h2>${T.secrets}</h2></header><form class="body form" onSubmit=${rotate}>
    <p class="muted">${T.secretsText}</p><${Earlier} connection=${connection} onChange=${onChange} /><${FormProblem} problem=${problem} />
    ${url && fresh.length > 0 && html`<div class="banner"><p>${S.connections.enterUrl}</p><${Secret} text=${url} /></div>`}
    ${fresh.length > 0 && html`<div class="banner"><p>${S.connections.enter}</p><${Facts} of=${fresh.map(([name, value]) => [name, html`<${Secret} text=${value} />`])} /></div>`}
    <${Fields} schema=${schema} value=${values} onChange=${setValues} problem=${problem} pointer=${within ? `/config/${within}` : "/config"} />
    <${Field} label=${T.overlap} kind="number" min=${0} max=${168} step="any" value=${hours} onInput=${setHours} help=${Number(hours) ? T.overlapHelp : T.overlapNone} problem=${problem} pointer="/overlap_s" required=${true} />
    <div class="actions"><button class="btn primary" type="submit" disabled=${busy || !Object.keys(given).length}>${T.rotate}</button></div></form></section>`;
}

/** The tab. */
export function Settings({ connection, provider, onChange }) {
  if (!may("connections:write")) return html`<div class="stack narrow"><${Told} connection=${connection} /></div>`;
  return html`<div class="stack narrow"><${Basics} connection=${connection} onChange=${onChange} />
    <${Pausing} connection=${connection} onChange=${onChange} />
    ${provider && connection.usable && html`<${Secrets} connection=${connection} provider=${provider} onChange=${onChange} />`}</div>`;
}
