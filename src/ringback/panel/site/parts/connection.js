/** What screens say of connections: how they are heard, and whether anybody can reach them. */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";
import { Tone } from "./ring.js";

const T = S.connections;
const TONES = { receiving: "good", quiet: "idle", silent: "bad", rejecting: "bad", never: "idle", there: "good", unusable: "bad", paused: "warn" };

/** Make up what a setting may be that you choose yourself: a random secret, or a name. */
export const invent = (schema) => (schema.format === "password" ? [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("") : "ringback");

/** Return what was given in a config of what you choose yourself and the provider is told: [name, value]; by the marks of its schema. */
export function chosenOf(schema, config, defs = schema.$defs ?? {}) {
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const value = config?.[name];
    if (!value) return [];
    if (one["x-chosen"]) return [[name, String(value)]];
    const shapes = one.discriminator ?? one.anyOf?.find((each) => each.discriminator)?.discriminator;
    const ref = shapes?.mapping[value[shapes.propertyName]];
    return ref ? chosenOf(defs[ref.split("/").at(-1)], value, defs) : [];
  });
}

/** The providers whose callbacks mean what a mapping says. */
export const MAPPED = new Set(["generic", "textellent"]);

/** Return how a connection stands, by its figures where there are any. */
export function stateOf(one, figures) {
  if (!one.usable) return "unusable";
  if (one.paused.intake || one.paused.processing) return "paused";
  return figures?.state ?? (one.last_callback ? "there" : "never");
}

/** The same as a word. */
export function Heard({ connection, figures }) {
  const state = stateOf(connection, figures);
  return html`<span title=${T.stateHelp[state]}><${Tone} tone=${TONES[state] ?? "idle"}>${T.states[state] ?? state}</${Tone}></span>`;
}

const PRIVATE = /^(localhost|.*\.(local|localhost|internal|test)|127\..*|10\..*|192\.168\..*|172\.(1[6-9]|2\d|3[01])\..*|169\.254\..*|\[(::1|f[cd].*|fe80.*)\])$/i;

/** Say why a provider cannot reach a URL: {title, text}; null when nothing speaks against it. */
export function unreachable(url) {
  const { hostname, protocol } = new URL(url);
  if (PRIVATE.test(hostname)) return { title: T.notReachable, text: T.notReachableText(hostname) };
  if (protocol !== "https:") return { title: T.notHttps, text: T.notHttpsText };
  return null;
}
