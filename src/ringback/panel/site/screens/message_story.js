/** What a message's timeline says, put together: callbacks once, events with what went out. */

import { S } from "../strings.js";
import { gone, short } from "../parts/names.js";
import { duration } from "../parts/time.js";

const T = S.message;
const ms = (at) => new Date(at).getTime();
const statusOf = (type) => type.replace(/^message\./, "");

/** Whether an endpoint's patterns want a type: `*`, a family such as `message.*`, or the type. */
export const wants = (patterns, type) =>
  patterns.some((one) => one === "*" || one === type || (one.endsWith(".*") && type.startsWith(one.slice(0, -1))));

/** Put the attempts at an event, and what is open of them, together by delivery. */
function outsOf(entries) {
  const byEvent = new Map();
  for (const entry of entries) {
    if (entry.kind !== "attempt" && entry.kind !== "delivery") continue;
    const id = entry.kind === "attempt" ? entry.delivery : entry.id;
    const outs = byEvent.get(entry.event) ?? byEvent.set(entry.event, new Map()).get(entry.event);
    const out = outs.get(id) ?? outs.set(id, { id, event: entry.event, endpoint: entry.endpoint, attempts: [], open: null }).get(id);
    if (entry.kind === "attempt") out.attempts.push(entry);
    else out.open = entry;
  }
  return byEvent;
}

/** Which delivery is another of the same event to the same endpoint, and so was a replay. */
function markReplays(outs) {
  const seen = new Set();
  for (const out of outs) {
    out.replay = seen.has(out.endpoint);
    seen.add(out.endpoint);
  }
}

/** Of what callbacks told: which place each arrived at, and which it happened at. */
function order(entries) {
  const told = (one) => (one.kind === "event" || one.kind === "fact") && one.callback && one.occurred_at && !one.inferred;
  const dated = entries.filter(told);
  const happened = [...dated].sort((a, b) => ms(a.occurred_at) - ms(b.occurred_at));
  return new Map(dated.map((one, n) => [one, [n + 1, happened.indexOf(one) + 1]]));
}

/** What a delivery that is open waits for, if it is an earlier event's to the same endpoint. */
function heldBehind(out, events, outs) {
  if (!out.open || out.open.status !== "pending" || out.attempts.length) return null;
  for (const event of events) {
    if (event.id === out.event) return null;
    if (outs.get(event.id)?.some((one) => one.endpoint === out.endpoint && one.open)) return event.type;
  }
  return null;
}

/**
 * Read a timeline. Returns {start, rows, events, outs}: `rows` are in order, each
 * {kind: "callback", entry, copies, tells} or {kind: "event", entry, outs, places, stays} or
 * {kind: "fact", entry}; `start` is when the message became known, in ms.
 */
export function storyOf({ message, entries }) {
  const events = entries.filter((one) => one.kind === "event");
  const outs = new Map([...outsOf(entries)].map(([event, found]) => [event, [...found.values()]]));
  const places = order(entries);
  const start = Math.min(ms(message.created_at), ...entries.filter((one) => one.kind !== "delivery").map((one) => ms(one.at)));
  const callbacks = new Map();
  const rows = [];
  let standing = null;
  for (const entry of entries) {
    if (entry.kind === "callback") {
      const first = entry.repeats && callbacks.get(entry.repeats);
      if (first) first.copies.push(entry);
      else {
        const tells = entries.filter((one) => (one.kind === "event" || one.kind === "fact") && one.callback === entry.id);
        const row = { kind: "callback", entry, copies: [], tells };
        callbacks.set(entry.id, row);
        rows.push(row);
      }
    } else if (entry.kind === "event") {
      const found = outs.get(entry.id) ?? [];
      markReplays(found);
      for (const out of found) out.behind = heldBehind(out, events, outs);
      rows.push({ kind: "event", entry, outs: found, places: places.get(entry), stays: entry.late ? standing : null });
      if (!entry.late) standing = statusOf(entry.type);
    } else if (entry.kind === "fact") {
      rows.push({ kind: "fact", entry });
    }
  }
  for (const row of callbacks.values()) row.places = row.tells.filter((one) => !one.inferred).length === 1 ? places.get(row.tells.find((one) => !one.inferred)) : undefined;
  return { start, rows, events, outs };
}

const SETTLED = new Set(["failed", "expired", "cancelled", "unconfirmed"]);
// Text messages cannot be seen to be read: a stop that is never reached would only worry people.
const READABLE = new Set(["whatsapp", "rcs", "rbm"]);
/** Whether we sent a message, or only hear of it. */
export const ours = (message) => message.origin === "sent" || message.origin === "simulated";
const WAY = ["queued", "submitted", "sent", "delivered", "read"];

/** The stops of the track: {status, at, gap, next}; what failed stands in its place. */
export function stopsOf(message) {
  const times = message.timestamps;
  const ended = SETTLED.has(message.status);
  const own = ours(message);
  const seen = { queued: own, submitted: own, read: READABLE.has(message.channel) };
  const way = WAY.filter((one) => times[one] || (seen[one] ?? true));
  const furthest = Math.max(-1, ...way.map((one, n) => (times[one] ? n : -1)));
  const passed = Object.keys(times).filter((one) => SETTLED.has(one) && one !== message.status);
  let stops = ended ? way.filter((one) => times[one]) : [...way];
  for (const one of passed) {
    const place = stops.findIndex((stop) => !times[stop] || ms(times[stop]) > ms(times[one]));
    stops.splice(place < 0 ? stops.length : place, 0, one);
  }
  if (ended) stops = [...stops, message.status];
  let before = null;
  return stops.map((status) => {
    const at = times[status] ?? null;
    const gap = at && before ? ms(at) - ms(before) : null;
    if (at) before = at;
    const place = way.indexOf(status);
    return {
      status, at, gap: gap === null || gap < 1 ? null : gap, reached: Boolean(at) || (ended && status === message.status),
      skipped: !at && place >= 0 && place < furthest, next: !ended && place === furthest + 1,
    };
  });
}

/** The headline: one sentence that says what happened. */
export function headline(message) {
  const { status, timestamps: times, error } = message;
  const to = message.to ?? T.somebody;
  if (message.direction === "inbound") return T.headline.received(message.from ?? T.somebody);
  const base = times.queued ?? times.submitted ?? times.sent;
  const gap = base && times[status] ? ms(times[status]) - ms(base) : null;
  const after = gap !== null && gap >= 0 && base !== times[status] ? (ours(message) ? T.afterWe : T.afterIt)(duration(gap)) : "";
  const say = T.headline[status] ?? T.headline.none;
  const why = error ? (T.codes[error.code] ?? error.description ?? error.code.replaceAll("_", " ")) : "";
  return status === "failed" ? say(to, why) : say(to, after);
}

/** Say how long after the start something was, to the precision that matters. */
export function offset(start, at) {
  const s = (ms(at) - start) / 1000;
  const sign = s < 0 ? "−" : "+";
  const size = Math.abs(s);
  if (size < 0.0005) return "0.000";
  if (size < 10) return `${sign}${size.toFixed(size < 1 ? 3 : 2)}`;
  if (size < 100) return `${sign}${size.toFixed(1)}`;
  if (size < 3600) return `${sign}${Math.floor(size / 60)}:${String(Math.floor(size % 60)).padStart(2, "0")}`;
  if (size < 172800) return `${sign}${Math.floor(size / 3600)}:${String(Math.floor((size % 3600) / 60)).padStart(2, "0")} h`;
  return `${sign}${Math.floor(size / 86400)} d`;
}

// Who needs a person comes first; whom it does not concern last.
const TONES = ["bad", "warn", "plain", "good", "idle"];

/** The endpoints that a message's events went to, or are owed to: their ids. */
export const toldOf = ({ outs }) => [...new Set([...outs.values()].flat().map((one) => one.endpoint))];

/** What to call an endpoint by its id: deleted only where all that there are were asked for. */
export function calledOf(names, id) {
  const one = names.get(id);
  return one ? nameOf(one) : gone(names, id) ? T.deleted : short(id);
}

/**
 * What each endpoint knows of a message: {id, name, tone, text}, of all that are known and of those
 * that were told and are gone, or not known; these have no page, and no id.
 */
export function whoKnows(story, names) {
  const others = toldOf(story).filter((id) => !names.has(id));
  const rows = [
    ...[...names.values()].map((one) => ({ id: one.id, name: nameOf(one), ...knows(story, one.id, one) })),
    ...others.map((id) => ({ id: null, name: calledOf(names, id), ...knows(story, id, null) })),
  ];
  return rows.sort((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone));
}

/** What an endpoint is called: its description, its own id, or where it is. */
export function nameOf(endpoint) {
  if (endpoint.description) return endpoint.description;
  if (endpoint.uid) return endpoint.uid;
  try {
    const url = new URL(endpoint.url);
    return url.host + (url.pathname === "/" ? "" : url.pathname);
  } catch {
    return endpoint.id;
  }
}

function knows(story, id, endpoint) {
  const { events, outs } = story;
  const count = { delivered: 0, retrying: 0, held: 0, sending: 0, exhausted: 0, cancelled: 0 };
  const missing = [];
  for (const event of events) {
    const mine = (outs.get(event.id) ?? []).filter((one) => one.endpoint === id);
    if (!mine.length) {
      missing.push(event);
      continue;
    }
    const ends = mine.map((one) => one.attempts.at(-1)?.final);
    const open = mine.find((one) => one.open);
    if (ends.includes("delivered")) count.delivered += 1;
    else if (open?.behind) count.held += 1;
    else if (open?.open.status === "scheduled") count.retrying += 1;
    else if (open) count.sending += 1;
    else if (ends.includes("exhausted")) count.exhausted += 1;
    else if (ends.includes("cancelled")) count.cancelled += 1;
    else count.sending += 1;
  }
  return inWords(count, missing, events.length, endpoint);
}

function inWords(count, missing, total, endpoint) {
  const unwanted = endpoint ? missing.filter((one) => !wants(endpoint.event_types, one.type)) : [];
  const parts = [];
  if (total && count.delivered === total) parts.push(T.all(total));
  else if (count.delivered) parts.push(T.some(count.delivered, total));
  for (const [key, say] of [["retrying", T.retrying], ["held", T.heldN], ["sending", T.sending], ["exhausted", T.exhausted], ["cancelled", T.cancelledN]]) {
    if (count[key]) parts.push(say(count[key]));
  }
  if (total && unwanted.length === total) parts.push(T.unsubscribed);
  else if (unwanted.length) parts.push(T.notSubscribed([...new Set(unwanted.map((one) => one.type))].slice(0, 3).join(", ")));
  else if (missing.length && endpoint) {
    const later = ms(endpoint.created_at) > ms(missing[0].emitted_at);
    if (later) parts.push(T.addedLater);
    else if (!endpoint.enabled) parts.push(T.disabled);
  }
  const tone = count.exhausted || count.retrying ? "bad" : count.held ? "warn" : count.sending ? "plain" : count.delivered ? "good" : "idle";
  return { tone, text: parts.join(", ") || "–" };
}
