/**
 * The one way to the API: the public one, by the cookie of the session. Answers are JSON; whatever
 * went wrong is a Problem, with what the API said about it.
 */

import { signal } from "./preact.js";

/** What is said of tenant, mode and session with every request; set by session.js. */
export const acting = signal({ tenant: null, mode: null, csrf: null });
/** Set when the API says that nobody is signed in any more. */
export const signedOut = signal(false);

/** An answer that is none: RFC 9457 problem+json, or no answer at all (status 0). */
export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || told.title);
    this.status = status;
    this.code = told.code || "";
    this.title = told.title || "";
    this.detail = told.detail || "";
    this.errors = told.errors || [];
    this.requestId = told.instance || null;
    this.told = told;
  }

  /** Return what is wrong with one field of a form, by its JSON pointer. */
  at(pointer) {
    return this.errors.find((each) => each.pointer === pointer || each.parameter === pointer)?.detail;
  }

  /** Return what to add to the body so that this field passes, where that is the sender's to decide. */
  allow(pointer) {
    return this.errors.find((each) => each.pointer === pointer)?.allow;
  }
}

/** Write the URL of an operation with its query; what is empty is left out. */
export function urlOf(path, query = {}) {
  const wanted = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  const text = new URLSearchParams(wanted).toString();
  return text ? `${path}?${text}` : path;
}

/** Return the headers that every request carries; `writes`: it is no GET. */
export function headersFor(writes) {
  const { tenant, mode, csrf } = acting.peek();
  const headers = {};
  if (tenant) headers["ringback-tenant"] = tenant;
  if (mode) headers["ringback-mode"] = mode;
  if (writes && csrf) headers["x-ringback-csrf"] = csrf;
  return headers;
}

/** Ask the API. Returns what it answered, or null where there is nothing. Throws Problem. */
export async function ask(method, path, { query, body, signal: stop, headers } = {}) {
  const sent = { ...headersFor(method !== "GET"), ...headers };
  if (body !== undefined) sent["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(urlOf(path, query), {
      method, headers: sent, signal: stop, credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "unreachable" });
  }
  return understood(answer);
}

/** Read an answer. Throws Problem. */
export async function understood(answer) {
  const text = await answer.text();
  let told = null;
  try {
    told = text ? JSON.parse(text) : null;
  } catch {
    told = { detail: text.slice(0, 200) };
  }
  if (answer.ok) return told;
  if (answer.status === 401 && told?.code === "unauthenticated") signedOut.value = true;
  throw new Problem(answer.status, told ?? {});
}

export const get = (path, query, more) => ask("GET", path, { query, ...more });
export const post = (path, body = {}, more) => ask("POST", path, { body, ...more });
export const patch = (path, body, more) => ask("PATCH", path, { body, ...more });
export const put = (path, body, more) => ask("PUT", path, { body, ...more });
export const remove = (path, more) => ask("DELETE", path, more);
