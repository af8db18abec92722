/** Fields of forms, with what the API says is wrong beside the field that it is about. */

import { html, useId } from "../shell/preact.js";

/** A field. `kind`: text, password, email, number, area, select, check; `options`: [value, label]. */
export function Field({
  label, help, value, onInput, kind = "text", options = [], problem, pointer, mono = false, ...more
}) {
  const id = useId();
  const wrong = pointer && problem?.at?.(pointer);
  const common = {
    id, value, class: mono ? "mono" : "", "aria-invalid": wrong ? "true" : undefined,
    "aria-describedby": help || wrong ? `${id}-help` : undefined,
    onInput: (event) => onInput(kind === "check" ? event.target.checked : event.target.value), ...more,
  };
  const input =
    kind === "area" ? html`<textarea rows=${4} ...${common}></textarea>`
    : kind === "select" ? html`<select ...${common}>${options.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}</select>`
    : kind === "check" ? html`<input type="checkbox" ...${{ ...common, value: undefined, checked: value }} />`
    : html`<input type=${kind} spellcheck=${false} ...${common} />`;
  return html`<div class=${`field k-${kind}${wrong ? " wrong" : ""}`}>
    <label for=${id}>${label}</label>${input}
    ${(wrong || help) && html`<p id=${`${id}-help`} class=${wrong ? "bad" : "faint"}>${wrong || help}</p>`}
  </div>`;
}

/** What opens a closed address or port that a field names; `onAllow` is given what to add to the body. */
export function Allow({ problem, pointer, label, onAllow }) {
  const allow = problem?.allow?.(pointer);
  if (!allow) return null;
  return html`<p><button type="button" class="btn" onClick=${() => onAllow(allow)}>${label}</button> <code>${JSON.stringify(allow)}</code></p>`;
}

/** What is wrong with a form as a whole. */
export function FormProblem({ problem }) {
  if (!problem) return null;
  const loose = problem.errors?.filter((one) => !one.pointer) ?? [];
  return html`<div class="form-problem" role="alert">
    <strong>${problem.title}</strong> ${problem.detail || problem.message}
    ${loose.length > 0 && html`<ul>${loose.map((one, n) => html`<li key=${n}>${one.detail}</li>`)}</ul>`}
  </div>`;
}
