/** Trying an endpoint out: the example of a type, edited or not, sent now; what came back beside it. */

import { Hint } from "../parts/attempt.js";
import { Command } from "../parts/copy.js";
import { Body, Facts, Headers } from "../parts/code.js";
import { Field, FormProblem } from "../parts/form.js";
import { families, fits } from "../parts/type_tree.js";
import { Signature, useSecrets } from "../parts/signature.js";
import { Failed, Loaded, Loading, NoneYet } from "../parts/states.js";
import { duration } from "../parts/time.js";
import { Tone } from "../parts/ring.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useEffect, useId, useRef, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";

const T = S.endpoints.testing;
const USUAL = "message.delivered";
const OPEN = new Set(["pending", "scheduled"]);
// A request takes at most 30 s, and may have to wait for its turn.
const WAIT_MS = 40000;
const LOOK_MS = [100, 150, 250, 400, 700];

const pause = (ms, signal) => new Promise((done, stop) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); stop(new DOMException("", "AbortError")); });
});

/** Wait until a delivery is over; returns its last attempt, or null when there was none in time. */
async function ended(delivery, signal) {
  const end = performance.now() + WAIT_MS;
  for (let n = 0; performance.now() < end; n += 1) {
    await pause(LOOK_MS[Math.min(n, LOOK_MS.length - 1)], signal);
    const told = await get(`/v1/deliveries/${delivery}`, {}, { signal });
    if (told.history.length && !OPEN.has(told.status)) return get(`/v1/attempts/${told.history.at(-1).id}`, {}, { signal });
  }
  return null;
}

/** Say what is wrong with a text that is to be a JSON object; null: nothing. */
export function wrongJson(text) {
  try {
    const read = JSON.parse(text);
    return read && typeof read === "object" && !Array.isArray(read) ? null : T.object;
  } catch (error) {
    return T.wrongJson(error.message);
  }
}

function Result({ attempt, delivery, secrets, onChanged }) {
  if (!attempt) {
    return html`<p>${T.late} <a class="link" href=${href(`/deliveries/${delivery}`)}>${T.whole}</a></p>`;
  }
  const taken = attempt.final === "delivered";
  const { request, response } = attempt;
  return html`<div class="stack" role="status">
    <p class="came"><${Tone} tone=${taken ? "good" : "bad"}><b>${attempt.status ?? attempt.error ?? T.noAnswerShort}</b></${Tone}>
      ${taken ? T.delivered(duration(attempt.ms)) : T.failed} <a class="link right" href=${href(`/attempts/${attempt.id}`)}>${T.whole}</a></p>
    <${Hint} attempt=${attempt} onChanged=${onChanged} />
    <${Facts} of=${[[T.decision, attempt.decision], [T.took, duration(attempt.ms)],
      [S.endpoints.signature.title, request && html`<${Signature} request=${request} secrets=${secrets} />`]]} />
    ${request && html`<details open><summary>${T.request} <code class="clip">${request.method} ${request.url}</code></summary>
      <${Headers} headers=${request.headers} /><${Body} body=${request.body} label=${T.request} /></details>`}
    ${response ? html`<details open><summary>${T.response} <code>${response.status}</code></summary>
      <${Headers} headers=${response.headers} /><${Body} body=${response.body} label=${T.response} truncated=${response.truncated} /></details>`
      : html`<p class="faint">${T.noAnswer}</p>`}
  </div>`;
}

function Choose({ types, patterns, value, onChange }) {
  const id = useId();
  const groups = families(types);
  const wanted = types.filter((one) => !one.archived && fits(patterns, one.name));
  const label = (one) => one.name;
  return html`<div class="field"><label for=${id}>${T.type}</label>
    <select id=${id} class="mono" value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${wanted.length > 0 && html`<optgroup label=${S.endpoints.filter.chosen}>${wanted.map((one) => html`<option key=${one.name} value=${one.name}>${label(one)}</option>`)}</optgroup>`}
      ${groups.map(([family, ones]) => {
        const others = ones.filter((one) => !wanted.includes(one));
        return others.length > 0 && html`<optgroup key=${family} label=${`${family}.*`}>${others.map((one) => html`<option key=${one.name} value=${one.name}>${label(one)}</option>`)}</optgroup>`;
      })}
    </select></div>`;
}

function useExample(type) {
  const loaded = useLoad((signal) => get(`/v1/event-types/${type}`, {}, { signal }), [type]);
  const shown = loaded.data?.name === type ? loaded.data.example?.data : undefined;
  return { loaded, text: loaded.data ? JSON.stringify(shown ?? {}, null, 2) : null };
}

function Form({ endpoint, types, onSent }) {
  const wanted = types.filter((one) => fits(endpoint.event_types, one.name)).map((one) => one.name);
  const type = where.value.query.event ?? (wanted.includes(USUAL) ? USUAL : wanted[0] ?? USUAL);
  const { loaded, text } = useExample(type);
  const [edited, setEdited] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const running = useRef(null);
  useEffect(() => setEdited(null), [type]);
  useEffect(() => () => running.current?.abort(), []);
  const shown = edited ?? text ?? "";
  const wrong = text === null ? null : wrongJson(shown);
  const send = async () => {
    running.current?.abort();
    const abort = new AbortController();
    running.current = abort;
    setBusy(true);
    setProblem(null);
    onSent({ waiting: true });
    try {
      const own = edited === null || edited === text ? {} : { data: JSON.parse(edited) };
      const sent = await post(`/v1/endpoints/${endpoint.id}/test`, { event_type: type, ...own }, { signal: abort.signal });
      onSent({ delivery: sent.delivery, attempt: await ended(sent.delivery, abort.signal) });
    } catch (failed) {
      if (failed.name === "AbortError") return;
      setProblem(failed);
      onSent(null);
    }
    setBusy(false);
  };
  return html`<div class="form">
    <${FormProblem} problem=${problem} />
    <${Choose} types=${types} patterns=${endpoint.event_types} value=${type} onChange=${(one) => setQuery({ event: one })} />
    ${loaded.problem ? html`<${Failed} problem=${loaded.problem} retry=${loaded.reload} />`
      : html`<${Field} label=${T.data} kind="area" mono=${true} rows=${18} spellcheck=${false} value=${shown} onInput=${setEdited} problem=${problem} pointer="/data" help=${T.dataHelp} />`}
    ${wrong && html`<p class="bad">${wrong}</p>`}
    <div class="actions"><button class="btn primary" disabled=${busy || !endpoint.enabled || text === null || Boolean(wrong)} onClick=${send}>${T.send}</button>
      ${edited !== null && edited !== text && html`<button class="btn" onClick=${() => setEdited(null)}>${T.again}</button>`}</div>
    <p class="faint">${endpoint.enabled ? T.once : T.disabled}</p>
  </div>`;
}

/** The form and its result, side by side; `onResult(attempt)` is told how it went, `onChanged` of a change that mends it. */
export function Trial({ endpoint, onResult, onChanged }) {
  const types = useLoad((signal) => get("/v1/event-types", {}, { signal }), []);
  const secrets = useSecrets(endpoint.id);
  const [sent, setSent] = useState(null);
  const took = (one) => {
    setSent(one);
    if (one?.attempt) onResult?.(one.attempt);
  };
  if (endpoint.kind === "listen") return html`<p>${T.listening}</p><${Command} text="ringback listen 3000" />`;
  return html`<div class="trial">
    ${may("endpoints:write") && html`<section class="card"><header><h2>${T.title}</h2></header><div class="body">
      <${Loaded} of=${types}>${({ data }) => html`<${Form} endpoint=${endpoint} types=${data} onSent=${took} />`}</${Loaded}></div></section>`}
    <section class="card result" aria-live="polite"><header><h2>${T.result}</h2></header><div class="body">
      ${!sent ? html`<${NoneYet} title=${T.none} text=${T.noneText} />`
        : sent.waiting ? html`<p class="faint">${T.sending}</p><${Loading} rows=${4} />`
          : html`<${Result} ...${sent} secrets=${secrets.data} onChanged=${onChanged} />`}</div></section>
  </div>`;
}
