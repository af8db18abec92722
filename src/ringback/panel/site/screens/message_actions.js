/** What can be done with a message: reveal, replay, simulate what comes next, copy. */

import { asCli, asCurl, copy } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { Menu } from "../parts/menu.js";
import { exact } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useKeys } from "../shell/keys.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may, mode, session } from "../shell/session.js";
import { S } from "../strings.js";
import { nameOf } from "./message_story.js";

const T = S.message;
// A fixture holds so many callbacks and events at most: what a person would read.
const FIXTURE_MAX = 50;
const NEXT = ["submitted", "sent", "delivered", "read", "failed", "expired", "unconfirmed"];

/** What has been sent of this message to an endpoint, or is owed to it: the newest of each event. */
function deliveriesTo(story, endpoint) {
  return story.events.flatMap((event) => {
    const mine = (story.outs.get(event.id) ?? []).filter((one) => one.endpoint === endpoint);
    const out = mine.at(-1);
    return out ? [{ event, out, was: out.open ? out.open.status : (out.attempts.at(-1)?.final ?? "pending") }] : [];
  });
}

function Replay({ story, endpoints, onClose, onDone }) {
  const told = [...new Set([...story.outs.values()].flat().map((one) => one.endpoint))];
  const choices = endpoints.filter((one) => told.includes(one.id)).map((one) => [one.id, nameOf(one)]);
  const [endpoint, setEndpoint] = useState(choices[0]?.[0] ?? "");
  const rows = deliveriesTo(story, endpoint);
  const usual = (list) => {
    const failed = list.filter((one) => one.was === "exhausted" || one.was === "cancelled");
    const over = failed.length ? failed : list.filter((one) => !one.out.open).slice(-1);
    return new Set(over.map((one) => one.out.id));
  };
  const [chosen, setChosen] = useState(() => usual(rows));
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const choose = (id) => { setEndpoint(id); setChosen(usual(deliveriesTo(story, id))); };
  const toggle = (id, on) => setChosen((was) => new Set(on ? [...was, id] : [...was].filter((one) => one !== id)));
  const name = choices.find(([id]) => id === endpoint)?.[1];
  const send = async () => {
    setBusy(true);
    setProblem(null);
    let done = 0;
    try {
      for (const one of rows.filter((each) => chosen.has(each.out.id))) {
        await post(`/v1/deliveries/${one.out.id}/replay`);
        done += 1;
      }
      onClose();
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
    if (done) {
      say(T.replayed(done, name));
      onDone();
    }
  };
  const foot = html`<button class="btn" onClick=${onClose}>${S.dialog.cancel}</button>
    <button class="btn primary" disabled=${busy || !chosen.size} onClick=${send}>${T.replayGo(chosen.size)}</button>`;
  return html`<${Dialog} title=${T.replayTitle} onClose=${onClose} foot=${choices.length > 0 && foot}>
    ${choices.length ? html`<div class="form">
      <p class="muted">${T.replayText}</p>
      <${Field} label=${T.replayEndpoint} kind="select" options=${choices} value=${endpoint} onInput=${choose} />
      <ul class="replays">${rows.map(({ event, out, was }) => html`<li key=${out.id}><label>
        <input type="checkbox" checked=${chosen.has(out.id)} disabled=${Boolean(out.open)} onChange=${(one) => toggle(out.id, one.target.checked)} />
        <span>${event.type}</span><span class="faint num">${exact(event.at)}</span>
        <span class=${`right ${was === "exhausted" ? "bad" : "faint"}`}>${T.was[was]}</span></label></li>`)}</ul>
      <${FormProblem} problem=${problem} /></div>` : html`<p>${T.replayNone}</p>`}
  </${Dialog}>`;
}

async function fixture(timeline) {
  const kinds = (kind) => timeline.entries.filter((one) => one.kind === kind).slice(0, FIXTURE_MAX);
  const all = (paths) => Promise.all(paths.map((path) => get(path)));
  const callbacks = may("callbacks:read") ? await all(kinds("callback").map((one) => `/v1/callbacks/${one.id}`)) : [];
  const events = may("events:read") ? await all(kinds("event").map((one) => `/v1/events/${one.id}`)) : [];
  const { message } = timeline;
  return JSON.stringify({ about: T.fixtureNote, message, callbacks, events }, null, 2);
}

function CopyMenu({ timeline }) {
  const { id } = timeline.message;
  const path = `/v1/messages/${id}/timeline`;
  const whole = () => fixture(timeline).then(copy, sayProblem);
  return html`<${Menu} label=${S.copy.as} items=${[
    [S.copy.asCurl, () => copy(asCurl("GET", path))],
    [S.copy.asCli, () => copy(asCli(`messages timeline ${id}`))],
    [T.fixture, whole],
    [S.copy.link, () => copy(location.href)],
  ]} />`;
}

/** Only the simulator knows every status; what has been reported already would bring nothing. */
function Simulate({ message, onDone }) {
  const can = mode.value === "test" && message.provider === "simulator" && message.provider_message_id
    && message.direction === "outbound" && may("connections:write");
  if (!can) return null;
  const report = async (status) => {
    try {
      await post(`/v1/connections/${message.connection}/simulate`, { message: message.id, statuses: [status] });
      say(T.simulated(S.status[status]));
      onDone();
    } catch (problem) {
      sayProblem(problem);
    }
  };
  const items = NEXT.filter((one) => !message.timestamps[one]).map((one) => [S.status[one], () => report(one)]);
  return items.length > 0 && html`<${Menu} label=${T.simulate} items=${items} />`;
}

/** The buttons beside the headline. */
export function Actions({ timeline, story, endpoints, onDone, onReveal, revealed }) {
  const [replaying, setReplaying] = useState(false);
  const mayReplay = may("deliveries:write") && may("endpoints:read");
  useKeys(mayReplay ? { r: [S.keys.replay, () => setReplaying(true)] } : {});
  const { message } = timeline;
  const reveals = session.value.masked && session.value.may_reveal && !revealed;
  return html`<div class="actions">
    ${reveals && html`<button class="btn" onClick=${onReveal}>${T.reveal}</button>`}
    <${Simulate} message=${message} onDone=${onDone} />
    <${CopyMenu} timeline=${timeline} />
    ${mayReplay && html`<button class="btn primary" onClick=${() => setReplaying(true)}>${T.replayTo}</button>`}
    ${replaying && html`<${Replay} story=${story} endpoints=${endpoints} onClose=${() => setReplaying(false)} onDone=${onDone} />`}
  </div>`;
}
