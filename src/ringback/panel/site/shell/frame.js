/** The frame around every screen: side bar, search, live, mode; and the screen in the middle. */

import { GO, match, NAV, PHONE, ROUTES } from "../routes.js";
import { Loading, Failed } from "../parts/states.js";
import { Menu } from "../parts/menu.js";
import { S } from "../strings.js";
import { acting } from "./api.js";
import { counts } from "./counts.js";
import { useKeys } from "./keys.js";
import { paused, rate, state } from "./live.js";
import { Notices } from "./notice.js";
import { Palette, openPalette } from "./palette.js";
import { Component, html, useEffect, useState } from "./preact.js";
import { may, mode, session, setMode, setTenant, signOut } from "./session.js";
import { Sheet, openSheet } from "./sheet.js";
import { setTheme, theme } from "./theme.js";
import { go, href, where } from "./where.js";

const titleOf = (path) => ROUTES.find((one) => one.pattern === path).title;
const seen = (path) => {
  const { scope } = ROUTES.find((one) => one.pattern === path);
  return !scope || may(scope);
};

function Mark() {
  return html`<svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true" class="mark">
    <circle cx="12" cy="12" r="3" /><path d="M12 5a7 7 0 0 1 7 7M12 1.6A10.4 10.4 0 0 1 22.4 12" />
    <path class="far" d="M12 19a7 7 0 0 1-7-7M12 22.4A10.4 10.4 0 0 1 1.6 12" /></svg>`;
}

function Place({ path, here }) {
  const count = counts.value[path];
  return html`<a href=${href(path)} aria-current=${here === path ? "page" : undefined}>${titleOf(path)}
    ${count && html`<span class=${`count${count.bad ? " bad" : ""}`}>${count.text}</span>`}</a>`;
}

function Modes() {
  return html`<div class="mode" role="group" aria-label=${S.frame.mode}>
    ${["live", "test"].map((one) => html`<button key=${one} aria-pressed=${mode.value === one} onClick=${() => setMode(one)}>${S.frame.modes[one]}</button>`)}
  </div>`;
}

function Tenants() {
  const { tenants = [] } = session.value;
  if (tenants.length < 2) return null;
  return html`<label class="tenant"><span class="unseen">${S.frame.tenant}</span>
    <select value=${acting.value.tenant} onChange=${(event) => setTenant(event.target.value)}>
      ${tenants.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}
    </select></label>`;
}

function Side({ here }) {
  return html`<nav class="side" aria-label=${S.frame.nav}>
    <a class="brand" href=${href("/")}><${Mark} />Ringback</a>
    ${NAV.map(([heading, paths]) => {
      const there = paths.filter(seen);
      return there.length > 0 && html`<div key=${heading ?? ""} class="places">
        ${heading && html`<div class="group">${heading}</div>`}
        ${there.map((path) => html`<${Place} key=${path} path=${path} here=${here} />`)}</div>`;
    })}
    <div class="foot"><${Tenants} /><${Modes} /></div>
  </nav>`;
}

function Live() {
  const name = paused.value ? "paused" : state.value;
  const toggle = () => { paused.value = !paused.value; };
  return html`<button class=${`live s-${name}`} onClick=${toggle} aria-pressed=${paused.value} title=${S.live.hint[name]}>
    <i aria-hidden="true"></i>${S.live[name]}${name === "live" && rate.value > 0 && html` <span class="num faint">${rate.value}/s</span>`}</button>`;
}

function Me() {
  const { person, role } = session.value;
  const themes = ["auto", "light", "dark"].map((one) => [
    `${theme.value === one ? "✓ " : ""}${S.theme[one]}`, () => setTheme(one),
  ]);
  return html`<${Menu} plain label=${person?.name || person?.email || S.roles[role]}
    items=${[...themes, [S.frame.sheet, openSheet], [S.frame.team, () => go("/team")], [S.frame.signOut, signOut]]} />`;
}

function Top() {
  return html`<div class="top">
    <button class="search" onClick=${openPalette}>
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true"><circle cx="6" cy="6" r="4.4" /><path d="M9.4 9.4 13 13" /></svg>
      <span>${S.frame.search}</span><span class="kbd">Ctrl K</span></button>
    <span class="right"></span><${Live} /><${Me} />
  </div>`;
}

/** Whatever goes wrong while a screen is drawn is told in its place. */
class Guard extends Component {
  componentDidCatch(error) {
    this.setState({ error });
  }

  render({ children }, { error }) {
    return error ? html`<${Failed} problem=${{ title: S.states.broken, detail: String(error.message ?? error) }}
      retry=${() => location.reload()} />` : children;
  }
}

function Screen({ found }) {
  const [module, setModule] = useState(null);
  const [problem, setProblem] = useState(null);
  const { route } = found;
  useEffect(() => {
    let on = true;
    setProblem(null);
    document.title = `${route.title} · Ringback`;
    route.load().then((loaded) => on && setModule({ route, draw: loaded.default }), (error) => on && setProblem(error));
    return () => { on = false; };
  }, [route]);
  if (problem) return html`<${Failed} problem=${{ title: S.states.broken, detail: problem.message }} retry=${() => location.reload()} />`;
  if (!module || module.route !== route) return html`<${Loading} rows=${8} />`;
  const key = `${route.pattern} ${JSON.stringify(found.params)} ${acting.value.tenant} ${acting.value.mode}`;
  return html`<${Guard} key=${key}><${module.draw} ...${found.params} /></${Guard}>`;
}

/** Take the reader back to the top of the screen's text when the screen changes. */
function useArrival(path) {
  useEffect(() => {
    document.querySelector("main")?.focus({ preventScroll: true });
  }, [path]);
}

/** The whole panel for somebody who is signed in. */
export function Frame() {
  const { path } = where.value;
  const found = match(path);
  const here = found ? (found.route.section ?? found.route.pattern) : null;
  useArrival(path);
  useKeys({
    "Ctrl k": [S.keys.palette, openPalette],
    "?": [S.keys.sheet, openSheet],
    "/": [S.keys.search, () => (document.querySelector("[data-slash]") ?? { focus: openPalette }).focus()],
    l: [S.keys.live, () => { paused.value = !paused.value; }],
    ...Object.fromEntries(Object.entries(GO).map(([key, to]) => [`g ${key}`, [S.keys.go(titleOf(to)), () => go(to)]])),
  });
  const allowed = found && (!found.route.scope || may(found.route.scope));
  // Not every role has figures: it begins with the first section that it has.
  const elsewhere = path === "/" && found && !allowed ? NAV.flatMap(([, paths]) => paths).find(seen) : null;
  useEffect(() => { if (elsewhere) go(elsewhere, {}, { replace: true }); }, [elsewhere]);
  return html`<div class="app">
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.querySelector("main").focus(); }}>${S.frame.skip}</a>
    <${Side} here=${here} />
    <div class="work">
      <${Top} />
      <main id="main" tabindex="-1">
        ${mode.value === "test" && html`<p class="unseen">${S.frame.testMode}</p>`}
        ${!found ? html`<div class="state"><h1>${S.frame.nothing}</h1><p>${S.frame.nothingText}</p></div>`
          : !allowed ? html`<div class="state"><h1>${S.frame.mayNot}</h1><p>${S.frame.mayNotText(S.roles[session.value.role] ?? session.value.role)}</p></div>`
            : html`<${Screen} found=${found} />`}
      </main>
    </div>
    <nav class="bottom" aria-label=${S.frame.phone}>${PHONE.filter(seen).map((one) => html`<${Place} key=${one} path=${one} here=${here} />`)}</nav>
    <${Palette} /><${Sheet} /><${Notices} label=${S.dialog.close} />
  </div>`;
}
