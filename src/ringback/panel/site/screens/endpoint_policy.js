/** How an endpoint is delivered to: how long, how many, in which order, how often, and until when. */

import { Field, FormProblem } from "../parts/form.js";
import { read, Schedule, written } from "../parts/schedule.js";
import { html, useEffect, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.endpoints.policy;
const GIVE_UP = [400, 413, 422];
const lines = (text) => text.split(/[\s,]+/).filter(Boolean);

function start(of) {
  return {
    timeout: String(of.timeout_s), concurrency: String(of.concurrency), order: of.order, schedule: of.retry_schedule_s.map(written).join(", "),
    giveUp: of.give_up_on, networks: of.allowed_networks.join("\n"), hosts: of.allowed_hosts.join("\n"), ports: of.allowed_ports.join(", "), usual: false,
  };
}

/** Return what of a form differs from what is in force. */
function changes(form, of) {
  const was = start(of);
  const waits = read(form.schedule);
  const changed = {};
  if (form.timeout !== was.timeout) changed.timeout_s = Number(form.timeout);
  if (form.concurrency !== was.concurrency) changed.concurrency = Number(form.concurrency);
  if (form.order !== was.order) changed.order = form.order;
  if (form.usual) changed.retry_schedule_s = null;
  else if (JSON.stringify(waits) !== JSON.stringify(of.retry_schedule_s)) changed.retry_schedule_s = waits;
  if (form.giveUp.join() !== was.giveUp.join()) changed.give_up_on = form.giveUp;
  if (form.networks !== was.networks) changed.allowed_networks = lines(form.networks);
  if (form.hosts !== was.hosts) changed.allowed_hosts = lines(form.hosts);
  if (form.ports !== was.ports) changed.allowed_ports = lines(form.ports).map(Number);
  return changed;
}

// The API tells which wait or network is wrong; the form has one field for all of them.
function gathered(problem) {
  if (!problem?.errors) return problem;
  const at = (pointer) => problem.errors.find((one) => one.pointer === pointer || one.pointer?.startsWith(`${pointer}/`))?.detail;
  return { title: problem.title, detail: problem.detail, message: problem.message, errors: problem.errors, at };
}

/** The tab. */
export function Policy({ endpoint, change }) {
  const of = endpoint.delivery;
  const [form, setForm] = useState(() => start(of));
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const put = (name) => (value) => setForm({ ...form, [name]: value, ...(name === "schedule" ? { usual: false } : {}) });
  const waits = read(form.schedule);
  const wrong = typeof waits === "string" ? waits : null;
  const changed = changes(form, of);
  const any = Object.keys(changed).length > 0;
  const give = (status) => put("giveUp")(GIVE_UP.filter((one) => (one === status ? !form.giveUp.includes(one) : form.giveUp.includes(one))));
  const save = async () => {
    setBusy(true);
    setProblem(gathered(await change({ delivery: changed })));
    setBusy(false);
  };
  // What was saved is told by the API, such as the installation's schedule.
  useEffect(() => setForm(start(of)), [endpoint.updated_at]);
  const off = !may("endpoints:write");
  const field = (name, pointer, more = {}) => html`<${Field} label=${T[name]} value=${form[name]} onInput=${put(name)} problem=${problem} pointer=${`/delivery/${pointer}`} disabled=${off} ...${more} />`;
  return html`<div class="stack">
    <section class="card"><header><h2>${T.timeline}</h2></header><div class="body"><${Schedule} waits=${wrong ? of.retry_schedule_s : waits} /></div></section>
    <section class="card"><header><h2>${T.title}</h2></header>
      <div class="body form"><${FormProblem} problem=${problem} />
        <div class="grid-2">
          ${field("schedule", "retry_schedule_s", { kind: "area", mono: true, rows: 2, help: form.usual ? T.usualSet : wrong ?? T.scheduleHelp })}
          ${field("order", "order", { kind: "select", options: T.orders, help: T.orderHelp })}
          ${field("timeout", "timeout_s", { kind: "number", min: 1, max: 30, step: "any", help: T.timeoutHelp })}
          ${field("concurrency", "concurrency", { kind: "number", min: 1, max: 256, help: T.concurrencyHelp })}
          ${field("networks", "allowed_networks", { kind: "area", mono: true, rows: 2, help: T.networksHelp })}
          ${field("hosts", "allowed_hosts", { kind: "area", mono: true, rows: 2, help: T.hostsHelp })}
          ${field("ports", "allowed_ports", { mono: true, inputmode: "numeric", help: T.portsHelp })}
        </div>
        <fieldset class="checks" disabled=${off}><legend>${T.giveUp}</legend>
          ${GIVE_UP.map((one) => html`<label key=${one}><input type="checkbox" checked=${form.giveUp.includes(one)} onChange=${() => give(one)} /> <code>${one}</code></label>`)}
          <p class="faint">${T.giveUpHelp}</p></fieldset>
      </div>
      ${!off && html`<footer class="actions"><button class="btn primary" disabled=${!any || busy || Boolean(wrong)} onClick=${save}>${S.endpoints.save}</button>
        <button class="btn" onClick=${() => setForm({ ...form, usual: true })} disabled=${form.usual}>${T.usual}</button>
        ${any && html`<button class="btn" onClick=${() => { setForm(start(of)); setProblem(null); }}>${S.endpoints.filter.reset}</button>`}</footer>`}
    </section></div>`;
}
