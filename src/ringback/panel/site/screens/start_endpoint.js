/** An endpoint: added in test mode, tested before one's eyes, and then made live. */

import { Body, Headers } from "../parts/code.js";
import { Allow, Field, FormProblem } from "../parts/form.js";
import { Tone } from "../parts/ring.js";
import { Loaded } from "../parts/states.js";
import { Ago, duration } from "../parts/time.js";
import { get, post } from "../shell/api.js";
import { useEvery, useLoad } from "../shell/load.js";
import { html, useEffect, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { checked, Signature } from "./attempt_signature.js";
import { nameOf } from "./message_story.js";

const T = S.start.endpoint;
const LOOK_MS = 400;
const INSPECTED = "/inspect/start";
const as = (mode) => ({ headers: { "ringback-mode": mode } });
const split = (text) => text.split(/[\s,]+/).filter(Boolean);
const chosen = (endpoint, mode) => setQuery({ step: "endpoint", endpoint, mode, delivery: null });
const ended = (delivery) => delivery.status !== "pending" && delivery.last_attempt;

function Add({ state, reload }) {
  const [url, setUrl] = useState("");
  const [types, setTypes] = useState("message.*");
  const [problem, setProblem] = useState(null);
  const add = async (fields) => {
    setProblem(null);
    try {
      const made = await post("/v1/endpoints", fields, as("test"));
      chosen(made.id, "test");
      reload();
    } catch (failure) {
      setProblem(failure);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    add({ url: url.trim(), event_types: split(types) });
  };
  const there = state ? [...state.test.endpoints, ...state.live.endpoints].filter((one) => one.url) : [];
  const inspect = () => {
    const found = state?.test.endpoints.find((one) => one.url?.endsWith(INSPECTED));
    if (found) chosen(found.id, "test");
    else add({ url: location.origin + INSPECTED, event_types: ["*"], description: T.inspectorName });
  };
  return html`<form class="form" onSubmit=${submit}>
    <${Field} label=${T.url} help=${T.urlHelp} kind="url" value=${url} onInput=${setUrl} pointer="/url" problem=${problem}
      placeholder="https://example.com/webhooks" required mono />
    <${Field} label=${T.types} help=${T.typesHelp} value=${types} onInput=${setTypes} pointer="/event_types" problem=${problem} mono />
    <${FormProblem} problem=${problem} />
    <div class="actions"><button class="btn primary">${T.add}</button><button type="button" class="btn" onClick=${inspect}>${T.inspector}</button>
      <span class="faint">${T.inspectorHelp}</span></div></form>
    ${there.length > 0 && html`<p class="muted">${T.existing}</p><ul class="there">${there.slice(0, 6).map((one) => html`<li key=${one.id}>
      <button class="plain link" onClick=${() => chosen(one.id, one.mode)}>${nameOf(one)}</button>
      <span class="tag">${one.mode === "live" ? T.live : T.testMode}</span>
      <${Badge} tested=${state[one.mode].tested.get(one.id)} /></li>`)}</ul>`}`;
}

/** Nothing is said of what was not found out. */
function Badge({ tested }) {
  if (tested === undefined) return null;
  return tested ? html`<${Tone} tone="good">${T.tested}</${Tone}>` : html`<span class="tag warn" title=${T.untestedHint}>${T.untested}</span>`;
}

/** What came of a test event: the request, the answer, and the check of the signature. */
function Result({ id, mode, onEnd }) {
  const of = useLoad((signal) => get(`/v1/deliveries/${id}`, {}, { signal, ...as(mode) }), [id]);
  const over = of.data && ended(of.data);
  useEvery(LOOK_MS, () => { if (!over) of.reload(); }, [over, of.reload]);
  useEffect(() => { if (over) onEnd(); }, [over]);
  return html`<${Loaded} of=${of} rows=${3}>${(delivery) => (ended(delivery)
    ? html`<${Seen} key=${delivery.last_attempt.id} id=${delivery.last_attempt.id} mode=${mode} />`
    : html`<p class="waiting" role="status"><i aria-hidden="true"></i>${T.sending}</p>`)}</${Loaded}>`;
}

/** By which of the endpoint's secrets the request is signed. */
function Checked({ attempt }) {
  const found = checked(attempt);
  return found && html`<${Tone} tone=${found[0] ? "good" : "bad"}>${found[1]}</${Tone}>`;
}

function Seen({ id, mode }) {
  const of = useLoad((signal) => get(`/v1/attempts/${id}`, {}, { signal, ...as(mode) }), [id]);
  return html`<${Loaded} of=${of} rows=${5}>${(attempt) => {
    const good = attempt.final === "delivered";
    return html`<div class=${`came ${good ? "good" : "bad"}`} role="status"><b>${good ? T.ok(attempt.status) : T.failed}</b>
        <span>${good ? T.took(duration(attempt.ms)) : attempt.explanation ?? attempt.decision}</span>
        <a class="link right" href=${href(`/attempts/${id}`)}>${T.details}</a></div>
      <div class="sides">
        <section class="card"><header><h3>${T.request}</h3></header><div class="body">${attempt.request && html`
          <p class="mono">${attempt.request.method} ${attempt.request.url}</p>
          <${Headers} headers=${attempt.request.headers} /><${Body} body=${attempt.request.body} label=${T.request} />`}</div></section>
        <section class="card"><header><h3>${T.response}</h3></header><div class="body">${attempt.response
          ? html`<p class="mono">${attempt.response.status}</p><${Headers} headers=${attempt.response.headers} /><${Body} body=${attempt.response.body} label=${T.response} />`
          : html`<p class="faint">${T.noResponse} ${attempt.error ?? ""}</p>`}</div></section></div>
      ${attempt.request && html`<details class="check"><summary>${T.verify} <${Checked} attempt=${attempt} /></summary><${Signature} attempt=${attempt} /></details>`}`;
  }}</${Loaded}>`;
}

function GoLive({ endpoint, tested, reload }) {
  const usable = /^https:/.test(endpoint.url ?? "") ? endpoint.url : "";
  const [url, setUrl] = useState(usable);
  const [problem, setProblem] = useState(null);
  const add = async (allow = {}) => {
    setProblem(null);
    try {
      const made = await post("/v1/endpoints", {
        url: url.trim(), event_types: endpoint.event_types, description: endpoint.description, ...allow,
      }, as("live"));
      reload();
      chosen(made.id, "live");
    } catch (failure) {
      setProblem(failure);
    }
  };
  return html`<section class="card"><header><h3>${T.liveTitle}</h3></header><form class="body form" onSubmit=${(event) => { event.preventDefault(); add(); }}>
    <p class="muted">${T.liveText}</p>
    <${Field} label=${T.liveUrl} help=${T.liveUrlHelp} kind="url" value=${url} onInput=${setUrl} pointer="/url" problem=${problem} required mono />
    <${Allow} problem=${problem} pointer="/url" label=${S.attempt.open} onAllow=${add} />
    <${FormProblem} problem=${problem} />
    <div class="actions"><button class=${`btn${tested ? " primary" : ""}`}>${tested === false ? T.goUntested : T.goLive}</button>
      ${tested === false && html`<${Badge} tested=${false} />`}</div></form></section>`;
}

function Chosen({ id, state, reload }) {
  const { mode, delivery } = where.value.query;
  const of = useLoad((signal) => get(`/v1/endpoints/${id}`, {}, { signal }), [id]);
  const [problem, setProblem] = useState(null);
  const test = async () => {
    setProblem(null);
    try {
      const sent = await post(`/v1/endpoints/${id}/test`, {}, as(mode));
      setQuery({ step: "endpoint", delivery: sent.delivery });
    } catch (failure) {
      setProblem(failure);
    }
  };
  const another = html`<button class="plain link" onClick=${() => chosen(null, mode)}>${T.another}</button>`;
  return html`<${Loaded} of=${of} rows=${3}>${(endpoint) => {
    const tested = state?.[endpoint.mode]?.tested.get(id);
    return html`<div class="chosen"><b>${nameOf(endpoint)}</b> <code class="url">${endpoint.url}</code>
        <span class="tag">${endpoint.mode === "live" ? T.live : T.testMode}</span><${Badge} tested=${tested} />
        ${endpoint.expires_at && html`<span class="faint">${T.expires} <${Ago} at=${endpoint.expires_at} /></span>`}<span class="right">${another}</span></div>
      ${endpoint.mode === "live" && html`<p class="good">${T.isLive} <span class="muted">${T.liveTest}</span></p>`}
      <div class="actions"><button class=${`btn${tested ? "" : " primary"}`} onClick=${test}>${delivery ? T.testAgain : T.test}</button>
        <a class="link" href=${href(`/endpoints/${id}`)}>${T.open}</a></div>
      <${FormProblem} problem=${problem} />
      ${delivery && html`<${Result} key=${delivery} id=${delivery} mode=${endpoint.mode} onEnd=${reload} />`}
      ${endpoint.mode === "test" && html`<${GoLive} endpoint=${endpoint} tested=${tested} reload=${reload} />`}`;
  }}</${Loaded}>${of.problem && another}`;
}

/** The step. */
export function EndpointStep({ state, reload }) {
  const { endpoint } = where.value.query;
  if (!may("endpoints:write")) return html`<p class="faint">${T.cannot}</p>`;
  return endpoint ? html`<${Chosen} key=${endpoint} id=${endpoint} state=${state} reload=${reload} />` : html`<${Add} state=${state} reload=${reload} />`;
}
