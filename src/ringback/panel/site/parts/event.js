/** What an event says of itself, whatever it is about: its words in lists and on its page. */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";
import { Ring } from "./ring.js";

const T = S.events;
const familyOf = (type) => type.split(".", 1)[0];

/** When it was emitted; events about something else than messages say it beside their type. */
export const emittedAt = (event) => event.data?.emitted_at ?? event.received_at ?? event.timestamp;
export const sequenceOf = (event) => event.data?.sequence ?? event.sequence;

/** Return whom or what an event is about, as one line of text. */
export function aboutOf(event) {
  const { message, call, endpoint, order } = event.data ?? {};
  if (message) return [(message.direction === "inbound" ? message.from : message.to) ?? message.id, S.messages.channels[message.channel] ?? message.channel].filter(Boolean).join(" · ");
  if (call) return [call.direction === "inbound" ? call.from : call.to, call.reason].filter(Boolean).join(" · ");
  if (endpoint) return endpoint.url ?? endpoint.id;
  return order?.id ?? event.subject ?? event.data?.provider ?? "–";
}

export const referenceOf = (event) => event.data?.message?.reference ?? event.data?.call?.reference ?? null;

/** The type; of a message with the ring of the status that it tells. */
export function Type({ event }) {
  const [family, status] = [familyOf(event.type), event.type.slice(event.type.indexOf(".") + 1)];
  return html`<span class="event-type">${family === "message" ? html`<${Ring} status=${status} times=${event.data?.message?.timestamps} size=${15} />` : html`<i class="knot" aria-hidden="true"></i>`}${event.type}</span>`;
}

/** Words for what is unusual about it. */
export function Marks({ event }) {
  const { late, inferred, weak } = event.data ?? {};
  const marks = Object.entries({ test: event.test, late, inferred, weak }).filter(([, on]) => on);
  return marks.map(([name]) => html`<span key=${name} class=${`tag${name === "late" ? " warn" : ""}`} title=${T.marks[name][1]}>${T.marks[name][0]}</span> `);
}

/** Say whether a type fits a filter: types and families such as `message.*`, with commas between. */
export const fitsType = (wanted, type) =>
  !wanted || wanted.split(",").some((one) => one === "*" || one === type || (one.endsWith(".*") && type.startsWith(one.slice(0, -1))));

/** The types of the catalogue by family: [[family, [names]]], those that nothing emits left out. */
export function families(types) {
  const found = new Map();
  for (const one of types) {
    if (!one.emitted && !one.own) continue;
    const family = familyOf(one.name);
    found.set(family, [...(found.get(family) ?? []), one.name]);
  }
  return [...found];
}
