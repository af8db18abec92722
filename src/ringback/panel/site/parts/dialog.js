/** Dialogs: the browser's own, so focus stays within and Escape closes. */

import { html, useEffect, useId, useRef } from "../shell/preact.js";
import { S } from "../strings.js";

/** A dialog that is open as long as it is drawn. `wide`: for code and tables. */
export function Dialog({ title, onClose, wide = false, children, foot }) {
  const root = useRef(null);
  const id = useId();
  useEffect(() => {
    const dialog = root.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const outside = (event) => {
    if (event.target === root.current) onClose();
  };
  return html`<dialog ref=${root} class=${wide ? "wide" : ""} aria-labelledby=${id} onClick=${outside}
    onCancel=${(event) => { event.preventDefault(); onClose(); }}>
    <header><h2 id=${id}>${title}</h2>
      <button class="plain right" aria-label=${S.dialog.close} onClick=${onClose}>×</button></header>
    <div class="body">${children}</div>
    ${foot && html`<footer>${foot}</footer>`}
  </dialog>`;
}

/** Ask before something is done that cannot be undone. */
export function Confirm({ title, text, action, onDo, onClose, danger = true, busy = false }) {
  return html`<${Dialog} title=${title} onClose=${onClose} foot=${html`
    <button class="btn" onClick=${onClose}>${S.dialog.cancel}</button>
    <button class=${`btn ${danger ? "danger" : "primary"}`} disabled=${busy} onClick=${onDo}>${action}</button>`}>
    <p>${text}</p>
  </${Dialog}>`;
}
