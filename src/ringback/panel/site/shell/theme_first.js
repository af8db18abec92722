// Before anything is drawn, and so no module: the theme that was chosen, or the system's.
(() => {
  const chosen = localStorage.getItem("ringback.theme");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme =
    chosen === "dark" || chosen === "light" ? chosen : dark ? "dark" : "light";
})();
