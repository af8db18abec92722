/** Before going live: what can be seen from here, and the command that looks at the rest. */

import { Command } from "../parts/copy.js";
import { Tone } from "../parts/ring.js";
import { Loading } from "../parts/states.js";
import { Ago, duration } from "../parts/time.js";
import { useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { session } from "../shell/session.js";
import { href, setQuery } from "../shell/where.js";
import { S } from "../strings.js";
import { nameOf } from "./message_story.js";
import { local } from "./start_provider.js";

const T = S.start.live;
// The header counts whole seconds.
const SKEW_MS = 2500;
const HEARD = new Set(["accepted", "duplicate", "unmatched", "unrecognised"]);

/** Ask whether the server is ready, and what time it has. */
async function server(signal) {
  const before = Date.now();
  const answer = await fetch("/readyz", { signal, cache: "no-store" });
  const at = answer.headers.get("date");
  const told = await answer.json();
  const skew = at === null ? null : Math.abs(new Date(at).getTime() + 500 - (before + Date.now()) / 2);
  return { ready: told.ready, reasons: told.reasons, skew };
}

const find = (all) => all.find((one) => one.callback_url);

/** Every check: [title, tone, text, where it is mended]. */
function checks({ test, live }, told) {
  const url = find([...live.connections, ...test.connections])?.callback_url;
  const origin = url ? new URL(url).origin : location.origin;
  const near = local(origin);
  const untested = live.endpoints.filter((one) => live.tested.get(one.id) === false).length;
  const tested = live.endpoints.filter((one) => live.tested.get(one.id)).length;
  const heard = live.connections.filter((one) => HEARD.has(one.last_callback?.outcome)).length;
  const sealed = [...live.connections, ...test.connections].filter((one) => !one.usable);
  const gap = told.skew === null ? null : told.skew < SKEW_MS ? duration(SKEW_MS) : duration(told.skew);
  const rows = [
    [T.https[0], near ? "bad" : "good", near ? T.https[2](origin) : T.https[1](origin)],
    [T.ready[0], told.ready ? "good" : "bad", told.ready ? T.ready[1] : T.ready[2](told.reasons.join(" "))],
    [T.clock[0], told.skew === null ? "idle" : told.skew < SKEW_MS ? "good" : "warn",
      told.skew === null ? T.clock[3] : told.skew < SKEW_MS ? T.clock[1](`< ${gap}`) : T.clock[2](gap)],
    [T.endpoints[0], !live.endpoints.length ? "bad" : untested ? "warn" : "good",
      !live.endpoints.length ? T.endpoints[3] : untested ? T.endpoints[2](untested, live.endpoints.length) : T.endpoints[1](tested),
      () => setQuery({ step: "endpoint" })],
    [T.connections[0], !live.connections.length ? "bad" : heard ? "good" : "warn",
      !live.connections.length ? T.connections[3] : heard ? T.connections[1](heard) : T.connections[2](live.connections.length),
      () => setQuery({ step: "provider" })],
    [T.secrets[0], sealed.length ? "bad" : "good", sealed.length ? T.secrets[2](sealed.map((one) => one.name).join(", ")) : T.secrets[1]],
  ];
  const { person } = session.value;
  if (person) rows.push([T.person[0], person.password_set === false ? "warn" : "good", T.person[person.password_set === false ? 2 : 1]]);
  return rows;
}

function Check({ row: [title, tone, text, mend] }) {
  return html`<li><${Tone} tone=${tone}>${title}</${Tone}><span class="muted">${text}</span>
    ${mend && tone !== "good" && html`<button class="plain link" onClick=${mend}>${T.fix}</button>`}</li>`;
}

/** The step. */
export function LiveStep({ state }) {
  const of = useLoad(server, []);
  if (!state || (!of.data && !of.problem)) return html`<${Loading} rows=${5} label=${T.checking} />`;
  const told = of.data ?? { ready: false, reasons: [of.problem.message], skew: null };
  const ending = state.test.endpoints.filter((one) => one.expires_at);
  return html`<ul class="ready">${checks(state, told).map((row) => html`<${Check} key=${row[0]} row=${row} />`)}
      <li><${Tone} tone="idle">${T.tests[0]}</${Tone}><span class="muted">${ending.length ? T.tests[2](ending.length) : T.tests[1]}
        ${ending.slice(0, 8).map((one) => html`<br /><a class="link" href=${href(`/endpoints/${one.id}`, { mode: "test" })}>${nameOf(one)}</a> <${Ago} at=${one.expires_at} />`)}</span></li></ul>
    <p class="muted">${T.rest}</p><${Command} text=${T.command} />`;
}
