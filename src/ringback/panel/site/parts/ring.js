/**
 * The status ring: four arcs, clockwise from the top: submitted, sent, delivered, read. As many are
 * filled as the message has reached; a cross for failed, dashes for expired, a dot for unconfirmed.
 */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";

const REACHED = {
  queued: 0, submitting: 0, scheduled: 0, submitted: 1, sent: 2, delivered: 3, read: 4, received: 4,
};
const COLOUR = {
  queued: "waiting", submitting: "waiting", scheduled: "waiting", submitted: "sent", sent: "sent",
  delivered: "delivered", read: "read", failed: "failed", undelivered: "failed", rejected: "failed",
  expired: "expired", unconfirmed: "unconfirmed", canceled: "waiting", cancelled: "waiting",
  received: "read",
};

/** Return the name of a status's colour. */
export const colourOf = (status) => COLOUR[status] ?? "sent";

function arcs(size) {
  const radius = size / 2 - size / 13;
  const gap = 0.42;
  return [0, 1, 2, 3].map((n) => {
    const from = (n * Math.PI) / 2 - Math.PI / 2 + gap / 2;
    const to = from + Math.PI / 2 - gap;
    const at = (angle) =>
      `${(size / 2 + radius * Math.cos(angle)).toFixed(2)} ${(size / 2 + radius * Math.sin(angle)).toFixed(2)}`;
    return `M${at(from)}A${radius.toFixed(2)} ${radius.toFixed(2)} 0 0 1 ${at(to)}`;
  });
}

/** How far a message got; `times` (status → time) tells what a failed one had reached. */
const reachedBy = (status, times) =>
  REACHED[status] ??
  Math.max(1, ...Object.keys(times ?? {}).map((name) => REACHED[name] ?? 0));

/** The ring itself, `size` pixels wide. Beside it stands a word: it is hidden from readers. */
export function Ring({ status, times, size = 16 }) {
  const reached = reachedBy(status, times);
  const colour = colourOf(status);
  const width = Math.max(2, size / 9);
  const middle = size / 2;
  const arm = size * 0.17;
  return html`<svg class=${`ring c-${colour}`} width=${size} height=${size} viewBox=${`0 0 ${size} ${size}`} aria-hidden="true">
    ${arcs(size).map((d, n) => html`<path key=${n} d=${d} fill="none" stroke-width=${width} stroke-linecap="round"
      class=${n < reached ? "on" : "off"}
      stroke-dasharray=${status === "expired" && n < reached ? `${size * 0.11} ${size * 0.19}` : undefined} />`)}
    ${colour === "failed" && html`<path class="on" fill="none" stroke-width=${width} stroke-linecap="round"
      d=${`M${middle - arm} ${middle - arm}L${middle + arm} ${middle + arm}M${middle + arm} ${middle - arm}L${middle - arm} ${middle + arm}`} />`}
    ${colour === "unconfirmed" && html`<circle class="dot" cx=${middle} cy=${middle} r=${size * 0.1} />`}
  </svg>`;
}

/** A status as a chip: ring and word. */
export function Status({ status, times }) {
  return html`<span class=${`chip c-${colourOf(status)}`}>
    <${Ring} status=${status} times=${times} size=${13} />${S.status[status] ?? status ?? S.status.unknown}</span>`;
}

/** A word of state with a dot, for what is no message: `tone` is good, warn, bad, idle or plain. */
export function Tone({ tone, children }) {
  return html`<span class=${`tone t-${tone}`}><i aria-hidden="true"></i>${children}</span>`;
}
