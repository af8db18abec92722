/** One message: what happened to it, in a sentence, on a track, and entry by entry. Live. */

import { Id } from "../parts/copy.js";
import { useEndpoints } from "../parts/names.js";
import { colourOf, Ring, Status } from "../parts/ring.js";
import { Loaded } from "../parts/states.js";
import { Ago, duration, Exact } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useLive } from "../shell/live.js";
import { useEvery, useLoad } from "../shell/load.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useEffect, useRef, useState } from "../shell/preact.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";
import { Actions } from "./message_actions.js";
import { Cards } from "./message_cards.js";
import { headline, stopsOf, storyOf } from "./message_story.js";
import { Timeline } from "./message_timeline.js";

const T = S.message;
// The stream tells of events; how telling them went is asked for after each, and while it is open.
const AFTER_MS = [150, 900, 2500];
const OPEN_MS = 3000;

/** Where a message stands on its way; on a phone from top to bottom. */
export function Track({ message }) {
  if (message.direction === "inbound") return null;
  const stops = stopsOf(message);
  return html`<ol class="card track" aria-label=${T.track}>${stops.map((stop, n) => {
    const gap = stops[n + 1]?.gap;
    return html`<li key=${stop.status} class=${`stop c-${colourOf(stop.status)}${stop.reached ? " done" : ""}${stop.next ? " next" : ""}`}>
      <b>${S.status[stop.status]}</b>
      ${stop.at ? html`<${Exact} at=${stop.at} />` : html`<span class="faint">${stop.skipped ? T.unreported : stop.next ? T.waiting : stop.reached ? "" : "–"}</span>`}
      ${gap !== null && gap !== undefined && html`<span class="gap num">${duration(gap)}</span>`}
    </li>`;
  })}</ol>`;
}

function Head({ message, children }) {
  const channel = T.channels[message.channel] ?? message.channel ?? T.someChannel;
  const inbound = message.direction === "inbound";
  const other = inbound ? message.to : message.from;
  return html`<div class="hero">
    <${Ring} status=${message.status} times=${message.timestamps} size=${56} />
    <div class="hero-text"><h1>${headline(message)}</h1>
      <div class="sub">${channel}${other && html` ${inbound ? T.to : T.from} <b>${other}</b>`}
        ${message.reference && html` · ${T.reference} <code>${message.reference}</code>`} · <${Ago} at=${message.created_at} />
        ${" "}<${Status} status=${message.status} times=${message.timestamps} /></div>
      ${message.conflict && html`<div class="warn">${T.conflict}</div>`}</div>
    ${children}</div>`;
}

/** Ask anew when an event of this message comes, and a few times after it. */
export function useStory(id) {
  const of = useLoad((signal) => get(`/v1/messages/${id}/timeline`, {}, { signal }), [id]);
  const timers = useRef([]);
  const later = () => {
    timers.current.forEach(clearTimeout);
    timers.current = AFTER_MS.map((ms) => setTimeout(of.reload, ms));
  };
  useLive((events) => {
    if (events.some((one) => one.data?.message?.id === id)) later();
  });
  useEffect(() => () => timers.current.forEach(clearTimeout), []);
  const open = of.data?.entries.some((one) => one.kind === "delivery" && (one.at === null || Date.parse(one.at) < Date.now() + OPEN_MS));
  useEvery(OPEN_MS, () => { if (open) of.reload(); }, [open, of.reload]);
  return { ...of, later };
}

/** The screen. */
export default function Message({ id }) {
  const of = useStory(id);
  const names = useEndpoints();
  const [shown, setShown] = useState(null);
  const reveal = async () => {
    try {
      setShown(await post("/v1/reveal", { object: id }));
      say(T.revealed);
    } catch (problem) {
      sayProblem(problem);
    }
  };
  return html`<nav class="crumb"><a href=${href("/messages")}>${T.crumb}</a> / <${Id} id=${id} /></nav>
    <${Loaded} of=${of} rows=${10}>${(loaded) => {
      // What was revealed stays so; the rest goes on.
      const open = shown && { from: shown.from, to: shown.to, content: shown.content };
      const timeline = open ? { ...loaded, message: { ...loaded.message, ...open } } : loaded;
      const story = storyOf(timeline);
      return html`<${Head} message=${timeline.message}>
          <${Actions} timeline=${timeline} story=${story} endpoints=${[...names.values()]} onDone=${of.later} onReveal=${reveal} revealed=${Boolean(shown)} />
        </${Head}>
        <${Track} message=${timeline.message} />
        <div class="cols"><${Timeline} timeline=${timeline} story=${story} />
          <${Cards} message=${timeline.message} story=${story} names=${names} /></div>`;
    }}</${Loaded}>`;
}
