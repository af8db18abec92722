/** What each role may do: the table that the API goes by. */

import { Loaded } from "../parts/states.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { session } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.team;
const ROLES = Object.keys(S.roles);

function Table({ scopes }) {
  const own = session.value.role;
  return html`<div class="table-wrap"><table class="table roles">
    <thead><tr><th>${T.may}</th>${ROLES.map((role) => html`<th key=${role} class=${role === own ? "own" : ""} title=${T.what[role]}>${S.roles[role]}</th>`)}</tr></thead>
    <tbody>
      <tr><td>${T.unmasked}</td>${ROLES.map((role) => html`<td key=${role} class=${role === own ? "own" : ""}>${T.sees[role]}</td>`)}</tr>
      ${scopes.map((one) => html`<tr key=${one.name}><td title=${one.operations.join(", ")}>${one.what} <code class="faint">${one.name}</code></td>
      ${ROLES.map((role) => html`<td key=${role} class=${role === own ? "own" : ""}>${one.roles.includes(role)
        ? html`<span class="good" role="img" aria-label=${T.yes}>✓</span>` : html`<span class="faint" role="img" aria-label=${T.no}>–</span>`}</td>`)}</tr>`)}
    </tbody></table></div>`;
}

/** The card. */
export function Roles() {
  const loaded = useLoad((signal) => get("/v1/scopes", {}, { signal }), []);
  return html`<section class="card"><header><h2>${T.roles}</h2><span class="faint">${T.rolesText}</span></header>
    <dl class="role-list">${ROLES.map((role) => html`<div key=${role}><dt>${S.roles[role]}</dt><dd>${T.what[role]}</dd></div>`)}</dl>
    <${Loaded} of=${loaded} rows=${8}>${(found) => html`<${Table} scopes=${found.data.filter((one) => !one.everybody)} />`}</${Loaded}>
  </section>`;
}
