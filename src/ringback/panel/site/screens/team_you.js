/** Oneself: name, e-mail address, password; and where one is signed in. */

import { Field, FormProblem } from "../parts/form.js";
import { Loaded } from "../parts/states.js";
import { Ago } from "../parts/time.js";
import { get, patch, remove } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { loadSession, session } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.team;
const SESSIONS_MAX = 50;

/** Return what has to be proved by the present password: a new address, or a new one. */
const proved = (person, email, password) => person.password_set && (email !== (person.email ?? "") || password !== "");

/** What one changes of oneself. */
export function You({ onChanged }) {
  const { person } = session.value;
  const [name, setName] = useState(person.name);
  const [email, setEmail] = useState(person.email ?? "");
  const [password, setPassword] = useState("");
  const [current, setCurrent] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const body = {
    ...(name.trim() !== person.name ? { name: name.trim() } : {}), ...(email.trim() !== (person.email ?? "") ? { email: email.trim() } : {}),
    ...(password ? { password } : {}), ...(current ? { current_password: current } : {}),
  };
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await patch("/v1/session", body);
      await loadSession();
      setPassword("");
      setCurrent("");
      say(password ? T.savedPassword : T.saved);
      onChanged();
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  };
  return html`<section class="card you"><header><h2>${T.you}</h2><span class="faint">${S.roles[session.value.role]}</span></header>
    <div class="body"><form class="form" onSubmit=${submit}>
      ${!person.password_set && html`<p class="warn">${T.noPassword}</p>`}
      <div class="two"><${Field} label=${T.name} value=${name} onInput=${setName} pointer="/name" problem=${problem} autocomplete="name" required />
        <${Field} label=${T.email} kind="email" value=${email} onInput=${setEmail} pointer="/email" problem=${problem} autocomplete="username"
          disabled=${person.email !== null} help=${person.email === null ? null : T.addressHelp} /></div>
      <${Field} label=${person.password_set ? T.newPassword : S.signIn.password} help=${T.passwordHelp} kind="password" value=${password} onInput=${setPassword}
        pointer="/password" problem=${problem} autocomplete="new-password" />
      ${proved(person, email, password) && html`<${Field} label=${T.current} kind="password" value=${current} onInput=${setCurrent}
        pointer="/current_password" problem=${problem} autocomplete="current-password" required />`}
      ${problem && !problem.errors?.length && html`<${FormProblem} problem=${problem} />`}
      <div class="actions"><button class="btn primary" disabled=${busy || !Object.keys(body).length}>${T.save}</button></div>
    </form></div></section>`;
}

/** Write what a browser calls itself as people call it. */
function agent(text) {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)[A-Za-z]*\/(\d+)/.exec(text);
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux|CrOS)/.exec(text);
  const names = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  return [browser, system].filter(Boolean).map(([, name]) => names[name] ?? name).join(" · ") || text || T.someAgent;
}

/** Where one is signed in, and ending that. */
export function Sessions() {
  const me = session.value.person.id;
  const loaded = useLoad((signal) => get("/v1/sessions", { person: me, limit: SESSIONS_MAX }, { signal }), [me]);
  const end = async (rows) => {
    try {
      for (const row of rows) await remove(`/v1/sessions/${row.id}`);
      say(T.ended(rows.length));
      loaded.reload();
    } catch (problem) {
      sayProblem(problem);
    }
  };
  const others = (loaded.data?.data ?? []).filter((row) => !row.current);
  return html`<section class="card"><header><h2>${T.sessions}</h2><span class="right"></span>
      ${others.length > 1 && html`<button class="btn" onClick=${() => end(others)}>${T.endOthers(others.length)}</button>`}</header>
    <${Loaded} of=${loaded} rows=${3}>${(found) => html`<ul class="sessions">${found.data.map((row) => html`<li key=${row.id}>
      <span><strong title=${row.agent}>${agent(row.agent)}</strong>
        <span class="faint">${row.address} · ${T.used} <${Ago} at=${row.last_used_at} /> · ${T.begun} <${Ago} at=${row.created_at} /></span></span>
      ${row.current ? html`<span class="tag">${T.here}</span>` : html`<button class="plain link" aria-label=${T.endOf(agent(row.agent))} onClick=${() => end([row])}>${T.end}</button>`}
    </li>`)}</ul>`}</${Loaded}>
  </section>`;
}
