/** Code and data to read: JSON in colours, raw bodies, headers. Everything is a text node. */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";
import { copy } from "./copy.js";

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const COLOURED_MAX = 60000;

function* coloured(text) {
  let last = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > last) yield text.slice(last, match.index);
    const kind = match[1] ? (match[2] ? "k" : "s") : /^[-\d]/.test(match[0]) ? "n" : "w";
    yield html`<span class=${`j-${kind}`}>${match[1] ?? match[0]}</span>`;
    if (match[2]) yield match[2];
    last = match.index + match[0].length;
  }
  yield text.slice(last);
}

/** Data as JSON, indented and in colours. `text`: JSON that came as text. */
export function Json({ data, text, label = S.code.json }) {
  const shown = data !== undefined ? JSON.stringify(data, null, 2) : indented(text);
  return html`<${Code} text=${shown} label=${label}>${shown.length > COLOURED_MAX ? shown : [...coloured(shown)]}</${Code}>`;
}

const indented = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

/** Text as it is, with a button that copies it. */
export function Code({ text, label = S.code.text, children }) {
  return html`<div class="code">
    <button class="btn" onClick=${() => copy(text)}>${S.copy.copy}</button>
    <pre tabindex="0" role="group" aria-label=${label}><code>${children ?? text}</code></pre>
  </div>`;
}

/** A raw body of the API: {text, base64, size}; JSON is shown indented. `masked`: it is withheld. */
export function Body({ body, label, truncated = false }) {
  if (!body || body.size === 0) return html`<p class="faint">${S.code.empty}</p>`;
  if (body.masked) return html`<p class="faint">${S.code.masked(body.size)}</p>`;
  const text = body.text ?? body.base64;
  return html`${body.text === null && html`<p class="faint">${S.code.binary(body.size)}</p>`}
    ${/^\s*[[{]/.test(text) ? html`<${Json} text=${text} label=${label} />` : html`<${Code} text=${text} label=${label} />`}
    ${truncated && html`<p class="faint">${S.code.truncated}</p>`}`;
}

/** Headers, [name, value] each. */
export function Headers({ headers }) {
  if (!headers?.length) return html`<p class="faint">${S.code.noHeaders}</p>`;
  return html`<dl class="headers">${headers.map(([name, value], n) => html`<div key=${n}>
    <dt class="mono">${name}</dt><dd class="mono">${value}</dd></div>`)}</dl>`;
}

/** Facts with their names: [name, value] each; what is null or undefined is left out. */
export function Facts({ of }) {
  return html`<dl class="facts">${of.filter(([, value]) => value !== null && value !== undefined && value !== false)
    .map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
