/**
 * How a list follows what is live: rows go in at the top while somebody looks there; while they read
 * further down, or have paused, they are held back; when too many come to be read, none is put in and
 * the newest page is asked for once it is calmer. So nothing that came is missing in the end.
 */

import { FLOOD, gaps, paused, useLive } from "../shell/live.js";
import { useEffect, useRef, useState } from "../shell/preact.js";

const REFRESH_MS = 400;
const LOOK_MS = 1000;
const RATE_MS = 2000;
// More than this held back is asked for anew instead.
const HELD_MAX = 500;

/** Count what concerns the list; returns how many a second. */
function useRate() {
  const seen = useRef([]);
  return (count) => {
    const now = performance.now();
    if (count) seen.current.push([now, count]);
    seen.current = seen.current.filter(([at]) => now - at < RATE_MS);
    return (seen.current.reduce((sum, [, n]) => sum + n, 0) * 1000) / RATE_MS;
  };
}

/**
 * Follow the stream for a list.
 *
 * `concerns(event)` says whether the list is to be asked for anew, `rowsOf(events)` makes rows of events;
 * a list has one of them, or neither. `still()`: nothing may move now. `about`: another list begins.
 * Returns {fresh, flood, catchUp}: how much is held back (true: nobody knows how much), how many a
 * second are too many to show (0: they are shown), and what puts everything in.
 */
export function useLiveList({ pages, concerns, rowsOf, still, about }) {
  const [fresh, setFresh] = useState(0);
  const [flood, setFlood] = useState(0);
  const held = useRef([]);
  const dirty = useRef(false);
  const timer = useRef(null);
  const rate = useRate();
  const latest = useRef(null);

  const forget = () => {
    held.current = [];
    dirty.current = false;
    setFresh(0);
  };
  const catchUp = () => {
    const rows = held.current;
    const again = dirty.current || !rowsOf;
    forget();
    if (again) pages.refresh().catch(() => { dirty.current = true; });
    else if (rows.length) pages.put(rows);
  };
  const soon = () => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      latest.current.look();
    }, REFRESH_MS);
  };
  // What is to be asked for is asked for as soon as nobody reads and it is calm.
  const look = () => {
    const many = rate(0) > FLOOD;
    setFlood(many ? Math.round(rate(0)) : 0);
    if (!many && !still() && (dirty.current || held.current.length)) catchUp();
  };
  latest.current = { look, catchUp };

  useLive((events) => {
    const rows = rowsOf ? rowsOf(events) : [];
    const count = rowsOf ? rows.length : concerns ? events.filter(concerns).length : 0;
    if (!count) return;
    const many = rate(count) > FLOOD;
    if (many) setFlood(Math.round(rate(0)));
    if (rowsOf && !many && !dirty.current && held.current.length + count <= HELD_MAX) {
      const newest = [...rows].reverse();
      if (!still() && !held.current.length) pages.put(newest);
      else held.current = [...newest, ...held.current];
    } else {
      dirty.current = true;
    }
    if (still() || many) setFresh(dirty.current ? true : held.current.length);
    else soon();
  });
  useEffect(() => {
    const watch = setInterval(() => latest.current.look(), LOOK_MS);
    return () => {
      clearInterval(watch);
      clearTimeout(timer.current);
    };
  }, []);
  useEffect(forget, [about]);
  useEffect(() => {
    if (!paused.value) latest.current.look();
  }, [paused.value]);
  useEffect(() => {
    if (gaps.value && (concerns || rowsOf)) {
      dirty.current = true;
      soon();
    }
  }, [gaps.value]);
  return { fresh, flood, catchUp };
}
