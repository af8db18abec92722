/** Times: relative to read, exact on hover, copied by a click. And durations, and numbers. */

import { html, signal } from "../shell/preact.js";
import { S } from "../strings.js";
import { copy } from "./copy.js";

const now = signal(Date.now());
setInterval(() => { now.value = Date.now(); }, 1000);

const LOCALE = navigator.language;
const clock = new Intl.DateTimeFormat(LOCALE, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", fractionalSecondDigits: 3,
});
const brief = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
const whole = new Intl.NumberFormat(LOCALE);
/** The browser's time zone, by name. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Write a number with its thousands. */
export const number = (n) => (n === null || n === undefined ? "–" : whole.format(n));

/** Write a share of 1 in per cent, with one digit where it says something. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  const n = share * 100;
  return `${n === 0 || n === 100 ? n : n.toFixed(n > 99.9 || n < 0.1 ? 2 : 1)} %`;
}

/** Write milliseconds as somebody would say them. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

/** Write the time of day with milliseconds; the date too when it is not today. */
export function exact(at) {
  const then = new Date(at);
  const today = then.toDateString() === new Date().toDateString();
  return (today ? "" : `${day.format(then)} `) + clock.format(then);
}

/** Write hour and minute. */
export const hour = (at) => brief.format(new Date(at));

const utc = (at) => new Date(at).toISOString();
const take = (at) => (event) => {
  event.preventDefault();
  event.stopPropagation();
  copy(utc(at));
};

/** How long ago something was, or in how long it will be; it goes on counting. */
export function Ago({ at }) {
  if (!at) return html`<span class="faint">–</span>`;
  const ms = now.value - new Date(at).getTime();
  const text = ms < -1500 ? S.time.in(duration(-ms)) : ms < 1500 ? S.time.now : S.time.ago(duration(ms));
  return html`<time datetime=${utc(at)} title=${`${utc(at)} · ${S.time.copy}`} onClick=${take(at)}>${text}</time>`;
}

/** The time of day, exact to the millisecond. */
export function Exact({ at }) {
  if (!at) return html`<span class="faint">–</span>`;
  return html`<time class="mono" datetime=${utc(at)} title=${`${utc(at)} · ${S.time.copy}`} onClick=${take(at)}>${exact(at)}</time>`;
}
