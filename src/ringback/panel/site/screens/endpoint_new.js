/** Adding an endpoint: its URL, its events, a test, live. Where one is in this stands in the URL. */

import { Secret } from "../parts/copy.js";
import { callOf } from "../parts/endpoint.js";
import { Allow, Field, FormProblem } from "../parts/form.js";
import { renamed } from "../parts/names.js";
import { Loaded } from "../parts/states.js";
import { TypeTree } from "../parts/type_tree.js";
import { get, post } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, signal, useState } from "../shell/preact.js";
import { may, mode, setMode } from "../shell/session.js";
import { go, href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { Matches } from "./endpoint_filter.js";
import { Trial } from "./endpoint_test.js";

const T = S.endpoints.wizard;
const STEPS = ["url", "types", "test", "live"];
const USUAL = ["message.*"];
// What was made in this visit, with its secret: shown until the page is left, and never in a URL.
const made = signal(null);
const tested = signal(null);

const to = (changes) => setQuery(changes, { replace: false });

function Progress({ step }) {
  const at = STEPS.indexOf(step);
  return html`<ol class="steps" aria-label=${T.progress}>${STEPS.map((one, n) => html`<li key=${one} aria-current=${n === at ? "step" : undefined}
    class=${n < at ? "done" : ""}><b aria-hidden="true">${n < at ? "✓" : n + 1}</b> ${T.steps[one]}</li>`)}</ol>`;
}

function UrlStep({ query, problem, open }) {
  const [url, setUrl] = useState(query.url ?? "");
  const [name, setName] = useState(query.name ?? "");
  const [missing, setMissing] = useState(false);
  const next = (event) => {
    event.preventDefault();
    if (!url.trim()) setMissing(true);
    else to({ url: url.trim(), name: name.trim() || null, step: "types" });
  };
  const inspector = () => setUrl(`${location.origin}/inspect/${(name || "trial").toLowerCase().replace(/[^a-z0-9_-]+/g, "-").slice(0, 40)}`);
  const test = mode.value === "test";
  return html`<form class="form" onSubmit=${next}>
    <${FormProblem} problem=${problem} />
    <${Field} label=${T.url} kind="url" mono=${true} value=${url} onInput=${setUrl} placeholder="https://example.com/webhooks" help=${T.urlHelp[mode.value]} problem=${problem} pointer="/url" autofocus=${true} />
    ${url === query.url && html`<${Allow} problem=${problem} pointer="/url" label=${S.attempt.open} onAllow=${open} />`}
    ${missing && !url.trim() && html`<p class="bad" role="alert">${T.needUrl}</p>`}
    ${test && html`<p><button type="button" class="btn" onClick=${inspector}>${T.inspector}</button> <span class="faint">${T.inspectorHelp}</span></p>`}
    <${Field} label=${T.name} value=${name} onInput=${setName} help=${T.nameHelp} problem=${problem} pointer="/description" />
    <div class="actions"><button class="btn primary" type="submit">${T.next}</button></div></form>`;
}

function TypesStep({ query, problem, setProblem, opened }) {
  const types = useLoad((stop) => get("/v1/event-types", {}, { signal: stop }), []);
  const [busy, setBusy] = useState(false);
  const chosen = query.types === undefined ? USUAL : query.types.split(",").filter(Boolean);
  const create = async () => {
    setBusy(true);
    try {
      const endpoint = await post("/v1/endpoints", { url: query.url, event_types: chosen, description: query.name ?? "", ...(opened?.url === query.url ? opened.allow : {}) });
      renamed();
      made.value = endpoint;
      tested.value = null;
      setProblem(null);
      setQuery({ step: "test", id: endpoint.id });
    } catch (failed) {
      setProblem(failed);
      setBusy(false);
      if (failed.at?.("/url") || failed.at?.("/description")) to({ step: "url" });
    }
  };
  return html`<div class="form"><${FormProblem} problem=${problem} /><h2>${T.which}</h2>
    <${Loaded} of=${types}>${({ data }) => html`<${TypeTree} types=${data} chosen=${chosen} onChange=${(ones) => setQuery({ types: ones.join(",") || "," })} />`}</${Loaded}>
    <${Matches} patterns=${chosen} />
    <div class="actions"><button class="btn" onClick=${() => to({ step: "url" })}>${T.back}</button>
      <button class="btn primary" disabled=${busy || !chosen.length} onClick=${create}>${T.create}</button></div></div>`;
}

function TestStep({ endpoint }) {
  const secret = made.value?.id === endpoint.id ? made.value.secret : null;
  const arrived = tested.value === endpoint.id;
  const took = (attempt) => {
    if (attempt.final === "delivered") tested.value = endpoint.id;
  };
  return html`<div class="stack">
    ${secret && html`<section class="card secret-once"><header><h2>${T.secretTitle}</h2></header><div class="body"><p>${T.secretText}
      ${" "}<a class="link" href=${href(`/endpoints/${endpoint.id}`, { tab: "code" })}>${T.receiver}</a></p><${Secret} text=${secret} /></div></section>`}
    <h2>${T.testTitle}</h2>
    <${Trial} endpoint=${endpoint} onResult=${took} />
    <div class="actions"><button class=${`btn${arrived ? " primary" : ""}`} onClick=${() => to({ step: "live" })}>${arrived ? T.toLive : T.skip}</button></div></div>`;
}

function LiveStep({ endpoint }) {
  const again = () => {
    go("/endpoints/new", { url: endpoint.url.startsWith("https:") ? endpoint.url : "", name: endpoint.description, types: endpoint.event_types.join(",") });
    setMode("live");
  };
  return html`<section class="card"><div class="body form">
    <h2>${T.liveTitle}</h2><p>${T.liveText} ${tested.value === endpoint.id ? T.testedText : T.untestedText}</p>
    ${endpoint.mode === "test" && html`<p class="muted">${T.forLiveText}</p>`}
    <div class="actions"><a class="btn primary" href=${href(`/endpoints/${endpoint.id}`)}>${T.open}</a>
      ${endpoint.mode === "test" && html`<button class="btn" onClick=${again}>${T.forLive}</button>`}</div></div></section>`;
}

function Made({ id, step }) {
  const loaded = useLoad((stop) => get(`/v1/endpoints/${id}`, {}, { signal: stop }), [id]);
  return html`<${Loaded} of=${loaded}>${(endpoint) => html`<p class="lead">${callOf(endpoint)} · <code>${endpoint.url}</code></p>
    ${step === "live" ? html`<${LiveStep} endpoint=${endpoint} />` : html`<${TestStep} endpoint=${endpoint} />`}`}</${Loaded}>`;
}

/** The screen. */
export default function NewEndpoint() {
  const { query } = where.value;
  const [problem, setProblem] = useState(null);
  // What is opened for which URL stands in no link: only who sees the refusal opens it.
  const [opened, setOpened] = useState(null);
  const open = (allow) => {
    setOpened({ url: query.url, allow });
    setProblem(null);
    to({ step: "types" });
  };
  const wanted = STEPS.includes(query.step) ? query.step : "url";
  // Nobody is on a later step without what it stands on.
  const step = query.id ? (wanted === "live" ? "live" : "test") : wanted === "types" && query.url ? "types" : "url";
  if (!may("endpoints:write")) return html`<p>${S.frame.mayNot}</p>`;
  return html`<nav class="crumb"><a href=${href("/endpoints")}>${S.nav.endpoints}</a><span aria-hidden="true">›</span></nav>
    <div class="title"><h1>${T.title}</h1></div>
    <${Progress} step=${step} />
    ${query.id ? html`<${Made} id=${query.id} step=${step} />`
      : html`<section class="card narrow"><div class="body">${step === "url" ? html`<${UrlStep} query=${query} problem=${problem} open=${open} />`
        : html`<${TypesStep} query=${query} problem=${problem} setProblem=${setProblem} opened=${opened} />`}</div></section>`}`;
}
