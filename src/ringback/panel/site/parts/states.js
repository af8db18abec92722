/** The four states of what is asked for: loading, none yet, no match, failed. Each looks its own. */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";
import { Command } from "./copy.js";

/** Grey lines where text will be. `rows`: about as many as will come. */
export function Loading({ rows = 5, label = S.states.loading }) {
  return html`<div class="skeleton" role="status" aria-label=${label}>
    ${Array.from({ length: rows }, (_, n) => html`<i key=${n} class=${`w${(n * 7) % 4}`}></i>`)}
  </div>`;
}

/** There is nothing, and here is what makes the first: a button, a link or a command. */
export function NoneYet({ title, text, command, children }) {
  return html`<div class="state none-yet">
    <h2>${title}</h2>
    ${text && html`<p>${text}</p>`}
    ${command && html`<${Command} text=${command} />`}
    ${children && html`<div class="actions">${children}</div>`}
  </div>`;
}

/** There is something, but nothing that fits. */
export function NoMatch({ onClear, text = S.states.noMatchText }) {
  return html`<div class="state no-match">
    <h2>${S.states.noMatch}</h2>
    <p>${text}</p>
    ${onClear && html`<div class="actions">
      <button class="btn" onClick=${onClear}>${S.states.clear}</button>
    </div>`}
  </div>`;
}

/** Nothing in what was looked at so far; there is more to look at. */
export function NoneSoFar({ busy, onFurther, onClear }) {
  if (busy) return html`<${Loading} rows=${6} label=${S.states.looking} />`;
  return html`<div class="state no-match">
    <h2>${S.states.noneSoFar}</h2>
    <p>${S.states.noneSoFarText}</p>
    <div class="actions"><button class="btn primary" onClick=${onFurther}>${S.states.further}</button>
      ${onClear && html`<button class="btn" onClick=${onClear}>${S.states.clear}</button>`}</div>
  </div>`;
}

/** It could not be had: what the API says, the request's id, and another try. */
export function Failed({ problem, retry }) {
  const unreachable = problem.status === 0;
  const title = unreachable ? S.states.unreachable : problem.title || S.states.failed;
  return html`<div class="state failed" role="alert">
    <h2>${title}</h2>
    <p>${unreachable ? S.states.unreachableText : problem.detail || problem.message}</p>
    ${problem.requestId && html`<p class="faint">${S.states.request} <code>${problem.requestId}</code></p>`}
    ${retry && html`<div class="actions">
      <button class="btn" onClick=${retry}>${S.states.retry}</button>
    </div>`}
  </div>`;
}

/** Show what `useLoad` has: its state, or what `children(data)` draws of the data. */
export function Loaded({ of, rows, children }) {
  if (of.data !== undefined) return children(of.data);
  if (of.problem) return html`<${Failed} problem=${of.problem} retry=${of.reload} />`;
  return html`<${Loading} rows=${rows} />`;
}
