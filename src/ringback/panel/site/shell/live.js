/**
 * The live feed: one stream of events for the whole page, resumed where it broke off. Screens are
 * handed what came in batches; when too much comes for anybody to read, they are told how much.
 */

import { acting, headersFor, understood, urlOf } from "./api.js";
import { effect, signal, useEffect, useRef } from "./preact.js";
import { session } from "./session.js";

const BATCH_MS = 200;
const WAIT_MS = [500, 1000, 2000, 5000, 10000];
// Nothing at all for so long, not even a heartbeat: the connection is dead.
const SILENCE_MS = 40000;
const HIDDEN_MS = 5000;
/** Above so many events a second nobody can follow rows: a number is shown instead. */
export const FLOOD = 50;

/** off, connecting, live or lost. */
export const state = signal("off");
/** Events a second, over the last few. */
export const rate = signal(0);
/** How often something between two events could not be had: lists ask anew when it rises. */
export const gaps = signal(0);
/** Whether the person has paused what is live. */
export const paused = signal(false);

const listeners = new Set();
let waiting = [];
let counted = [];

/** Call `handler(events)` with what is new, in the order of the feed, while the screen is shown. */
export function useLive(handler) {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => {
    const listener = (events) => latest.current(events);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
}

function count() {
  const now = performance.now();
  counted = counted.filter(([at]) => now - at < 3000);
  rate.value = Math.round(counted.reduce((sum, [, n]) => sum + n, 0) / 3);
}

function hand() {
  count();
  if (!waiting.length) return;
  const events = waiting;
  waiting = [];
  for (const listener of listeners) {
    try {
      listener(events);
    } catch (error) {
      // One screen's mistake must not keep events from the others.
      reportError(error);
    }
  }
}

/** Read one stream until it ends; returns the last id. Throws when it cannot be opened. */
async function follow(last, abort, reached) {
  const headers = { ...headersFor(false), accept: "text/event-stream" };
  if (last) headers["last-event-id"] = last;
  const url = urlOf("/v1/events", last ? {} : { after: "now" });
  const answer = await fetch(url, { headers, signal: abort.signal, credentials: "same-origin" });
  if (!answer.ok) await understood(answer);
  state.value = "live";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let timer = null;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), SILENCE_MS);
  };
  alive();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return last;
      alive();
      text += value;
      const messages = text.split("\n\n");
      text = messages.pop();
      for (const message of messages) last = take(message) ?? last;
      reached(last);
    }
  } catch (error) {
    error.last = last;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function take(message) {
  let id = null;
  const data = [];
  for (const line of message.split("\n")) {
    if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (data.length) {
    waiting.push(JSON.parse(data.join("\n")));
    counted.push([performance.now(), 1]);
  }
  return id;
}

async function keep(abort, from, reached) {
  let last = from;
  let failures = 0;
  while (!abort.signal.aborted) {
    const one = new AbortController();
    const stop = () => one.abort();
    abort.signal.addEventListener("abort", stop);
    state.value = failures ? "lost" : "connecting";
    try {
      last = await follow(last, one, reached);
      failures = 0;
    } catch (error) {
      last = error.last ?? last;
      // The place is gone: what lies between cannot be had, so go on from now.
      if (error.status === 410 || error.status === 422) {
        last = null;
        gaps.value += 1;
      }
      failures = state.peek() === "live" ? 1 : failures + 1;
      if (error.status === 403 || error.status === 401) break;
    } finally {
      abort.signal.removeEventListener("abort", stop);
    }
    if (abort.signal.aborted) break;
    state.value = "lost";
    await new Promise((done) => setTimeout(done, WAIT_MS[Math.min(failures, WAIT_MS.length - 1)]));
  }
  if (abort.signal.aborted) return;
  state.value = "off";
}

/** Keep the stream open for whoever is signed in; another tenant or mode has another stream. */
export function watchLive() {
  setInterval(hand, BATCH_MS);
  let key = null;
  let abort = null;
  let last = null;
  let hiding = null;
  const close = () => {
    abort?.abort();
    abort = null;
    state.value = "off";
  };
  const open = () => {
    if (abort || !key || document.hidden) return;
    abort = new AbortController();
    keep(abort, last, (id) => { last = id; });
  };
  effect(() => {
    const { tenant, mode } = acting.value;
    const next = session.value && mode ? `${tenant} ${mode}` : null;
    if (next === key) return;
    key = next;
    close();
    last = null;
    waiting = [];
    counted = [];
    open();
  });
  // A browser has six connections to a host: pages that nobody sees leave theirs to the others.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(close, HIDDEN_MS);
    else open();
  });
}
