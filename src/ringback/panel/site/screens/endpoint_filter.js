/** Which events an endpoint receives, and how many of the last ones that would have been. */

import { fits, TypeTree } from "../parts/type_tree.js";
import { FormProblem } from "../parts/form.js";
import { Loaded } from "../parts/states.js";
import { number } from "../parts/time.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.endpoints.filter;
const PAGE = 200;
const PAGES = 5;

/** Read the types of the last thousand events, once: what is chosen is counted here. */
async function lately(signal) {
  const types = [];
  let cursor;
  for (let page = 0; page < PAGES; page += 1) {
    const told = await get("/v1/events", { limit: PAGE, cursor }, { signal });
    types.push(...told.data.map((one) => one.type));
    cursor = told.next;
    if (!cursor) break;
  }
  return types;
}

/** How many of the last events some patterns take. */
export function Matches({ patterns }) {
  const loaded = useLoad((signal) => (may("events:read") ? lately(signal) : Promise.resolve([])), []);
  if (loaded.problem) return null;
  if (!loaded.data) return html`<p class="faint" role="status">${T.counting}</p>`;
  if (!loaded.data.length) return html`<p class="faint">${T.noEvents}</p>`;
  const count = loaded.data.filter((type) => fits(patterns, type)).length;
  return html`<p class="matches" role="status">${T.matches(number(count), number(loaded.data.length))}</p>`;
}

/** The tab. */
export function Filter({ endpoint, change }) {
  const types = useLoad((signal) => get("/v1/event-types", {}, { signal }), []);
  const [chosen, setChosen] = useState(endpoint.event_types);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const same = JSON.stringify([...chosen].sort()) === JSON.stringify([...endpoint.event_types].sort());
  const save = async () => {
    setBusy(true);
    setProblem(await change({ event_types: chosen }));
    setBusy(false);
  };
  return html`<section class="card"><header><h2>${T.title}</h2><span class="right"></span><${Matches} patterns=${chosen} /></header>
    <div class="body"><${FormProblem} problem=${problem} />
      <${Loaded} of=${types}>${({ data }) => html`<${TypeTree} types=${data} chosen=${chosen} onChange=${setChosen} />`}</${Loaded}></div>
    ${may("endpoints:write") && html`<footer class="actions">
      <button class="btn primary" disabled=${same || busy || !chosen.length} onClick=${save}>${S.endpoints.save}</button>
      ${!same && html`<button class="btn" onClick=${() => setChosen(endpoint.event_types)}>${T.reset}</button><span class="faint">${T.changed}</span>`}</footer>`}
  </section>`;
}
