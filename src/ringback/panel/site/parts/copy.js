/** Copying: ids, commands, and the present list as curl or as a command. */

import { urlOf } from "../shell/api.js";
import { say } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { S } from "../strings.js";
import { Menu } from "./menu.js";

/** Copy a text and say so. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https browsers have no clipboard; a selection can still be copied.
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) {
      say(S.copy.failed(text), "failed");
      return;
    }
  }
  say(S.copy.done);
}

/** Write a request of the API for a shell; `body` is what would be sent as JSON. */
export function asCurl(method, path, { query, body } = {}) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [`curl -sS "$RINGBACK_URL"${quoted(urlOf(path, query))}`];
  if (method !== "GET") lines[0] += ` -X ${method}`;
  lines.push(`-H "authorization: Bearer $RINGBACK_API_KEY"`);
  if (body !== undefined) {
    lines.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  }
  return lines.join(" \\\n  ");
}

/** Write a command line: `asCli("messages list", {status: "failed"})`. */
export function asCli(command, query = {}) {
  const options = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => `--${name.replaceAll("_", "-")} ${/^[\w.,:+*-]+$/.test(value) ? value : `'${value}'`}`);
  return ["ringback", command, ...options].join(" ");
}

/** The button that every list has. `path`, `query`: the request; `cli`: the command. */
export function CopyAs({ path, query, cli }) {
  const items = [
    [S.copy.asCurl, () => copy(asCurl("GET", path, { query }))],
    ...(cli ? [[S.copy.asCli, () => copy(asCli(cli, query))]] : []),
    [S.copy.link, () => copy(location.href)],
  ];
  return html`<${Menu} label=${S.copy.as} items=${items} />`;
}

/** A command to copy. */
export function Command({ text }) {
  return html`<div class="command">
    <pre tabindex="0"><code>${text}</code></pre>
    <button class="btn" onClick=${() => copy(text)}>${S.copy.copy}</button>
  </div>`;
}

const SHORT = 16;

/** An id in mono, its middle left out, whole on hover, copied by a click. */
export function Id({ id, whole = false }) {
  const short = whole || id.length <= SHORT ? id : `${id.slice(0, 9)}…${id.slice(-4)}`;
  return html`<button class="id mono" title=${S.copy.hint(id)} aria-label=${S.copy.hint(id)}
    onClick=${(event) => { event.preventDefault(); event.stopPropagation(); copy(id); }}>${short}</button>`;
}

/** Text that is hidden until somebody wants to see it, such as a secret. */
export function Secret({ text }) {
  const [shown, setShown] = useState(false);
  return html`<span class="secret"><code>${shown ? text : "•".repeat(12)}</code>
    <button class="btn" onClick=${() => setShown(!shown)}>${shown ? S.copy.hide : S.copy.show}</button>
    <button class="btn" onClick=${() => copy(text)}>${S.copy.copy}</button></span>`;
}
