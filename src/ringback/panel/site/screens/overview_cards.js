/** The cards of the overview: what became of messages, what needs a person, connections, what is new. */

import { Status, Tone } from "../parts/ring.js";
import { Loading } from "../parts/states.js";
import { Ago, duration, hour, number, percent } from "../parts/time.js";
import { way } from "../parts/way.js";
import { rate, state } from "../shell/live.js";
import { html } from "../shell/preact.js";
import { S } from "../strings.js";

const T = S.overview;
const DAY_MS = 86400000;

function Bar({ to, label, n, of, colour, hatched }) {
  const width = of ? Math.max(n ? 0.4 : 0, (n / of) * 100) : 0;
  return html`<a class="fr" href=${to}><span>${label}</span>
    <span class="bg"><i class=${`b-${colour}${hatched ? " hatched" : ""}`} style=${{ width: `${width}%` }}></i></span>
    <span class="n num">${number(n)} <span class="faint">${of ? percent(n / of) : "–"}</span></span></a>`;
}

/** What became of the messages that were accepted in the span: each is in one of four ends, or waits. */
export function Became({ of, span }) {
  const { became } = of;
  const to = (status) => way("/messages", { direction: "outbound", since: span, status });
  const rows = [
    ["submitted", became.submitted, "sent", null], ["delivered", became.delivered, "delivered", "delivered,read"],
    ["read", became.read, "read", "read"],
    ...(became.replied === null ? [] : [["replied", became.replied, "accent", null]]),
    ["awaiting", became.awaiting, "waiting", "scheduled,queued,submitted,sent"],
    ["failed", became.failed_or_expired, "failed", "failed,expired,cancelled"],
    ["unconfirmed", became.unconfirmed, "unconfirmed", "unconfirmed"],
  ];
  return html`<section class="card became"><header><h2>${T.became}</h2><span class="faint">${T.acceptedIn(number(became.accepted))}</span></header>
    <div class="body funnel">${rows.map(([name, n, colour, status]) => html`<${Bar} key=${name} to=${to(status)} label=${T.ends[name]}
      n=${n} of=${became.accepted} colour=${colour} hatched=${name === "awaiting"} />`)}</div>
  </section>`;
}

const silence = (seconds) => duration(Math.round(seconds) * 1000);
const clock = (at) => (Date.now() - new Date(at) > DAY_MS ? new Date(at).toLocaleDateString() : hour(at));

/** Say what is wrong in a sentence, what it means below, and where it is mended. */
function told(need) {
  const place = need.endpoint ? way(`/endpoints/${need.endpoint}`) : way(`/connections/${need.connection}`);
  const since = need.since ? clock(need.since) : null;
  const wait = T.wait(need.count, since);
  switch (need.kind) {
    case "endpoint_failing":
      return { bad: true, place, title: need.answer ? T.answers(need.name, need.answer) : T.noAnswer(need.name, need.error), text: wait };
    case "endpoint_disabled":
      return { bad: true, place, title: T.disabled(need.name), text: [need.reason, wait].filter(Boolean).join(" · ") };
    case "deliveries_exhausted":
      return { place: way("/deliveries", { endpoint: need.endpoint, status: "exhausted" }), title: T.exhausted(need.count, need.name), text: T.exhaustedText(since) };
    case "connection_silent":
      return { bad: true, place, title: T.silentFor(need.name, silence(need.silent_s)), text: T.usualRate(perSecond(need.usual_per_s)) };
    case "connection_intake_paused":
      return { place, title: T.intakePaused(need.name), text: [need.reason, T.intakeText].filter(Boolean).join(" · ") };
    case "connection_processing_paused":
      return { place, title: T.processingPaused(need.name), text: [need.reason, T.heldText(need.count, since)].filter(Boolean).join(" · ") };
    default:
      return { place, title: T.rejecting(need.name), text: T.rejectingText(need.count) };
  }
}

/** Write a rate as somebody would say it. */
export function perSecond(rate_) {
  if (!rate_) return T.rate(0);
  if (rate_ >= 1) return T.rate(rate_ >= 10 ? Math.round(rate_) : rate_.toFixed(1));
  if (rate_ * 60 >= 1) return T.perMinute((rate_ * 60).toFixed(rate_ * 60 >= 10 ? 0 : 1));
  return T.perHour((rate_ * 3600).toFixed(0));
}

/** What needs a person, the gravest first. */
export function Needs({ of }) {
  const needs = of.needs_a_person;
  return html`<section class="card needs"><header><h2>${T.needs}</h2><span class="faint right num">${needs.length ? T.open(needs.length) : ""}</span></header>
    ${needs.length === 0 ? html`<p class="calm"><${Tone} tone="good">${T.calm}</${Tone}></p>`
      : html`<ul>${needs.map((need) => {
        const { bad, place, title, text } = told(need);
        return html`<li key=${`${need.kind} ${need.endpoint ?? need.connection}`}><a href=${place}>
          <i class=${bad ? "bad" : ""} aria-hidden="true"></i><span><strong>${title}</strong><span class="faint">${text}</span></span></a></li>`;
      })}</ul>`}
  </section>`;
}

const TONES = { receiving: "good", quiet: "idle", silent: "bad", rejecting: "warn", never: "idle" };

/** Connections: how much comes in, and whether that is usual. */
export function Connections({ of }) {
  const { connections } = of;
  return html`<section class="card"><header><h2>${T.connections}</h2></header>
    ${connections.length === 0 ? html`<p class="calm faint">${T.noConnections} <a class="link" href=${way("/connections")}>${T.connect}</a></p>`
      : html`<ul class="heard">${connections.map((one) => html`<li key=${one.id}><a href=${way(`/connections/${one.id}`)} class=${one.state === "silent" ? "hot" : ""}>
        <span class="clip">${one.name}</span><span class="n num faint">${perSecond(one.per_s)}</span>
        <${Tone} tone=${TONES[one.state]}>${["silent", "quiet"].includes(one.state) ? T.heardFor[one.state](silence(one.silent_s ?? 0)) : T.heard[one.state]}</${Tone}></a></li>`)}</ul>`}
  </section>`;
}

/** The newest messages, as they come. */
export function Latest({ rows }) {
  return html`<section class="card latest"><header><h2>${T.latest}</h2>
      <span class="right faint num">${state.value === "live" && rate.value > 0 ? T.events(rate.value) : ""}</span></header>
    ${rows === undefined ? html`<${Loading} rows=${6} />` : rows.length === 0 ? html`<p class="calm faint">${T.noMessages}</p>`
      : html`<ul>${rows.map((row) => html`<li key=${row.id}><a href=${way(`/messages/${row.id}`)}>
        <${Status} status=${row.status} times=${row.timestamps} />
        <span class="mono clip">${(row.direction === "inbound" ? row.from : row.to) ?? "–"}</span>
        <span class="n faint"><${Ago} at=${row.created_at} /></span></a></li>`)}</ul>`}
    <footer><a class="link" href=${way("/messages")}>${T.all}</a></footer>
  </section>`;
}
