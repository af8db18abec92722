/** Checking a signature in the browser: Standard Webhooks, HMAC-SHA256 over `id.timestamp.body`. */

import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html, useEffect, useState } from "../shell/preact.js";
import { may } from "../shell/session.js";
import { S } from "../strings.js";
import { Tone } from "./ring.js";

const T = S.endpoints.signature;
const bytes = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));

const field = (headers, name) => headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? null;
const bodyBytes = (body) => (body.text !== null ? new TextEncoder().encode(body.text) : bytes(body.base64));

async function signatureOf(secret, text) {
  const key = await crypto.subtle.importKey(
    "raw", bytes(secret.replace(/^whsec_/, "")), { name: "HMAC", hash: "SHA-256" }, false, ["sign"],
  );
  const signed = new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
  return `v1,${btoa(String.fromCharCode(...signed))}`;
}

/**
 * Check a request, {headers, body}, against secrets, newest first.
 * Returns {is: "ok"|"bad"|"unknown", why, end, old}: the last characters of the secret that fits.
 */
export async function verdict(request, secrets) {
  const id = field(request.headers, "webhook-id");
  const at = field(request.headers, "webhook-timestamp");
  const given = (field(request.headers, "webhook-signature") ?? "").split(" ").filter(Boolean);
  if (!id || !at || !given.length) return { is: "unknown", why: T.none };
  if (!secrets?.length) return { is: "unknown", why: T.may };
  if (!request.body) return { is: "unknown", why: T.noBody };
  if (request.body.masked) return { is: "unknown", why: T.masked };
  if (!globalThis.crypto?.subtle) return { is: "unknown", why: T.insecure };
  const head = new TextEncoder().encode(`${id}.${at}.`);
  const body = bodyBytes(request.body);
  const text = new Uint8Array(head.length + body.length);
  text.set(head);
  text.set(body, head.length);
  for (const [n, secret] of secrets.entries()) {
    if (given.includes(await signatureOf(secret, text))) return { is: "ok", why: T.okText, end: secret.slice(-4), old: n > 0 };
  }
  return { is: "bad", why: T.badText };
}

/** Load an endpoint's secrets, newest first; none where the role may not read them. */
export function useSecrets(endpoint) {
  return useLoad(async (signal) => {
    if (!endpoint || !may("endpoints:secrets")) return [];
    const told = await get(`/v1/endpoints/${endpoint}/secret`, {}, { signal });
    return [told.secret, ...told.retiring.map((one) => one.secret)];
  }, [endpoint]);
}

const TONES = { ok: "good", bad: "bad", unknown: "idle" };

/** Whether a request's signature fits, and by which secret. */
export function Signature({ request, secrets, brief = false }) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    let on = true;
    setFound(null);
    if (secrets !== undefined) {
      verdict(request, secrets).then((one) => on && setFound(one), (error) => on && setFound({ is: "unknown", why: error.message }));
    }
    return () => { on = false; };
  }, [request, secrets]);
  if (!found) return html`<span class="faint">${T.checking}</span>`;
  const by = found.end && html` <span class="faint">${found.old ? T.old(found.end) : T.by(found.end)}</span>`;
  return html`<span title=${brief ? found.why : undefined}><${Tone} tone=${TONES[found.is]}>${T[found.is]}</${Tone}>${by}</span>
    ${!brief && html`<p class="faint">${found.why}</p>`}`;
}
