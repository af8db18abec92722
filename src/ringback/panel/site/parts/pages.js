/** A list of the API, page by page, as the rows that are known so far. */

import { acting, get } from "../shell/api.js";
import { useCallback, useEffect, useRef, useState } from "../shell/preact.js";

const PAGE = 50;
const MORE = 200;
/** A list on screen holds so many rows at most; beyond that, filters help more than scrolling. */
export const ROWS_MAX = 10000;
const EMPTY = { rows: [], next: null, loading: true, problem: null, more: false };

/**
 * Put the newest page in the place of what it covers: rows that fit no more do not stay. Returns
 * null where it does not join what is known: then it stands alone.
 */
function joined(known, page, key) {
  const last = page.next && page.data.length ? key(page.data.at(-1)) : null;
  const at = last === null ? -1 : known.findIndex((row) => key(row) === last);
  return at < 0 ? null : [...page.data, ...known.slice(at + 1)].slice(0, ROWS_MAX);
}

/** Put what is new before what is known; what is known already is replaced where it stands. */
export function merged(known, fresh, key) {
  const there = new Map(fresh.map((row) => [key(row), row]));
  const kept = known.map((row) => there.get(key(row)) ?? row);
  const seen = new Set(known.map(key));
  const added = fresh.filter((row) => !seen.has(key(row)));
  return { rows: [...added, ...kept].slice(0, ROWS_MAX), added: added.length };
}

/**
 * Read a list. Returns {rows, loading, problem, next, more, about, loadMore, refresh, reload, put}:
 * `refresh()` fetches the newest page, in the place of what it covers;
 * `put(rows)` adds rows that came by another way.
 */
export function usePages(path, query, key) {
  const [state, setState] = useState(EMPTY);
  const { tenant, mode } = acting.value;
  const about = JSON.stringify([path, query, tenant, mode]);
  const current = useRef(null);
  const latest = useRef(state);
  latest.current = state;

  const load = useCallback(async (keep) => {
    const abort = new AbortController();
    current.current?.abort();
    current.current = abort;
    if (!keep) setState(EMPTY);
    try {
      const page = await get(path, { ...query, limit: PAGE }, { signal: abort.signal });
      setState({ ...EMPTY, rows: page.data, next: page.next, loading: false });
    } catch (problem) {
      if (problem.name !== "AbortError") setState({ ...EMPTY, loading: false, problem });
    }
  }, [about]);

  const loadMore = useCallback(async () => {
    const { next, more, rows } = latest.current;
    if (!next || more || rows.length >= ROWS_MAX) return;
    const abort = current.current;
    latest.current = { ...latest.current, more: true };
    setState((was) => ({ ...was, more: true, problem: null }));
    try {
      const page = await get(path, { ...query, limit: MORE, cursor: next }, { signal: abort.signal });
      setState((was) => {
        // Another beginning took this place meanwhile: behind it there would be a gap.
        if (was.next !== next) return { ...was, more: false };
        const seen = new Set(was.rows.map(key));
        const fresh = page.data.filter((row) => !seen.has(key(row)));
        return { ...was, rows: [...was.rows, ...fresh], next: page.next, more: false };
      });
    } catch (problem) {
      if (problem.name !== "AbortError") setState((was) => ({ ...was, more: false, problem }));
    }
  }, [about]);

  const put = useCallback((fresh) => setState((was) => ({ ...was, rows: merged(was.rows, fresh, key).rows })), []);

  const refresh = useCallback(async () => {
    const abort = current.current;
    const page = await get(path, { ...query, limit: PAGE }, { signal: abort?.signal });
    if (abort !== current.current) return;
    setState((was) => {
      const rows = joined(was.rows, page, key);
      return rows ? { ...was, problem: null, rows } : { ...EMPTY, rows: page.data, next: page.next, loading: false };
    });
  }, [about]);

  useEffect(() => {
    load(false);
    return () => current.current?.abort();
  }, [load]);
  return { ...state, about, loadMore, refresh, reload: load, put };
}
