/** Which events an endpoint receives, and how many of the last ones that would have been. */

import { TypeTree } from "../parts/type_tree.js";
import { FormProblem } from "../parts/form.js";
import { Loaded } from "../parts/states.js";
import { number } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useEffect, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.endpoints.filter;
const TYPING_MS = 250;

/** How many of the last events some patterns take, tried by the server. */
export function Matches({ patterns }) {
  const [found, setFound] = useState(null);
  const asked = JSON.stringify(patterns);
  useEffect(() => {
    if (!patterns.length || !may("events:read")) {
      setFound(null);
      return undefined;
    }
    const abort = new AbortController();
    const ask = () => post("/v1/event-matches", { event_types: patterns }, { signal: abort.signal }).then(setFound, () => {});
    const timer = setTimeout(ask, TYPING_MS);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [asked]);
  if (!found) return html`<p class="matches" role="status"></p>`;
  return html`<p class="matches" role="status">${found.looked_at ? T.matches(number(found.matched), number(found.looked_at)) : T.noEvents}</p>`;
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
