/** Every screen: its address below /panel, its module, and its place in the side bar. */

import { S } from "./strings.js";

const screen = (pattern, module, title, more = {}) => ({
  pattern, title, load: () => import(`./screens/${module}.js`), ...more,
});

/** In the order in which they are tried. `scope`: what a role needs to see it at all. */
export const ROUTES = [
  screen("/", "overview", S.nav.overview, { scope: "figures:read" }),
  screen("/start", "start", S.nav.start),
  screen("/messages", "messages", S.nav.messages, { scope: "messages:read" }),
  screen("/messages/:id", "message", S.nav.message, { scope: "messages:read", section: "/messages" }),
  screen("/events", "events", S.nav.events, { scope: "events:read" }),
  screen("/events/:id", "event", S.nav.event, { scope: "events:read", section: "/events" }),
  screen("/callbacks", "callbacks", S.nav.callbacks, { scope: "callbacks:read" }),
  screen("/callbacks/:id", "callback", S.nav.callback, { scope: "callbacks:read", section: "/callbacks" }),
  screen("/deliveries", "deliveries", S.nav.deliveries, { scope: "deliveries:read" }),
  screen("/deliveries/:id", "delivery", S.nav.delivery, { scope: "deliveries:read", section: "/deliveries" }),
  screen("/attempts/:id", "attempt", S.nav.attempt, { scope: "deliveries:read", section: "/deliveries" }),
  screen("/developers", "developers", S.nav.developers),
  screen("/developers/catalogue", "catalogue", S.nav.catalogue, { scope: "events:read", section: "/developers" }),
  screen("/developers/catalogue/:type", "catalogue", S.nav.catalogue, { scope: "events:read", section: "/developers" }),
  screen("/endpoints", "endpoints", S.nav.endpoints, { scope: "endpoints:read" }),
  screen("/endpoints/new", "endpoint_new", S.endpoints.add, { scope: "endpoints:write", section: "/endpoints" }),
  screen("/endpoints/:id", "endpoint", S.nav.endpoint, { scope: "endpoints:read", section: "/endpoints" }),
  screen("/team", "team", S.nav.team),
  screen("/audit", "audit", S.nav.audit, { scope: "audit:read" }),
  screen("/connections", "connections", S.nav.connections, { scope: "connections:read" }),
  screen("/connections/new", "connection_new", S.connections.add, { scope: "connections:write", section: "/connections" }),
  screen("/connections/:id", "connection", S.nav.connection, { scope: "connections:read", section: "/connections" }),
  screen("/inspector", "inspector", S.nav.inspector, { scope: "inspector:read" }),
];

const there = (path) => ROUTES.some((one) => one.pattern === path);

/** The side bar: [heading, paths]. */
export const NAV = [
  [null, ["/", "/start"]],
  [S.nav.groups.messages, ["/messages"]],
  [S.nav.groups.events, ["/events", "/deliveries", "/endpoints", "/callbacks", "/connections"]],
  [S.nav.groups.manage, ["/inspector", "/developers", "/team", "/audit"]],
].map(([heading, paths]) => [heading, paths.filter(there)]);
/** The five of the bottom bar on a phone. */
export const PHONE = ["/", "/messages", "/events", "/deliveries", "/endpoints"].filter(there);
/** The keys that go to a screen, after g. */
export const GO = Object.fromEntries(Object.entries({
  o: "/", m: "/messages", e: "/events", d: "/deliveries", n: "/endpoints", c: "/callbacks",
  k: "/connections", i: "/inspector", a: "/developers",
}).filter(([, path]) => there(path)));

/** Find the screen of a path, and what its parameters are. */
export function match(path) {
  const parts = path.split("/").filter(Boolean);
  for (const route of ROUTES) {
    const wanted = route.pattern.split("/").filter(Boolean);
    if (wanted.length !== parts.length) continue;
    const fits = wanted.every((one, n) => one.startsWith(":") || one === parts[n]);
    if (fits) {
      const params = Object.fromEntries(
        wanted.map((one, n) => [one, parts[n]]).filter(([one]) => one.startsWith(":")).map(([one, text]) => [one.slice(1), text]),
      );
      return { route, params };
    }
  }
  return null;
}
