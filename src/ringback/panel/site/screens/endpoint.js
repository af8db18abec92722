/** One endpoint: how it does, what it was sent, trying it out, and everything that can be set. */

import { Confirm } from "../parts/dialog.js";
import { hostOf, callOf, State, useFigures } from "../parts/endpoint.js";
import { Tabs } from "../parts/filters.js";
import { Menu } from "../parts/menu.js";
import { renamed } from "../parts/names.js";
import { Loaded } from "../parts/states.js";
import { duration } from "../parts/time.js";
import { get, patch, remove } from "../shell/api.js";
import { useKeys } from "../shell/keys.js";
import { useLoad } from "../shell/load.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { go, href, setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";
import { Codes } from "./endpoint_code.js";
import { Deliveries } from "./endpoint_deliveries.js";
import { Filter } from "./endpoint_filter.js";
import { Overview } from "./endpoint_overview.js";
import { Policy } from "./endpoint_policy.js";
import { Security } from "./endpoint_security.js";
import { Trial } from "./endpoint_test.js";

const T = S.endpoints;
const TABS = { "": Overview, deliveries: Deliveries, test: Trial, filter: Filter, security: Security, policy: Policy, code: Codes };
// What one that listens has none of: nothing is posted to it.
const POSTED = ["test", "policy", "code"];

const until = (at) => S.time.in(duration(Math.max(0, new Date(at) - Date.now())));

function Banner({ endpoint, change }) {
  if (!endpoint.enabled) {
    return html`<div class="banner warn"><p>${T.disabledFor(endpoint.disabled_for || T.stateHelp.disabled)}</p>
      ${may("endpoints:write") && html`<button class="btn" onClick=${() => change({ enabled: true }, T.wasEnabled)}>${T.enable}</button>`}</div>`;
  }
  if (!endpoint.expires_at) return null;
  const when = until(endpoint.expires_at);
  const listens = endpoint.kind === "listen";
  return html`<div class="banner"><p>${listens ? T.listenEnds(when) : T.expires(when)}</p>
    ${!listens && may("endpoints:write") && html`<button class="btn" onClick=${() => change({ description: endpoint.description }, T.kept)}>${T.keep}</button>`}</div>`;
}

function Actions({ endpoint, change }) {
  const [asking, setAsking] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!may("endpoints:write")) return null;
  const close = () => setAsking(null);
  const disable = async () => {
    setBusy(true);
    await change({ enabled: false }, T.wasDisabled);
    setBusy(false);
    close();
  };
  const erase = async () => {
    setBusy(true);
    try {
      await remove(`/v1/endpoints/${endpoint.id}`);
      renamed();
      say(T.wasDeleted);
      go("/endpoints", {}, { replace: true });
    } catch (problem) {
      sayProblem(problem);
      setBusy(false);
      close();
    }
  };
  const items = [
    endpoint.enabled ? [T.disable, () => setAsking("disable")] : [T.enable, () => change({ enabled: true }, T.wasEnabled)],
    [T.remove, () => setAsking("delete"), { danger: true }],
  ];
  return html`<span class="actions">
    ${endpoint.kind !== "listen" && html`<button class="btn primary" onClick=${() => setQuery({ tab: "test" }, { replace: false })}>${T.test}</button>`}
    <${Menu} label=${T.more} items=${items} />
    ${asking === "disable" && html`<${Confirm} title=${T.disableSure} text=${T.disableText} action=${T.disable} busy=${busy} onDo=${disable} onClose=${close} />`}
    ${asking === "delete" && html`<${Confirm} title=${T.deleteSure} text=${T.deleteText} action=${T.remove} busy=${busy} onDo=${erase} onClose=${close} />`}
  </span>`;
}

function Page({ endpoint, set, reload }) {
  const figures = useFigures("/v1/stats/endpoints");
  const change = async (body, said) => {
    try {
      set(await patch(`/v1/endpoints/${endpoint.id}`, body));
      renamed();
      say(said ?? T.saved);
      return null;
    } catch (problem) {
      sayProblem(problem);
      return problem;
    }
  };
  const posted = endpoint.kind !== "listen";
  const names = Object.keys(TABS).filter((one) => posted || !POSTED.includes(one));
  const tab = names.includes(where.value.query.tab) ? where.value.query.tab : "";
  const Tab = TABS[tab];
  useKeys(posted ? { t: [S.keys.test, () => setQuery({ tab: "test" }, { replace: false })] } : {});
  return html`<nav class="crumb"><a href=${href("/endpoints")}>${S.nav.endpoints}</a><span aria-hidden="true">›</span></nav>
    <div class="title"><h1>${callOf(endpoint)}</h1>
      <${State} endpoint=${endpoint} figures=${figures.get(endpoint.id)} />
      ${endpoint.url && html`<span class="faint mono clip">${hostOf(endpoint.url)}</span>`}
      <${Actions} endpoint=${endpoint} change=${change} /></div>
    <${Banner} endpoint=${endpoint} change=${change} />
    <${Tabs} label=${T.tabs.label} tabs=${names.map((one) => [one, T.tabs[one || "overview"]])} />
    <div role="tabpanel" aria-label=${T.tabs[tab || "overview"]}><${Tab} endpoint=${endpoint} change=${change} onChanged=${reload} /></div>`;
}

/** The screen. */
export default function Endpoint({ id }) {
  const loaded = useLoad((signal) => get(`/v1/endpoints/${id}`, {}, { signal }), [id]);
  return html`<${Loaded} of=${loaded} rows=${8}>${(endpoint) => html`<${Page} endpoint=${endpoint} set=${loaded.set} reload=${loaded.reload} />`}</${Loaded}>`;
}
