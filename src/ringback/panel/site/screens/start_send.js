/** The first message: simulated, and watched on its own timeline. */

import { FormProblem } from "../parts/form.js";
import { Loaded } from "../parts/states.js";
import { get, post } from "../shell/api.js";
import { useEvery } from "../shell/load.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { Track, useStory } from "./message.js";
import { headline, storyOf } from "./message_story.js";
import { Timeline } from "./message_timeline.js";

const T = S.start.send;
const ENDS = { from: "+15550100", to: "+15550123" };
/** So that steps can be followed by eye. */
const STEP_MS = 900;
const WATCH_MS = 700;
const PLANS = {
  read: { statuses: ["sent", "delivered", "read"] },
  failed: { statuses: ["sent", "failed"] },
  mess: { statuses: ["sent", "delivered", "read"], duplicate: 1, reorder: true },
  expired: { statuses: ["sent", "expired"] },
};
const OVER = new Set(["read", "failed", "expired"]);
const TEST = { headers: { "ringback-mode": "test" } };

/** A secret by chance, in hexadecimal digits. */
export const chance = (bytes = 16) =>
  [...crypto.getRandomValues(new Uint8Array(bytes))].map((one) => one.toString(16).padStart(2, "0")).join("");

async function simulator() {
  const { data } = await get("/v1/connections", { limit: 100 }, TEST);
  const found = data.find((one) => one.provider === "simulator" && one.usable);
  return found ?? post("/v1/connections", { provider: "simulator", name: T.connection, config: { secret: chance() } }, TEST);
}

/** Send one through the simulator; return the message's id. */
async function send(plan) {
  const connection = await simulator();
  const body = { ...ENDS, text: T.text, reference: T.reference, delay_ms: STEP_MS, ...PLANS[plan] };
  return (await post(`/v1/connections/${connection.id}/simulate`, body, TEST)).message;
}

/** The message's story. The stream of test mode may open only after its first events: look as well. */
function Watch({ id }) {
  const of = useStory(id);
  const over = of.data && OVER.has(of.data.message.status);
  useEvery(WATCH_MS, () => { if (!over && !of.problem) of.reload(); }, [over, of.problem, of.reload]);
  return html`<${Loaded} of=${of} rows=${6}>${(timeline) => html`<div class="watch">
    <h3 aria-live="polite">${headline(timeline.message)}</h3>
    <${Track} message=${timeline.message} />
    <${Timeline} timeline=${timeline} story=${storyOf(timeline)} />
    <p class="faint">${T.watch} <a class="link" href=${href(`/messages/${id}`)}>${T.open}</a></p></div>`}</${Loaded}>`;
}

/** The step. */
export function SendStep({ reload }) {
  const { message } = where.value.query;
  const [plan, setPlan] = useState("read");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const id = await send(plan);
      setQuery({ step: "send", message: id, mode: "test" });
      reload();
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  };
  if (!may("connections:write")) return html`<p class="faint">${T.cannot}</p>`;
  return html`<div class="actions">
      <label class="filter"><span>${T.how}</span><select value=${plan} onChange=${(event) => setPlan(event.target.value)}>
        ${Object.entries(T.scenarios).map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}</select></label>
      <button class=${`btn${message ? "" : " primary"}`} disabled=${busy} onClick=${go}>${message ? T.again : T.go}</button>
      <span class="faint">${T.testMode}</span></div>
    <${FormProblem} problem=${problem} />
    ${message && html`<${Watch} key=${message} id=${message} />`}`;
}
