/** Short notices at the foot of the page: what was done, or why not. */

import { html, signal } from "./preact.js";

const SHOWN_MS = 5000;
const notices = signal([]);
let last = 0;

/** Say something; `kind` is "done" or "failed". What failed stays until it is closed. */
export function say(text, kind = "done") {
  const id = (last += 1);
  notices.value = [...notices.peek().slice(-2), { id, text, kind }];
  if (kind === "done") setTimeout(() => close(id), SHOWN_MS);
}

/** Say why something failed. */
export const sayProblem = (problem) => say(problem.detail || problem.title || problem.message, "failed");

function close(id) {
  notices.value = notices.peek().filter((one) => one.id !== id);
}

/** Where notices are shown. */
export function Notices({ label }) {
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.value.map((one) => html`<div key=${one.id} class=${`notice ${one.kind}`}>
      <span>${one.text}</span>
      <button class="plain" aria-label=${label} onClick=${() => close(one.id)}>×</button>
    </div>`)}
  </div>`;
}
