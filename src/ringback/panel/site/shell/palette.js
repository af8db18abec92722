/** Ctrl-K: go anywhere, find anything that can be pasted: an id, a number, a reference, a name. */

import { ROUTES } from "../routes.js";
import { S } from "../strings.js";
import { get } from "./api.js";
import { html, signal, useEffect, useRef, useState } from "./preact.js";
import { may } from "./session.js";
import { setTheme } from "./theme.js";
import { go } from "./where.js";

const TYPING_MS = 150;
const open = signal(false);
export const openPalette = () => { open.value = true; };

/** Where a thing is shown, by the kind that the search names. */
export const PLACES = {
  message: "/messages/", event: "/events/", delivery: "/deliveries/", attempt: "/attempts/",
  endpoint: "/endpoints/", connection: "/connections/", callback: "/callbacks/",
};

function commands() {
  const screens = ROUTES.filter((one) => !one.pattern.includes(":") && (!one.scope || may(one.scope)));
  return [
    ...screens.map((one) => ({ title: one.title, detail: S.palette.screen, run: () => go(one.pattern) })),
    { title: S.palette.test, detail: S.palette.action, run: () => go("/endpoints") },
    { title: S.palette.simulate, detail: S.palette.action, run: () => go("/start") },
    { title: S.palette.dark, detail: S.palette.action, run: () => setTheme("dark") },
    { title: S.palette.light, detail: S.palette.action, run: () => setTheme("light") },
    { title: S.palette.docs, detail: S.palette.action, run: () => { location.href = "/docs"; } },
  ];
}

async function find(text, stop) {
  const found = await get("/v1/search", { q: text }, { signal: stop });
  return found.data.filter((one) => PLACES[one.kind]).map((one) => ({
    title: one.title, detail: [S.kinds[one.kind] ?? one.kind, one.detail].filter(Boolean).join(" · "),
    mono: one.title === one.id, run: () => go(PLACES[one.kind] + one.id),
  }));
}

function Box({ close }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState([]);
  const [note, setNote] = useState("");
  const [at, setAt] = useState(0);
  const root = useRef(null);
  useEffect(() => {
    root.current.showModal();
    return () => root.current?.close();
  }, []);
  useEffect(() => {
    const wanted = text.trim();
    setAt(0);
    setFound([]);
    setNote("");
    if (wanted.length < 3) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      setNote(S.palette.searching);
      find(wanted, abort.signal).then(
        (hits) => { setFound(hits); setNote(hits.length ? "" : S.palette.nothing(wanted)); },
        (problem) => { if (problem.name !== "AbortError") setNote(problem.detail || problem.message); },
      );
    }, TYPING_MS);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [text]);
  const words = text.trim().toLowerCase();
  const rows = [...found, ...commands().filter((one) => !words || one.title.toLowerCase().includes(words))].slice(0, 30);
  const run = (row) => { close(); row?.run(); };
  const keys = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      setAt((at + by + rows.length) % Math.max(1, rows.length));
      root.current.querySelectorAll("[role=option]")[at]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(rows[at]);
    }
  };
  return html`<dialog ref=${root} class="palette" aria-label=${S.palette.title}
    onCancel=${(event) => { event.preventDefault(); close(); }} onClick=${(event) => event.target === root.current && close()}>
    <input type="search" role="combobox" aria-expanded="true" aria-controls="palette-rows" aria-activedescendant=${rows.length ? `palette-${at}` : undefined}
      aria-label=${S.palette.title} placeholder=${S.frame.search} value=${text} spellcheck=${false} autocomplete="off"
      onInput=${(event) => setText(event.target.value)} onKeyDown=${keys} />
    <ul role="listbox" id="palette-rows" aria-label=${S.palette.title}>${rows.map((row, n) => html`<li key=${`${row.title} ${row.detail} ${n}`} id=${`palette-${n}`}
      role="option" aria-selected=${n === at} onClick=${() => run(row)} onMouseMove=${() => n !== at && setAt(n)}>
      <span class=${row.mono ? "mono" : ""}>${row.title}</span><span class="faint right">${row.detail}</span></li>`)}</ul>
    ${note && html`<p class="note faint" role="status">${note}</p>`}
  </dialog>`;
}

/** The palette, when it is open. */
export function Palette() {
  return open.value ? html`<${Box} close=${() => { open.value = false; }} />` : null;
}
