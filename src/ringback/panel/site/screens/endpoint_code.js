/** Receiving in a language of one's own: code that verifies, with this endpoint's secret. */

import { Code } from "../parts/code.js";
import { Command, Secret } from "../parts/copy.js";
import { RECEIVERS, variable } from "../parts/receivers.js";
import { Loaded } from "../parts/states.js";
import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.endpoints.code;

function Pick({ label, options, value, name }) {
  return html`<div class="switch" role="group" aria-label=${label}>${options.map(([key, text]) => html`<button key=${key} class="btn"
    aria-pressed=${key === value} onClick=${() => setQuery({ [name]: key })}>${text}</button>`)}</div>`;
}

function Variable({ endpoint, name }) {
  const may_ = may("endpoints:secrets");
  const loaded = useLoad((signal) => (may_ ? get(`/v1/endpoints/${endpoint.id}/secret`, {}, { signal }) : Promise.resolve(null)), [endpoint.id]);
  return html`<p class="variable">${T.secret} <code>${name}</code>
    <${Loaded} of=${loaded} rows=${1}>${(told) => (told ? html`<${Secret} text=${`export ${name}=${told.secret}`} />` : html`<span class="faint">${S.endpoints.security.mayNot}</span>`)}</${Loaded}></p>`;
}

/** The tab. */
export function Codes({ endpoint }) {
  const { query } = where.value;
  const language = RECEIVERS[query.language] ? query.language : "python";
  const ways = RECEIVERS[language];
  const how = ways[query.how] ? query.how : Object.keys(ways)[0];
  const { text, install, run } = ways[how];
  const name = variable(endpoint);
  return html`<section class="card receivers"><header><h2>${T.title}</h2>
      <${Pick} name="language" label=${T.language} value=${language} options=${Object.keys(RECEIVERS).map((one) => [one, T.languages[one]])} />
      ${Object.keys(ways).length > 1 && html`<${Pick} name="how" label=${T.how} value=${how} options=${Object.keys(ways).map((one) => [one, T[one]])} />`}</header>
    <div class="body stack"><p class="muted">${language === "curl" ? T.curl : T.lead}</p>
      <${Variable} endpoint=${endpoint} name=${name} />
      ${install && html`<div><p class="faint">${T.install}</p><${Command} text=${install} /></div>`}
      <${Code} text=${text(name)} label=${T.code(T.languages[language])} />
      ${run && html`<div><p class="faint">${T.run}</p><${Command} text=${run} /></div>`}</div>
  </section>`;
}
