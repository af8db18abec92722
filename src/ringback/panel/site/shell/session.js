/** Who is signed in, for which tenant and in which mode the panel acts. */

import { acting, ask, Problem, signedOut } from "./api.js";
import { computed, effect, signal } from "./preact.js";
import { sayProblem } from "./notice.js";
import { go, setQuery, where } from "./where.js";

const MODE = "ringback.mode";
// What has no list of its own is listed with what it belongs to.
const LISTED = { attempts: "deliveries" };

/** undefined: not known yet; null: nobody; else what `GET /v1/session` says. */
export const session = signal(undefined);
export const mode = computed(() => acting.value.mode);
/** Where the session could not be asked for: the problem. */
export const trouble = signal(null);

/** Say whether the session's role lets it do what a scope covers. */
export const may = (scope) => Boolean(session.value?.scopes?.includes(scope));

/** Ask who is signed in. */
export async function loadSession() {
  try {
    taken(await ask("GET", "/v1/session"));
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) session.value = null;
    else trouble.value = problem;
  }
}

/** Sign in by e-mail and password, or with a link's token. Throws Problem. */
export async function signIn(with_) {
  taken(await ask("POST", "/v1/session", { body: with_ }));
}

/** Sign out here. */
export async function signOut() {
  try {
    await ask("DELETE", "/v1/session");
  } catch (problem) {
    if (problem.status !== 401) {
      sayProblem(problem);
      return;
    }
  }
  session.value = null;
}

/** Act in another mode; everything is asked for anew. */
export function setMode(wanted) {
  localStorage.setItem(MODE, wanted);
  const { path } = where.peek();
  const [, section, id] = path.split("/");
  // A single thing is of one mode: in the other its list is shown.
  if (id && /^[a-z]{3}_/.test(id)) go(`/${LISTED[section] ?? section}`, { mode: wanted });
  else setQuery({ mode: wanted, at: null }, { replace: false });
}

/** Act for another tenant. */
export function setTenant(id) {
  setQuery({ tenant: id }, { replace: false });
}

function taken(view) {
  trouble.value = null;
  signedOut.value = false;
  session.value = view;
  act();
}

function act() {
  const view = session.peek();
  if (!view) return;
  const { query } = where.peek();
  const tenant = view.tenants?.find((one) => one.id === query.tenant) ?? view.tenant;
  const wanted = query.mode ?? localStorage.getItem(MODE) ?? view.mode ?? "live";
  const next = {
    tenant: tenant?.id ?? null, mode: wanted === "test" ? "test" : "live", csrf: view.csrf,
  };
  const now = acting.peek();
  if (Object.keys(next).some((name) => next[name] !== now[name])) acting.value = next;
  if (query.mode !== next.mode) setQuery({ mode: next.mode });
}

/** Follow the URL, and notice when the API says that the session is over. */
export function watchSession() {
  effect(() => {
    where.value;
    session.value;
    act();
  });
  effect(() => {
    if (signedOut.value && session.peek()) session.value = null;
  });
}
