/** What stands beside sections in the side bar: how many endpoints fail, how many connections are silent. */

import { acting, get } from "./api.js";
import { effect, signal } from "./preact.js";
import { may, session } from "./session.js";
import { S } from "../strings.js";

const LOOK_MS = 60000;
/** path → {text, bad}. */
export const counts = signal({});
let about = null;
let at = 0;

/** Take over what an overview says needs a person. */
export function countNeeds(overview) {
  const of = (...kinds) => new Set(overview.needs_a_person.filter((one) => kinds.includes(one.kind)).map((one) => one.endpoint ?? one.connection)).size;
  const failing = of("endpoint_failing", "endpoint_disabled");
  const silent = of("connection_silent");
  const rejecting = of("connection_rejecting");
  at = Date.now();
  counts.value = {
    ...(failing ? { "/endpoints": { text: S.counts.failing(failing), bad: true } } : {}),
    ...(silent ? { "/connections": { text: S.counts.silent(silent), bad: true } }
      : rejecting ? { "/connections": { text: S.counts.rejecting(rejecting), bad: true } } : {}),
  };
}

function look() {
  const asked = about;
  if (!asked || document.hidden || Date.now() - at < LOOK_MS) return;
  at = Date.now();
  // Without figures there are no counts: nothing else depends on them.
  get("/v1/overview", { span: "1h" }).then((found) => { if (about === asked) countNeeds(found); }, () => {});
}

/** Look once a minute, while the page can be seen; another tenant or mode has other counts. */
export function watchCounts() {
  setInterval(look, LOOK_MS / 4);
  effect(() => {
    const { tenant, mode } = acting.value;
    const next = session.value && mode && may("figures:read") ? `${tenant} ${mode}` : null;
    if (next === about) return;
    about = next;
    at = 0;
    counts.value = {};
    look();
  });
}
