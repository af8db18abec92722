/** What endpoints and connections are called: read once for all screens, and again after a while. */

import { acting, get } from "../shell/api.js";
import { html, signal, useEffect } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { Id } from "./copy.js";

const FRESH_MS = 15000;
const PAGE = 100;
const PAGES_MAX = 10;

const NOBODY = [];

// `turn` counts what was asked: only the newest answer counts. `missed` are ids that a list had not.
const named = (path, scope) => ({ path, scope, of: signal(new Map()), about: null, at: 0, turn: 0, missed: new Set() });
const ENDPOINTS = named("/v1/endpoints", "endpoints:read");
const CONNECTIONS = named("/v1/connections", "connections:read");

// Which ids each list that was read to its end had been asked for before.
const WHOLE = new WeakMap();

async function fetched(kind) {
  kind.turn += 1;
  const { turn } = kind;
  const found = new Map();
  const missed = new Set(kind.missed);
  let cursor;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { data, next } = await get(kind.path, { limit: PAGE, cursor });
    for (const one of data) found.set(one.id, one);
    if (!next) WHOLE.set(found, missed);
    if (!next) break;
    cursor = next;
  }
  if (kind.turn === turn) kind.of.value = found;
}

function read(kind) {
  kind.at = Date.now();
  // Without names there are ids: a list that cannot be had breaks nothing.
  fetched(kind).catch(() => { kind.at = 0; });
}

const present = ({ tenant, mode }) => `${tenant} ${mode}`;

function useNamed(kind, mentioned = NOBODY) {
  const about = present(acting.value);
  useEffect(() => {
    if (!may(kind.scope)) return;
    if (kind.about === about && Date.now() - kind.at < FRESH_MS) return;
    if (kind.about !== about) {
      kind.of.value = new Map();
      kind.missed.clear();
    }
    kind.about = about;
    read(kind);
  }, [about]);
  const names = kind.of.value;
  const unknown = WHOLE.has(names) ? mentioned.filter((id) => !names.has(id) && !kind.missed.has(id)) : NOBODY;
  useEffect(() => {
    if (!unknown.length) return;
    // It may have been made since: the list is read once more before it is said to be gone.
    unknown.forEach((id) => kind.missed.add(id));
    read(kind);
  }, [unknown.join()]);
  return names;
}

/**
 * Return the endpoints of this tenant and mode by their ids; empty until they are known.
 * `mentioned`: ids of which it is to be found out whether they are gone.
 */
export const useEndpoints = (mentioned) => useNamed(ENDPOINTS, mentioned);
/** Return the connections of this tenant and mode by their ids. */
export const useConnections = () => useNamed(CONNECTIONS);

/** Say whether all there are were read. */
export const complete = (names) => WHOLE.has(names);

/** Say whether something mentioned is there no more, as far as that is known. */
export const gone = (names, id) => !names.has(id) && Boolean(WHOLE.get(names)?.has(id));

/** Read what was read again, because something was changed. */
export function renamed() {
  for (const kind of [ENDPOINTS, CONNECTIONS]) {
    if (kind.about === present(acting.peek()) && may(kind.scope)) read(kind);
    else kind.at = 0;
  }
}

/** Return what to call an endpoint: its description, its own id, or its host. */
export function endpointName(one) {
  if (!one) return null;
  if (one.description) return one.description.split("\n")[0];
  if (one.uid) return one.uid;
  try {
    return new URL(one.url).host;
  } catch {
    return null;
  }
}

/** Write an id with its middle left out. */
export const short = (id) => `${id.slice(0, 9)}…${id.slice(-4)}`;

/** Say what an endpoint or a connection is called, as text; its id where it has no name. */
export const nameOf = (names, id) => {
  const one = names.get(id);
  return (one && (one.name ?? endpointName(one))) || short(id);
};

/** An endpoint by name, leading to it. */
export function EndpointLink({ names, id }) {
  const name = endpointName(names.get(id));
  return name ? html`<a class="link" href=${href(`/endpoints/${id}`)}>${name}</a>` : html`<${Id} id=${id} />`;
}

/** A connection by name, leading to it. */
export function ConnectionLink({ names, id }) {
  const name = names.get(id)?.name;
  return name ? html`<a class="link" href=${href(`/connections/${id}`)}>${name}</a>` : html`<${Id} id=${id} />`;
}
