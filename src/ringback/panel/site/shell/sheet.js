/** The sheet of keys that ? shows: what is bound on this screen. */

import { Dialog } from "../parts/dialog.js";
import { S } from "../strings.js";
import { bound } from "./keys.js";
import { html, signal } from "./preact.js";

const open = signal(false);
export const openSheet = () => { open.value = true; };

/** The sheet, when it is open. */
export function Sheet() {
  if (!open.value) return null;
  return html`<${Dialog} title=${S.keys.title} onClose=${() => { open.value = false; }}>
    <dl class="sheet">${[...bound.value].map(([key, what]) => html`<div key=${key}>
      <dt>${key.split(" ").map((one) => html`<kbd key=${one}>${one}</kbd> `)}</dt><dd>${what}</dd></div>`)}</dl>
  </${Dialog}>`;
}
