/** Team: who may sign in and in which role, oneself, one's sessions, and what each role may do. */

import { List } from "../parts/list.js";
import { Tone } from "../parts/ring.js";
import { NoneYet } from "../parts/states.js";
import { Ago } from "../parts/time.js";
import { html, useState } from "../shell/preact.js";
import { may, session } from "../shell/session.js";
import { S } from "../strings.js";
import { Invite, Manage } from "./team_person.js";
import { Roles } from "./team_roles.js";
import { Sessions, You } from "./team_you.js";

const T = S.team;
const LOOK_MS = 15000;

const columns = (manage) => [
  { key: "name", title: T.name, width: "minmax(130px, 1fr)", render: (row) => html`<strong>${row.name}</strong>${row.id === session.value.person?.id && html` <span class="tag">${T.youTag}</span>`}` },
  { key: "email", title: T.email, width: "minmax(150px, 1.4fr)", class: "wide-only", render: (row) => row.email ?? html`<span class="faint">${T.noEmail}</span>` },
  { key: "role", title: T.role, width: "110px", render: (row) => S.roles[row.role] },
  { key: "state", title: T.state, width: "170px", render: (row) => row.password_set || row.last_seen_at
    ? html`<${Tone} tone=${row.last_seen_at ? "good" : "idle"}>${row.last_seen_at ? html`${T.seen} <${Ago} at=${row.last_seen_at} />` : T.away}</${Tone}>`
    : html`<${Tone} tone="warn">${T.invited}</${Tone}>` },
  { key: "since", title: T.since, width: "96px", class: "wide-only faint", render: (row) => html`<${Ago} at=${row.created_at} />` },
  ...(manage ? [{ key: "manage", title: "", name: T.manage, width: "76px", class: "n", render: (row) => html`<button class="plain link"
    aria-label=${T.manageOf(row.name)} onClick=${() => manage(row)}>${T.manage}</button>` }] : []),
];

function People() {
  const [inviting, setInviting] = useState(false);
  const [managing, setManaging] = useState(null);
  const [round, setRound] = useState(0);
  const again = () => { setManaging(null); setInviting(false); setRound(round + 1); };
  const writes = may("people:write");
  return html`<div class="keys">
    <${List} key=${round} name="people" path="/v1/people" query=${{}} columns=${columns(writes && setManaging)} cli="people list" every=${LOOK_MS}
      tools=${html`<h2>${T.people}</h2>${writes && html`<button class="btn primary" onClick=${() => setInviting(true)}>${T.invite}</button>`}`}
      empty=${html`<${NoneYet} title=${T.none} text=${T.noneText}>
        ${writes && html`<button class="btn primary" onClick=${() => setInviting(true)}>${T.invite}</button>`}</${NoneYet}>`} />
    ${inviting && html`<${Invite} onClose=${() => setInviting(false)} onDone=${again} />`}
    ${managing && html`<${Manage} person=${managing} onClose=${() => setManaging(null)} onDone=${again} />`}
  </div>`;
}

/** The screen. */
export default function Team() {
  const [round, setRound] = useState(0);
  return html`<div class="title"><h1>${S.nav.team}</h1></div>
    <div class="stack">
      ${may("people:read") && html`<${People} />`}
      ${session.value.person && html`<div class="halves"><${You} onChanged=${() => setRound(round + 1)} /><${Sessions} key=${round} /></div>`}
      <${Roles} />
    </div>`;
}
