/** An endpoint at a glance. */

import { Facts } from "../parts/code.js";
import { Id } from "../parts/copy.js";
import { Ago } from "../parts/time.js";
import { html } from "../shell/preact.js";
import { S } from "../strings.js";

const T = S.endpoints;

function Details({ endpoint }) {
  const metadata = Object.entries(endpoint.metadata).map(([name, value]) => `${name}: ${value}`).join(", ");
  return html`<section class="card"><header><h2>${T.facts.title}</h2></header><div class="body"><${Facts} of=${[
    [T.facts.url, endpoint.url && html`<code>${endpoint.url}</code>`],
    [T.facts.types, html`<span class="mono">${endpoint.event_types.join(", ")}</span>`],
    [T.facts.order, T.orders[endpoint.delivery.order]],
    [T.id, html`<${Id} id=${endpoint.id} whole=${true} />`],
    [T.uid, endpoint.uid && html`<code>${endpoint.uid}</code>`],
    [T.facts.metadata, metadata || null],
    [T.facts.created, html`<${Ago} at=${endpoint.created_at} />`],
    [T.facts.changed, html`<${Ago} at=${endpoint.updated_at} />`],
  ]} /></div></section>`;
}

/** The tab. */
export function Overview({ endpoint }) {
  return html`<${Details} endpoint=${endpoint} />`;
}
