/** Adding a connection: which provider, and what it has to know of the account. */

import { chosenOf } from "../parts/connection.js";
import { Field, FormProblem } from "../parts/form.js";
import { renamed } from "../parts/names.js";
import { Fields, filled, usual } from "../parts/schema_form.js";
import { Loaded } from "../parts/states.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { say } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { go, href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { entered } from "./connection.js";

const T = S.connections;

function Pick({ providers }) {
  return html`<h2 class="pick-title">${T.pick}</h2><div class="providers">${providers.map((one) => html`<button key=${one.name} class="card provider"
      onClick=${() => setQuery({ provider: one.name }, { replace: false })}><b>${one.label}</b>
      <span class="faint">${T.providerHelp[one.name] ?? one.channels.map((name) => S.messages.channels[name] ?? name).join(", ")}</span></button>`)}</div>`;
}

function Form({ provider }) {
  const [name, setName] = useState(provider.label);
  const [config, setConfig] = useState(() => usual(provider.config_schema));
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const create = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const given = filled(config);
      const { id, to_enter: { url, made_up }, mapping_tested } = await post("/v1/connections", { provider: provider.name, name, config: given });
      entered.value = { id, url, values: [...chosenOf(provider.config_schema, given), ...Object.entries(made_up)] };
      renamed();
      if (mapping_tested === false) say(S.connections.mapping.untested);
      go(`/connections/${id}`, {}, { replace: true });
    } catch (failed) {
      setProblem(failed);
      setBusy(false);
    }
  };
  return html`<section class="card narrow"><header><h2>${provider.label}</h2><button class="btn right" onClick=${() => setQuery({ provider: null })}>${T.another}</button></header>
    <form class="body form" onSubmit=${create}><${FormProblem} problem=${problem} />
      <${Field} label=${T.name} value=${name} onInput=${setName} help=${T.nameHelp} problem=${problem} pointer="/name" maxlength=${128} />
      <${Fields} schema=${provider.config_schema} value=${config} onChange=${setConfig} problem=${problem} pointer="/config" />
      ${Object.values(provider.config_schema.properties ?? {}).some((one) => one["x-chosen"]) && html`<p class="faint">${T.mayLeaveOut}</p>`}
      ${provider.documentation && html`<p class="faint">${T.documentation}: <a class="link" href=${provider.documentation} target="_blank" rel="noreferrer">${provider.documentation}</a></p>`}
      <div class="actions"><button class="btn primary" type="submit" disabled=${busy || !name.trim()}>${T.create}</button></div></form></section>`;
}

/** The screen. */
export default function NewConnection() {
  const loaded = useLoad((signal) => get("/v1/providers", {}, { signal }), []);
  const wanted = where.value.query.provider;
  return html`<nav class="crumb"><a href=${href("/connections")}>${S.nav.connections}</a><span aria-hidden="true">›</span></nav>
    <div class="title"><h1>${T.add}</h1></div>
    <${Loaded} of=${loaded}>${({ data }) => {
      const provider = data.find((one) => one.name === wanted);
      return provider ? html`<${Form} key=${provider.name} provider=${provider} />` : html`<${Pick} providers=${data} />`;
    }}</${Loaded}>`;
}
