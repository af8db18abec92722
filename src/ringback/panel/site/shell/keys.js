/** The keyboard: single keys and `g m` sequences, off while somebody types. */

import { signal, useEffect, useRef } from "./preact.js";

const SEQUENCE_MS = 1200;
/** What is bound now, for the sheet that `?` shows: key → what it does. */
export const bound = signal(new Map());
const handlers = [];
let first = null;

/** Bind keys while a part is shown: `{"r": [S.keys.replay, () => …], "g m": […]}`. */
export function useKeys(map) {
  const latest = useRef(map);
  latest.current = map;
  const names = Object.keys(map).join(",");
  useEffect(() => {
    const entry = () => latest.current;
    handlers.push(entry);
    tell();
    return () => {
      handlers.splice(handlers.indexOf(entry), 1);
      tell();
    };
  }, [names]);
}

function tell() {
  bound.value = new Map(
    handlers.flatMap((entry) => Object.entries(entry()).map(([key, [what]]) => [key, what])),
  );
}

const find = (key) => {
  for (let at = handlers.length - 1; at >= 0; at -= 1) {
    const found = handlers[at]()[key];
    if (found) return found[1];
  }
  return null;
};

const typing = (target) =>
  target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

function pressed(event) {
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "k") {
    event.preventDefault();
    find("Ctrl k")?.(event);
    return;
  }
  if (control || event.altKey || typing(event.target)) return;
  if (event.key !== "Escape" && document.querySelector("dialog[open]")) return;
  const now = performance.now();
  const sequence = first && now - first.at < SEQUENCE_MS ? `${first.key} ${event.key}` : null;
  first = null;
  const run = (sequence && find(sequence)) ?? find(event.key);
  if (run) {
    // A button that is focused is pressed by Enter itself.
    if (event.key === "Enter" && event.target.closest("a, button, summary, [role=tab]")) return;
    event.preventDefault();
    run(event);
  } else if (event.key === "g") {
    first = { key: "g", at: now };
  }
}

/** Listen to the keyboard. */
export function watchKeys() {
  addEventListener("keydown", pressed);
}
