/** What screens say of endpoints: their names, how they stand, their figures. */

import { get } from "../shell/api.js";
import { useEvery, useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";
import { endpointName } from "./names.js";
import { Tone } from "./ring.js";

const T = S.endpoints;
const FIGURES_MS = 30000;
const TONES = {
  healthy: "good", degraded: "warn", failing: "bad", disabled: "idle", untested: "warn", listening: "good",
  enabled: "good", idle: "idle",
};

/** Return the host of a URL; null for none. */
export function hostOf(url) {
  try {
    return url ? new URL(url).host : null;
  } catch {
    return url;
  }
}

/** Return what people call an endpoint; there is always something. */
export const callOf = (one) => endpointName(one) ?? T.listens;

/** Return the figures of all endpoints, or connections, by id; an empty map while there are none. */
export function useFigures(path) {
  const loaded = useLoad((signal) => (may("figures:read") ? get(path, {}, { signal }) : Promise.resolve(null)), [path]);
  useEvery(FIGURES_MS, loaded.reload, [loaded.reload]);
  return new Map((loaded.data?.data ?? []).map((one) => [one.id, one]));
}

const DAY_MS = 86400000;
const WELL = 0.99;

/** Return how an endpoint stands, by its figures of the last 24 hours where there are any. */
export function stateOf(one, figures) {
  if (!one.enabled) return "disabled";
  if (one.kind === "listen") return "listening";
  if (!figures) return "enabled";
  const { value, of } = figures.deliveries;
  if (!of) return Date.now() - new Date(one.created_at) < DAY_MS ? "untested" : "idle";
  const last = figures.success.findLastIndex((n, at) => n + figures.failure[at] > 0);
  if (value === 0 || (last >= 0 && figures.success[last] === 0)) return "failing";
  return value / of < WELL ? "degraded" : "healthy";
}

/** How an endpoint stands, as a word. */
export function State({ endpoint, figures }) {
  const state = stateOf(endpoint, figures);
  const why = state === "disabled" && endpoint.disabled_for ? T.disabledFor(endpoint.disabled_for) : T.stateHelp[state];
  return html`<span title=${why}><${Tone} tone=${TONES[state] ?? "idle"}>${T.states[state] ?? state}</${Tone}></span>`;
}
