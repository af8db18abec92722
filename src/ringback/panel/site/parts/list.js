/**
 * The one list of the panel: rows of the API in columns, only as many in the document as can be
 * seen; live at the top, still while somebody reads further down; keys j, k and Enter.
 */

import { useKeys } from "../shell/keys.js";
import { useEvery } from "../shell/load.js";
import { FLOOD, paused, rate, useLive } from "../shell/live.js";
import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from "../shell/preact.js";
import { go, where } from "../shell/where.js";
import { S } from "../strings.js";
import { useColumns } from "./columns.js";
import { CopyAs } from "./copy.js";
import { ROWS_MAX, usePages } from "./pages.js";
import { Failed, Loading, NoMatch } from "./states.js";

const ROW = 40;
const OVERSCAN = 8;
const IN_DOM_MAX = 90;
const REFRESH_MS = 400;
const byId = (row) => row.id;

/** Which rows are in the document. */
function useWindow(root, count) {
  const [span, setSpan] = useState([0, 40]);
  const measure = useCallback(() => {
    const box = root.current;
    if (!box) return;
    const first = Math.max(0, Math.floor(box.scrollTop / ROW) - OVERSCAN);
    const seen = Math.ceil(box.clientHeight / ROW) + 2 * OVERSCAN;
    const last = Math.min(count, first + Math.min(seen, IN_DOM_MAX));
    setSpan((was) => (was[0] === first && was[1] === last ? was : [first, last]));
  }, [count]);
  useLayoutEffect(measure, [measure]);
  useEffect(() => {
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, [measure]);
  return [span, measure];
}

/** Refresh when something live concerns the list, but not more often than anybody can read. */
function useLiveRefresh(pages, concerns, still) {
  const [fresh, setFresh] = useState(0);
  const timer = useRef(null);
  const latest = useRef(null);
  latest.current = () => {
    timer.current = null;
    if (!still()) pages.refresh().then(() => setFresh(0), () => {});
  };
  useLive((events) => {
    const count = concerns ? events.filter(concerns).length : 0;
    if (!count || rate.value > FLOOD) return;
    if (still()) setFresh((was) => was + count);
    else timer.current ??= setTimeout(() => latest.current(), REFRESH_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  const now = () => {
    setFresh(0);
    return pages.refresh().catch(() => {});
  };
  return [fresh, now];
}

/** Put rows in that the stream itself brought. */
function useLiveRows(pages, rowsOf, still) {
  const held = useRef([]);
  const [fresh, setFresh] = useState(0);
  useLive((events) => {
    if (!rowsOf || rate.value > FLOOD) return;
    const rows = rowsOf(events).reverse();
    if (!rows.length) return;
    if (!still()) pages.put(rows);
    else {
      held.current = [...rows, ...held.current].slice(0, 200);
      setFresh(held.current.length);
    }
  });
  const now = () => {
    pages.put(held.current);
    held.current = [];
    setFresh(0);
  };
  return [fresh, now];
}

function Head({ columns }) {
  // A heading takes its cells' place and width, not their colour.
  const placed = (one) => (one.class ?? "").split(" ").filter((name) => name === "n" || name === "wide-only").join(" ");
  return html`<div class="row head" role="row">
    ${columns.map((one) => html`<span key=${one.key} role="columnheader" class=${placed(one)}>${one.title || html`<span class="unseen">${one.name ?? S.list.actions}</span>`}</span>`)}
  </div>`;
}

function Row({ row, columns, to, at, index, onPick }) {
  const open = (event) => {
    if (event.target.closest("a, button, time, input") || String(getSelection())) return;
    if (to) go(to);
  };
  return html`<div class=${`row${at ? " at" : ""}`} role="row" aria-rowindex=${index + 2} onClick=${open} onMouseDown=${onPick}>
    ${columns.map((one, n) => html`<span key=${one.key} role="cell" class=${one.class ?? ""}>
      ${n === 0 && to ? html`<a href=${`/panel${to}${location.search ? `?${sticky()}` : ""}`} class="cover">${one.render(row)}</a>` : one.render(row)}
    </span>`)}
  </div>`;
}

const sticky = () => {
  const { mode, tenant } = where.value.query;
  return new URLSearchParams(Object.entries({ mode, tenant }).filter(([, value]) => value)).toString();
};

/**
 * A list.
 *
 * @param name     what its columns are remembered by
 * @param path     the operation, such as /v1/messages
 * @param query    its filters, as the API names them (without limit and cursor)
 * @param columns  [{key, title, width, render(row), class, off}]
 * @param to       (row) → the path of its screen below /panel
 * @param cli      the command that lists the same, such as "messages list"
 * @param empty    what is shown when there is nothing at all
 * @param filtered whether filters are set; `onClear` takes them away
 * @param concerns (event) → whether the list is to be asked for anew
 * @param liveRows (events) → rows to put on top
 * @param every    ask for the newest page so often, in ms, for what no event tells of
 * @param rowKeys  {key: [what, (row) => …]}: further keys for the row that is chosen
 * @param tools    what stands beside the buttons above the list
 */
export function List({
  name, path, query, columns, to, cli, empty, filtered, onClear, concerns, liveRows,
  every = 0, key_ = byId, rowKeys = {}, tools, rest,
}) {
  const pages = usePages(path, query, key_);
  const { rows, loading, problem, next, more } = pages;
  const [shown, chooser] = useColumns(name, columns);
  const root = useRef(null);
  const [[first, last], measure] = useWindow(root, rows.length);
  const [at, setAt] = useState(-1);
  const still = () => paused.value || (root.current?.scrollTop ?? 0) > ROW;
  const [byEvent, fetchNow] = useLiveRefresh(pages, concerns, still);
  const [byRow, putNow] = useLiveRows(pages, liveRows, still);
  useEvery(every, () => !still() && pages.refresh().catch(() => {}));
  const fresh = byEvent + byRow;
  const catchUp = () => {
    root.current?.scrollTo({ top: 0 });
    if (liveRows) putNow();
    else fetchNow();
  };
  const scrolled = () => {
    measure();
    const box = root.current;
    if (box.scrollHeight - box.scrollTop - box.clientHeight < 20 * ROW) pages.loadMore();
    if (box.scrollTop === 0 && fresh && !paused.value) catchUp();
  };
  const step = (by) => {
    const index = Math.max(0, Math.min(rows.length - 1, at + by));
    setAt(index);
    const box = root.current;
    const top = index * ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + 2 * ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + 2 * ROW - box.clientHeight;
  };
  const withRow = (run) => () => rows[at] && run(rows[at]);
  useKeys({
    j: [S.keys.down, () => step(1)], k: [S.keys.up, () => step(-1)],
    ...(to ? { Enter: [S.keys.open, withRow((row) => go(to(row)))] } : {}),
    ...Object.fromEntries(Object.entries(rowKeys).map(([key, [what, run]]) => [key, [what, withRow(run)]])),
  });
  const grid = { "--columns": shown.map((one) => one.width ?? "minmax(0,1fr)").join(" ") };
  return html`<section class="list card">
    <header>
      <div class="tools">${tools}</div>
      ${rate.value > FLOOD && (concerns || liveRows) && html`<span class="chip c-sent">${S.list.flood(rate.value)}</span>`}
      ${fresh > 0 && html`<button class="btn fresh" onClick=${catchUp}>${S.list.fresh(fresh)}</button>`}
      ${chooser}
      <${CopyAs} path=${path} query=${query} cli=${cli} />
    </header>
    ${problem && !rows.length
      ? html`<${Failed} problem=${problem} retry=${() => pages.reload(false)} />`
      : loading && !rows.length
        ? html`<${Loading} rows=${8} />`
        : !rows.length
          ? filtered ? html`<${NoMatch} onClear=${onClear} />` : empty
          : html`<div class="rows" role="table" aria-label=${S.list[name] ?? name} aria-rowcount=${next ? -1 : rows.length + 1}
              ref=${root} tabindex="0" style=${grid} onScroll=${scrolled}>
              <${Head} columns=${shown} />
              <div class="space" role="rowgroup" style=${{ height: `${rows.length * ROW}px` }}>
                <div class="seen" role="presentation" style=${{ transform: `translateY(${first * ROW}px)` }}>
                  ${rows.slice(first, last).map((row, n) => html`<${Row} key=${key_(row)} row=${row} columns=${shown}
                    to=${to?.(row)} at=${first + n === at} index=${first + n} onPick=${() => setAt(first + n)} />`)}
                </div>
              </div>
            </div>
            <footer class="faint">
              ${S.list.count(rows.length, Boolean(next))}
              ${more && html`<span> · ${S.states.loading}</span>`}
              ${rows.length >= ROWS_MAX && next && html`<span> · ${S.list.narrow}</span>`}
              ${problem && html`<span class="bad"> · ${problem.detail} <button class="plain link" onClick=${() => fetchNow()}>${S.states.retry}</button></span>`}
              ${rest}
            </footer>`}
  </section>`;
}
