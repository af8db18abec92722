/** Loading for a screen: what is there stays on screen while it is asked for anew. */

import { acting } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./preact.js";

const FIRST = { data: undefined, problem: null, loading: true };

/**
 * Load with `fetcher(signal)` whenever one of `about` changes, or tenant and mode do.
 * Returns {data, problem, loading, reload, set}; `reload()` keeps what is shown until it has news.
 */
export function useLoad(fetcher, about) {
  const [state, setState] = useState(FIRST);
  const running = useRef(null);
  const { tenant, mode } = acting.value;
  const run = useCallback((keep) => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setState((was) => (keep ? { ...was, loading: true } : FIRST));
    return fetcher(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ data, problem: null, loading: false });
      },
      (problem) => {
        if (abort.signal.aborted || problem.name === "AbortError") return;
        setState((was) => ({ data: keep ? was.data : undefined, problem, loading: false }));
      },
    );
  }, [...about, tenant, mode]);
  useEffect(() => {
    run(false);
    return () => running.current?.abort();
  }, [run]);
  const reload = useCallback(() => run(true), [run]);
  const set = useCallback((data) => setState({ data, problem: null, loading: false }), []);
  return { ...state, reload, set };
}

/** Call `tick` every `ms` milliseconds while the page can be seen; never when `ms` is 0. */
export function useEvery(ms, tick, about = []) {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    if (!ms) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) latest.current();
    }, ms);
    return () => clearInterval(timer);
  }, [ms, ...about]);
}
