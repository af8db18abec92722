/** A retry schedule: written and read in words, and drawn as a line of time. */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";
import { duration } from "./time.js";

const T = S.endpoints.policy;
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
const SECONDS = { s: 1, sec: 1, m: 60, min: 60, h: 3600, d: 86400 };

/** Write seconds in the largest unit that is exact. */
export function written(seconds) {
  const [unit, size] = UNITS.find(([, one]) => seconds % one === 0) ?? ["s", 1];
  return `${seconds / size} ${unit}`;
}

/** Read waits with units; returns seconds, or a text that says what is wrong. */
export function read(text) {
  const waits = [];
  for (const part of text.split(/[,\n]/).map((one) => one.trim()).filter(Boolean)) {
    const found = /^(\d{1,7})\s*(s|sec|m|min|h|d)?$/.exec(part);
    if (!found) return T.wrong(part);
    waits.push(Number(found[1]) * SECONDS[found[2] ?? "s"]);
  }
  return waits;
}

// Whole seconds and minutes are said as they are; what is longer, about.
const told = (at) => (at < 120 || at % 60 === 0 && at < 7200 ? written(at) : duration(at * 1000));

/** Draw when attempts are made, on a line whose steps grow. `waits`: seconds after each failure. */
export function Schedule({ waits }) {
  const times = waits.reduce((sums, wait) => [...sums, sums.at(-1) + wait], [0]);
  const last = times.at(-1);
  const place = (at) => (last ? (Math.log1p(at) / Math.log1p(last)) * 100 : 0);
  const end = waits.length ? T.giveUpAfter(times.length, duration(last * 1000)) : T.onlyOnce;
  return html`<div class="schedule">
    <ol style=${{ "--n": times.length }}>${times.map((at, n) => html`<li key=${n} style=${{ "--at": `${place(at)}%` }}>
      <i aria-hidden="true"></i><b class="num" title=${T.attempt(n + 1)}>${n + 1}</b>
      <span class="num faint">${at ? told(at) : T.atOnce}</span></li>`)}</ol>
    <p>${end} <span class="faint">${T.jitter}</span></p>
  </div>`;
}
