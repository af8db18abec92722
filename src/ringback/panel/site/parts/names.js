/** What endpoints and connections are called: read once for all screens, and again after a while. */

import { acting, get } from "../shell/api.js";
import { html, signal, useEffect } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { Id } from "./copy.js";

const FRESH_MS = 15000;
const PAGE = 100;
const PAGES_MAX = 10;

const named = (path, scope) => ({ path, scope, of: signal(new Map()), about: null, at: 0 });
const ENDPOINTS = named("/v1/endpoints", "endpoints:read");
const CONNECTIONS = named("/v1/connections", "connections:read");

async function read(kind, about) {
  const found = new Map();
  let cursor;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { data, next } = await get(kind.path, { limit: PAGE, cursor });
    for (const one of data) found.set(one.id, one);
    if (!next) break;
    cursor = next;
  }
  if (kind.about === about) kind.of.value = found;
}

function useNamed(kind) {
  const { tenant, mode } = acting.value;
  const about = `${tenant} ${mode}`;
  useEffect(() => {
    if (!may(kind.scope)) return;
    const now = Date.now();
    if (kind.about === about && now - kind.at < FRESH_MS) return;
    if (kind.about !== about) kind.of.value = new Map();
    kind.about = about;
    kind.at = now;
    // Without names there are ids: a list that cannot be had breaks nothing.
    read(kind, about).catch(() => { kind.at = 0; });
  }, [about]);
  return kind.of.value;
}

/** Return the endpoints of this tenant and mode by their ids; empty until they are known. */
export const useEndpoints = () => useNamed(ENDPOINTS);
/** Return the connections of this tenant and mode by their ids. */
export const useConnections = () => useNamed(CONNECTIONS);

/** Forget what was read, because something was changed. */
export function renamed() {
  ENDPOINTS.at = CONNECTIONS.at = 0;
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

/** Say what an endpoint or a connection is called, as text; its id where it has no name. */
export const nameOf = (names, id) => {
  const one = names.get(id);
  return (one && (one.name ?? endpointName(one))) || `${id.slice(0, 9)}…${id.slice(-4)}`;
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
