/** Light, dark, or as the system has it. */

import { signal } from "./preact.js";

const KEY = "ringback.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
/** auto, light or dark: what was chosen. */
export const theme = signal(localStorage.getItem(KEY) ?? "auto");
/** light or dark: what is shown; charts are drawn anew when it changes. */
export const shown = signal(document.documentElement.dataset.theme);

/** Choose a theme and keep it. */
export function setTheme(chosen) {
  theme.value = chosen;
  if (chosen === "auto") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosen);
  apply();
}

function apply() {
  const name = theme.peek() === "auto" ? (dark.matches ? "dark" : "light") : theme.peek();
  document.documentElement.dataset.theme = name;
  shown.value = name;
}

dark.addEventListener("change", apply);
