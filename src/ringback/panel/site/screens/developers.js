/** Developers: API keys, and where programs begin: commands for this installation, schemas, documents. */

import { Command, Id } from "../parts/copy.js";
import { Confirm } from "../parts/dialog.js";
import { List } from "../parts/list.js";
import { NoneYet, Failed } from "../parts/states.js";
import { Ago, Exact } from "../parts/time.js";
import { Tone } from "../parts/ring.js";
import { remove } from "../shell/api.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";
import { S } from "../strings.js";
import { NewKey } from "./new_key.js";

const T = S.developers;

/** What a key is now: in force, expired or revoked. */
function standing(row) {
  if (row.revoked_at) return ["bad", T.revoked];
  if (row.expires_at && new Date(row.expires_at) < new Date()) return ["idle", T.expired];
  return ["good", T.active];
}

function Scopes({ scopes }) {
  if (scopes === null) return html`<span>${T.everything}</span>`;
  return html`<span title=${scopes.join("\n")}><span class="faint">${scopes.length}</span> ${" "}<span class="mono">${scopes.join(", ")}</span></span>`;
}

const columns = (revoke) => [
  { key: "name", title: T.name, width: "minmax(120px, 1.2fr)", render: (row) => html`<strong>${row.name}</strong>${row.masked && html` <span class="tag">${T.masked}</span>`}` },
  { key: "kind", title: T.kind, width: "78px", render: (row) => html`<span class="tag">${T.kinds[row.kind]}</span>` },
  { key: "hint", title: T.hint, width: "76px", class: "mono faint wide-only", render: (row) => `…${row.hint}` },
  { key: "scopes", title: T.scopes, width: "minmax(130px, 1.4fr)", class: "wide-only", render: (row) => html`<${Scopes} scopes=${row.scopes} />` },
  { key: "used", title: T.used, width: "112px", class: "wide-only", render: (row) => row.last_used_at ? html`<${Ago} at=${row.last_used_at} />` : html`<span class="faint">${T.never}</span>` },
  { key: "expires", title: T.expires, width: "112px", class: "wide-only", render: (row) => row.expires_at ? html`<${Ago} at=${row.expires_at} />` : html`<span class="faint">${T.never}</span>` },
  { key: "made", title: T.made, width: "130px", off: true, render: (row) => html`<${Exact} at=${row.created_at} />` },
  { key: "id", title: T.id, width: "150px", off: true, render: (row) => html`<${Id} id=${row.id} />` },
  { key: "state", title: T.state, width: "92px", render: (row) => {
    const [tone, word] = standing(row);
    return html`<${Tone} tone=${tone}>${word}</${Tone}>`;
  } },
  ...(revoke ? [{ key: "revoke", title: "", name: T.revoke, width: "76px", class: "n", render: (row) => standing(row)[0] === "good"
    && html`<button class="plain link" aria-label=${T.revokeOf(row.name)} onClick=${() => revoke(row)}>${T.revoke}</button>` }] : []),
];

/** Revoke, after asking: what uses the key stops at once. */
function Revoke({ row, onClose, onDone }) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await remove(`/v1/api-keys/${row.id}`);
      say(T.revokedNow(row.name));
      onDone();
    } catch (problem) {
      sayProblem(problem);
      onClose();
    }
  };
  return html`<${Confirm} title=${T.revokeTitle(row.name)} action=${T.revoke} busy=${busy} onDo=${run} onClose=${onClose}
    text=${row.last_used_at ? html`${T.revokeText} ${T.usedLast} <${Ago} at=${row.last_used_at} />.` : `${T.revokeText} ${T.usedNever}`} />`;
}

function Link({ to, outside, title, text }) {
  return html`<a class="doc" href=${to} target=${outside ? "_blank" : undefined} rel=${outside ? "noopener" : undefined}>
    <strong>${title}</strong><span class="faint">${text}</span></a>`;
}

function Beside() {
  const at = location.origin;
  return html`<div class="halves">
    <section class="card"><header><h2>${T.start}</h2></header><div class="body stack tight">
      ${T.steps(at).map(([what, command]) => html`<div key=${command}><p class="muted">${what}</p><${Command} text=${command} /></div>`)}
    </div></section>
    <section class="card"><header><h2>${T.read}</h2></header><nav class="docs" aria-label=${T.read}>
      ${may("events:read") && html`<${Link} to=${href("/developers/catalogue")} title=${S.nav.catalogue} text=${T.docs.catalogueText} />`}
      <${Link} to="/docs" outside=${true} title=${T.docs.api} text=${T.docs.apiText} />
      <${Link} to="/openapi.json" outside=${true} title=${T.docs.document} text=${T.docs.documentText} />
      <${Link} to="/schemas/message.delivered" outside=${true} title=${T.docs.schema} text=${T.docs.schemaText} />
    </nav></section>
  </div>`;
}

function Keys() {
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState(null);
  const [round, setRound] = useState(0);
  const again = () => { setRevoking(null); setMaking(false); setRound(round + 1); };
  const writes = may("keys:write");
  return html`<div class="keys">
    <${List} key=${round} name="keys" path="/v1/api-keys" query=${{}} columns=${columns(writes && setRevoking)} cli="keys list"
      tools=${html`<h2>${T.keys}</h2>${writes && html`<button class="btn primary" onClick=${() => setMaking(true)}>${T.make}</button>`}`}
      empty=${html`<${NoneYet} title=${T.none} text=${T.noneText} command=${T.noneCommand}>
        ${writes && html`<button class="btn primary" onClick=${() => setMaking(true)}>${T.make}</button>`}</${NoneYet}>`} />
    ${making && html`<${NewKey} onClose=${() => setMaking(false)} onDone=${again} />`}
    ${revoking && html`<${Revoke} row=${revoking} onClose=${() => setRevoking(null)} onDone=${again} />`}
  </div>`;
}

/** The screen. */
export default function Developers() {
  return html`<div class="title"><h1>${S.nav.developers}</h1></div>
    <p class="lead">${T.lead}</p>
    <div class="stack">
      ${may("keys:read") ? html`<${Keys} />` : html`<section class="card"><${Failed} problem=${{ title: S.frame.mayNot, detail: T.mayNot }} /></section>`}
      <${Beside} />
    </div>`;
}
