/** Beside the timeline: what the message says, its facts, why it failed, and who knows of it. */

import { Facts, Json } from "../parts/code.js";
import { Id } from "../parts/copy.js";
import { complete } from "../parts/names.js";
import { Tone } from "../parts/ring.js";
import { Exact } from "../parts/time.js";
import { get } from "../shell/api.js";
import { say, sayProblem } from "../shell/notice.js";
import { html } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";
import { whoKnows } from "./message_story.js";

const T = S.message;
// More endpoints than these that it does not concern are folded away.
const UNTOLD_SHOWN = 3;

function Card({ title, note, children }) {
  return html`<section class="card"><header><h2>${title}</h2>${note && html`<span class="right faint">${note}</span>`}</header>
    <div class="body">${children}</div></section>`;
}

/** A file that came with it: its link is asked for when somebody wants to see it, and is good for a week. */
function Attached({ file }) {
  const name = file.filename ?? file.content_type ?? file.url ?? T.file;
  const open = async () => {
    try {
      const { link, state, error } = await get(`/v1/media/${file.file}`);
      if (state === "kept" && link) window.open(link, "_blank", "noopener");
      else say(state === "pending" ? T.filePending(error) : T.fileGone(error));
    } catch (problem) {
      sayProblem(problem);
    }
  };
  if (!file.file) return html`<span class="mono">${name}</span>`;
  return html`<button class="btn" onClick=${open}>${name}</button>${file.caption && html` <span class="muted">${file.caption}</span>`}`;
}

function Content({ message }) {
  const { content } = message;
  if (!content) return html`<${Card} title=${T.content}><p class="faint">${T.noContent}</p></${Card}>`;
  const { kind, text, media, ...more } = content;
  const rest = Object.keys(more).length > 0;
  const files = Array.isArray(media) ? media : [];
  return html`<${Card} title=${T.content} note=${kind && T.kind(kind)}>
    ${text !== undefined && text !== null && html`<div class=${`quote${message.direction === "inbound" ? " theirs" : ""}`}>${text}</div>`}
    ${files.length > 0 && html`<ul class="plain-list files">${files.map((one, n) => html`<li key=${n}><${Attached} file=${one} /></li>`)}</ul>`}
    ${rest && html`<${Json} data=${more} label=${T.content} />`}</${Card}>`;
}

function Why({ message }) {
  const { error } = message;
  if (!error) return null;
  const [means, advice] = T.classes[error.class] ?? T.classes.unknown;
  return html`<${Card} title=${T.why} note=${T.stages[error.stage ?? "undeliverable"]}>
    <${Facts} of=${[
      [T.said, html`${error.provider_code && html`<code>${error.provider_code}</code> `}${error.description ?? (error.provider_code ? "" : "–")}`],
      [T.means, html`<span class="bad">${error.class} · ${error.code.replaceAll("_", " ")}</span><br />${means}`],
      [T.advice, advice],
      [T.again, T.retryable[Boolean(error.retryable)]],
    ]} /></${Card}>`;
}

const pairs = (of) => of && Object.keys(of).length > 0 && Object.entries(of).map(([name, value]) => `${name}: ${value}`).join(", ");

function Known({ message }) {
  const cost = message.cost && (message.cost.amount ? `${message.cost.amount} ${message.cost.currency ?? ""}` : pairs(message.cost));
  return html`<${Card} title=${T.factsCard}><${Facts} of=${[
    [T.toLabel, message.to && html`<span class="mono">${message.to}</span>`],
    [T.fromLabel, message.from && html`<span class="mono">${message.from}</span>`],
    [T.channel, T.channels[message.channel] ?? message.channel],
    [T.provider, message.provider],
    [T.connection, message.connection && (may("connections:read")
      ? html`<a class="link" href=${href(`/connections/${message.connection}`)}>${message.connection.slice(0, 9)}…${message.connection.slice(-4)}</a>` : message.connection)],
    [T.providerId, message.provider_message_id && html`<${Id} id=${message.provider_message_id} />`],
    [T.origin, T.origins[message.origin] ?? message.origin],
    [T.campaign, message.campaign],
    [T.tags, message.tags?.length > 0 && message.tags.map((one) => html`<span key=${one} class="tag">${one}</span> `)],
    [T.metadata, pairs(message.metadata)],
    [T.carrier, pairs(message.carrier)],
    [T.segments, message.segments],
    [T.cost, cost],
    [T.known, html`<${Exact} at=${message.created_at} />`],
    [T.id, html`<${Id} id=${message.id} />`],
  ]} /></${Card}>`;
}

function Knowing({ rows }) {
  return rows.length > 0 && html`<dl class="facts">${rows.map((one, n) => html`<div key=${one.id ?? n}>
    <dt>${one.id ? html`<a href=${href(`/endpoints/${one.id}`)}>${one.name}</a>` : one.name}</dt>
    <dd>${one.tone === "idle" || one.tone === "plain" ? html`<span class="muted">${one.text}</span>` : html`<${Tone} tone=${one.tone}><span>${one.text}</span></${Tone}>`}</dd></div>`)}</dl>`;
}

function Who({ story, names }) {
  const rows = whoKnows(story, names);
  const told = rows.filter((one) => one.tone !== "idle");
  const rest = rows.filter((one) => one.tone === "idle");
  return html`<${Card} title=${T.who}>${rows.length
    ? html`<${Knowing} rows=${told} />${rest.length > UNTOLD_SHOWN
        ? html`<details><summary class="muted">${T.untold(rest.length)}</summary><${Knowing} rows=${rest} /></details>` : html`<${Knowing} rows=${rest} />`}`
    : complete(names) && html`<p class="faint">${T.noEndpoints} ${may("endpoints:write") && html`<a class="link" href=${href("/endpoints")}>${T.addEndpoint}</a>`}</p>`}</${Card}>`;
}

/** The cards at the right. */
export function Cards({ message, story, names }) {
  return html`<aside class="stack">
    <${Why} message=${message} /><${Content} message=${message} />
    ${may("endpoints:read") && html`<${Who} story=${story} names=${names} />`}<${Known} message=${message} />
  </aside>`;
}
