/** Filters of a list: each is a parameter of the URL, named as the API names it. */

import { html, useEffect, useRef, useState } from "../shell/preact.js";
import { setQuery, where } from "../shell/where.js";
import { S } from "../strings.js";

const TYPING_MS = 300;

/** Return the filters that are set, and how to take them all away. */
export function useFilters(names) {
  const { query } = where.value;
  const set = Object.fromEntries(names.filter((name) => query[name]).map((name) => [name, query[name]]));
  const clear = () => setQuery(Object.fromEntries(names.map((name) => [name, null])));
  return { set, any: Object.keys(set).length > 0, clear };
}

/** One of a few: `options` are [value, label]. */
export function Choice({ name, label, options }) {
  const value = where.value.query[name] ?? "";
  return html`<label class="filter"><span>${label}</span>
    <select value=${value} onChange=${(event) => setQuery({ [name]: event.target.value || null })}>
      <option value="">${S.filters.all}</option>
      ${value && !options.some(([key]) => key === value) && html`<option value=${value}>${value}</option>`}
      ${options.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}
    </select></label>`;
}

/** A text, taken over when somebody stops typing and it `fits`. `slash`: the key / goes here. */
export function Text({ name, label, placeholder, slash = false, fits = () => true }) {
  const value = where.value.query[name] ?? "";
  const [typed, setTyped] = useState(value);
  const timer = useRef(null);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (event) => {
    const text = event.target.value;
    setTyped(text);
    clearTimeout(timer.current);
    const wanted = text.trim();
    if (!wanted || fits(wanted)) timer.current = setTimeout(() => setQuery({ [name]: wanted || null }), TYPING_MS);
  };
  return html`<label class="filter"><span>${label}</span>
    <input type="search" value=${typed} placeholder=${placeholder} onInput=${change}
      data-slash=${slash ? "" : undefined} spellcheck=${false} autocomplete="off" /></label>`;
}

/** Tabs that are one parameter: `tabs` are [value, label, count]; "" is the first. */
export function Tabs({ name = "tab", tabs, label }) {
  const value = where.value.query[name] ?? "";
  const choose = (key) => setQuery({ [name]: key || null }, { replace: false });
  const keys = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = tabs.findIndex(([key]) => key === value);
    const next = (at + by + tabs.length) % tabs.length;
    choose(tabs[next][0]);
    event.currentTarget.children[next].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${keys}>
    ${tabs.map(([key, text, count]) => html`<button key=${key} role="tab" aria-selected=${key === value}
      tabindex=${key === value ? 0 : -1} onClick=${() => choose(key)}>${text}${count !== undefined && html`<span class="count">${count}</span>`}</button>`)}
  </div>`;
}
