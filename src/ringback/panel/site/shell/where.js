/**
 * Where the panel is: the URL is the state. Filters, tabs, ranges and the mode are query parameters,
 * so that going back, reloading and pasting an address always show the same.
 */

import { signal } from "./preact.js";

const BASE = "/panel";
// Kept on every link, until somebody chooses another.
const STICKY = ["mode", "tenant"];

/** Read a path; one that nobody can decode is a screen that is not there. */
function decoded(path) {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

const read = () => ({
  path: decoded(location.pathname).slice(BASE.length) || "/",
  query: Object.fromEntries(new URLSearchParams(location.search)),
});

/** The path below /panel and the query, as a signal. */
export const where = signal(read());

/** Write the address of a screen: `href("/messages", {status: "failed"})`. */
export function href(path, query = {}) {
  const sticky = Object.fromEntries(
    STICKY.filter((name) => where.peek().query[name]).map((name) => [name, where.peek().query[name]]),
  );
  const wanted = Object.entries({ ...sticky, ...query }).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  const text = new URLSearchParams(wanted).toString();
  return BASE + (path === "/" ? "" : path) + (text ? `?${text}` : "");
}

/** Go to a screen; with `replace` the present place is forgotten. */
export function go(path, query = {}, { replace = false } = {}) {
  visit(href(path, query), replace);
}

/** Change parameters of the present screen; null takes one away. */
export function setQuery(changes, { replace = true } = {}) {
  const { path, query } = where.peek();
  visit(href(path, { ...query, ...changes }), replace);
}

function visit(address, replace) {
  if (address === location.pathname + location.search) return;
  const { path } = where.peek();
  history[replace ? "replaceState" : "pushState"](null, "", address);
  where.value = read();
  if (where.peek().path !== path) scrollTo(0, 0);
}

/** Follow the browser's back and forward, and links within the panel without loading anew. */
export function watchWhere() {
  addEventListener("popstate", () => { where.value = read(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || !(link.pathname + "/").startsWith(`${BASE}/`)) return;
    event.preventDefault();
    visit(link.pathname + link.search, false);
  });
}
