/** Which columns of a list are shown: chosen by the person, remembered by the browser. */

import { html, signal, useEffect, useRef, useState } from "../shell/preact.js";
import { S } from "../strings.js";

// On a phone there is room for what matters most.
const phone = matchMedia("(max-width: 760px)");
const narrow = signal(phone.matches);
phone.addEventListener("change", () => { narrow.value = phone.matches; });

const stored = (name) => {
  try {
    return JSON.parse(localStorage.getItem(`ringback.columns.${name}`)) ?? {};
  } catch {
    return {};
  }
};

/** Return the columns that are shown, and what chooses them. */
export function useColumns(name, columns) {
  const [chosen, setChosen] = useState(() => stored(name));
  const on = (one) => chosen[one.key] ?? !one.off;
  const fits = (one) => !narrow.value || !one.class?.includes("wide-only");
  const shown = columns.filter((one, n) => n === 0 || (on(one) && fits(one)));
  const choose = (key, value) => {
    const next = { ...chosen, [key]: value };
    setChosen(next);
    localStorage.setItem(`ringback.columns.${name}`, JSON.stringify(next));
  };
  const box = useRef(null);
  useEffect(() => {
    const away = (event) => {
      if (box.current?.open && !box.current.contains(event.target)) box.current.open = false;
    };
    addEventListener("pointerdown", away);
    addEventListener("focusin", away);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("focusin", away);
    };
  }, []);
  const keys = (event) => {
    if (event.key !== "Escape" || !box.current.open) return;
    event.stopPropagation();
    box.current.open = false;
    box.current.querySelector("summary").focus();
  };
  const chooser = html`<details class="chooser" ref=${box} onKeyDown=${keys}>
    <summary class="btn">${S.list.columns}<span aria-hidden="true">▾</span></summary>
    <div class="menu-items">
      ${columns.slice(1).map((one) => html`<label key=${one.key}>
        <input type="checkbox" checked=${on(one)} onChange=${(event) => choose(one.key, event.target.checked)} />${one.title || one.name}
      </label>`)}
    </div>
  </details>`;
  return [shown, chooser];
}
