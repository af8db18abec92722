/**
 * The one list of the panel: rows of the API in columns, only as many in the document as can be
 * seen; live at the top, still while somebody reads further down; keys j, k and Enter.
 */

import { useKeys } from "../shell/keys.js";
import { useEvery } from "../shell/load.js";
import { paused } from "../shell/live.js";
import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from "../shell/preact.js";
import { go, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { useColumns } from "./columns.js";
import { CopyAs } from "./copy.js";
import { useLiveList } from "./live_rows.js";
import { ROWS_MAX, usePages } from "./pages.js";
import { Failed, Loading, NoMatch, NoneSoFar } from "./states.js";

const ROW = 40;
const OVERSCAN = 8;
const IN_DOM_MAX = 90;
// A search may look at a lot and find little: so often it is asked on by itself.
const LOOKS_MAX = 5;
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

/** Fetch on while there is more and the box is not full; returns what looks further on request. */
function useFurther(pages, root) {
  const looks = useRef(0);
  const { rows, next, more, loading, problem, about } = pages;
  const full = rows.length * ROW > (root.current?.clientHeight ?? 0);
  useEffect(() => { looks.current = 0; }, [about]);
  useEffect(() => {
    if (full) looks.current = 0;
    else if (next && !more && !loading && !problem && looks.current < LOOKS_MAX) {
      looks.current += 1;
      pages.loadMore();
    }
  });
  return () => {
    looks.current = 0;
    pages.loadMore();
  };
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
  const { rows, loading, problem, next, more, about } = pages;
  const [shown, chooser] = useColumns(name, columns);
  const root = useRef(null);
  const [[first, last], measure] = useWindow(root, rows.length);
  const chosen = where.value.query.at;
  const at = chosen ? rows.findIndex((row) => key_(row) === chosen) : -1;
  const choose = (row) => row && setQuery({ at: key_(row) });
  const still = () => paused.value || (root.current?.scrollTop ?? 0) > ROW;
  const { fresh, flood, catchUp: putIn } = useLiveList({ pages, concerns, rowsOf: liveRows, still, about });
  useEvery(every, () => !still() && pages.refresh().catch(() => {}));
  const further = useFurther(pages, root);
  const catchUp = () => {
    root.current?.scrollTo({ top: 0 });
    putIn();
  };
  const scrolled = () => {
    measure();
    const box = root.current;
    if (box.scrollHeight - box.scrollTop - box.clientHeight < 20 * ROW) pages.loadMore();
    if (box.scrollTop === 0 && fresh && !flood && !paused.value) catchUp();
  };
  const step = (by) => {
    const index = Math.max(0, Math.min(rows.length - 1, at + by));
    choose(rows[index]);
    const box = root.current;
    if (!box) return;
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
      ${flood > 0 && html`<span class="chip c-sent">${S.list.flood(flood)}</span>`}
      ${Boolean(fresh) && html`<button class="btn fresh" onClick=${catchUp}>${S.list.fresh(fresh)}</button>`}
      ${chooser}
      <${CopyAs} path=${path} query=${query} cli=${cli} />
    </header>
    ${problem && !rows.length
      ? html`<${Failed} problem=${problem} retry=${() => pages.reload(false)} />`
      : loading && !rows.length
        ? html`<${Loading} rows=${8} />`
        : !rows.length && next
          ? html`<${NoneSoFar} busy=${more} onFurther=${further} onClear=${onClear} />`
          : !rows.length
          ? filtered ? html`<${NoMatch} onClear=${onClear} />` : empty
          : html`<div class="rows" role="table" aria-label=${S.list[name] ?? name} aria-rowcount=${next ? -1 : rows.length + 1}
              ref=${root} tabindex="0" style=${grid} onScroll=${scrolled}>
              <${Head} columns=${shown} />
              <div class="space" role="rowgroup" style=${{ height: `${rows.length * ROW}px` }}>
                <div class="seen" role="presentation" style=${{ transform: `translateY(${first * ROW}px)` }}>
                  ${rows.slice(first, last).map((row, n) => html`<${Row} key=${key_(row)} row=${row} columns=${shown}
                    to=${to?.(row)} at=${first + n === at} index=${first + n} onPick=${() => choose(row)} />`)}
                </div>
              </div>
            </div>
            <footer class="faint">
              ${S.list.count(rows.length, Boolean(next))}
              ${more && html`<span> · ${S.states.loading}</span>`}
              ${rows.length >= ROWS_MAX && next && html`<span> · ${S.list.narrow}</span>`}
              ${problem && html`<span class="bad"> · ${problem.detail} <button class="plain link" onClick=${() => (next ? pages.loadMore() : pages.refresh().catch(() => {}))}>${S.states.retry}</button></span>`}
              ${rest}
            </footer>`}
  </section>`;
}
