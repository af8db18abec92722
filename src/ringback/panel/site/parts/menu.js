/** A button that opens a short list of things to do. */

import { html, useEffect, useId, useRef, useState } from "../shell/preact.js";

/** `items`: [label, run, {danger, off}]. `label` is the button's text. */
export function Menu({ label, items, primary = false, plain = false }) {
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  const id = useId();
  useEffect(() => {
    if (!open) return undefined;
    const away = (event) => {
      if (!root.current?.contains(event.target)) setOpen(false);
    };
    addEventListener("pointerdown", away);
    addEventListener("focusin", away);
    root.current?.querySelector("[role=menuitem]")?.focus();
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("focusin", away);
    };
  }, [open]);
  const close = (run) => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
    run?.();
  };
  const keys = (event) => {
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      close();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const all = [...(root.current?.querySelectorAll("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    if (all.length) all[(at + all.length) % all.length].focus();
    else setOpen(true);
  };
  return html`<span class="menu" ref=${root} onKeyDown=${keys}>
    <button class=${plain ? "plain" : `btn${primary ? " primary" : ""}`} aria-haspopup="menu" aria-expanded=${open}
      aria-controls=${id} onClick=${() => setOpen(!open)}>${label}<span aria-hidden="true">▾</span></button>
    ${open && html`<div class="menu-items" role="menu" id=${id}>
      ${items.map(([text, run, more = {}]) => html`<button key=${text} role="menuitem" disabled=${more.off}
        class=${more.danger ? "danger" : ""} onClick=${() => close(run)}>${text}</button>`)}
    </div>`}
  </span>`;
}
