/** Signing in: by e-mail and password, or by a link that is good for once. */

import { Field, FormProblem } from "../parts/form.js";
import { Failed, Loading } from "../parts/states.js";
import { html, useEffect, useState } from "../shell/preact.js";
import { loadSession, session, setMode, signIn, signOut, trouble } from "../shell/session.js";
import { go } from "../shell/where.js";
import { S } from "../strings.js";

const MODES = ["live", "test"];
/** What the link holds after its #: a token, and perhaps the mode to begin in. */
const told = (name) => new URLSearchParams(location.hash.slice(1)).get(name);
const token = () => told("token");

function Box({ title, text, children }) {
  return html`<main class="sign-in"><div class="card">
    <div class="brand"><img src="/panel/mark.svg" width="28" height="28" alt="" />Ringback</div>
    <h1>${title}</h1>${text && html`<p class="muted">${text}</p>`}${children}
  </div></main>`;
}

/** A first sign-in asks for a name and a password; they can be left for later with a first-run link. */
function ByLink({ link, mode, onLeave }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [email, setEmail] = useState("");
  const [current, setCurrent] = useState("");
  const [problem, setProblem] = useState(null);
  const [wanted, setWanted] = useState(null);
  const [busy, setBusy] = useState(false);
  const enter = async (more) => {
    setProblem(null);
    setBusy(true);
    try {
      await signIn({ token: link, ...more });
      if (MODES.includes(mode)) setMode(mode);
      go(session.peek()?.first ? "/start" : "/", {}, { replace: true });
    } catch (failure) {
      // The link wants more than itself: a password, and whose it is.
      if (failure.status === 422) setWanted(failure);
      else setProblem(failure);
      setBusy(false);
    }
  };
  useEffect(() => { enter({}); }, []);
  if (problem) {
    return html`<${Box} title=${S.signIn.linkFailed} text=${S.signIn.linkFailedText}><${FormProblem} problem=${problem} />
      <button class="btn" onClick=${onLeave}>${S.signIn.byPassword}</button></${Box}>`;
  }
  if (!wanted) return html`<${Box} title=${S.signIn.entering}><${Loading} rows=${2} /></${Box}>`;
  if (wanted.at("/current_password") !== undefined) {
    const accept = (event) => {
      event.preventDefault();
      enter({ current_password: current });
    };
    return html`<${Box} title=${S.signIn.offer} text=${S.signIn.offerText}><form onSubmit=${accept}>
      <${Field} label=${S.signIn.password} kind="password" value=${current} onInput=${setCurrent}
        pointer="/current_password" problem=${current && wanted} autocomplete="current-password" />
      <button class="btn primary" disabled=${busy}>${S.signIn.accept}</button></form></${Box}>`;
  }
  const needsEmail = Boolean(email) || wanted.at("/email") !== undefined;
  const submit = (event) => {
    event.preventDefault();
    enter({ name, password, ...(needsEmail || email ? { email } : {}) });
  };
  return html`<${Box} title=${S.signIn.welcome} text=${S.signIn.choose}><form onSubmit=${submit}>
    <${Field} label=${S.signIn.name} value=${name} onInput=${setName} pointer="/name" problem=${name && wanted} autocomplete="name" />
    ${needsEmail && html`<${Field} label=${S.signIn.email} kind="email" value=${email} onInput=${setEmail} pointer="/email" problem=${email && wanted} autocomplete="username" />`}
    <${Field} label=${S.signIn.newPassword} help=${S.signIn.passwordHelp} kind="password" value=${password} onInput=${setPassword}
      pointer="/password" problem=${password && wanted} autocomplete="new-password" />
    <button class="btn primary" disabled=${busy}>${S.signIn.go}</button></form></${Box}>`;
}

function ByPassword() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await signIn({ email, password });
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  };
  return html`<${Box} title=${S.signIn.title}><form onSubmit=${submit}>
    <${Field} label=${S.signIn.email} kind="email" value=${email} onInput=${setEmail} autocomplete="username" required />
    <${Field} label=${S.signIn.password} kind="password" value=${password} onInput=${setPassword} autocomplete="current-password" required />
    <${FormProblem} problem=${problem} />
    <button class="btn primary" disabled=${busy}>${S.signIn.go}</button></form>
    <p class="faint">${S.signIn.lost} <code>ringback people link ${email || S.signIn.you}</code></p></${Box}>`;
}

/** The screen of somebody who is not signed in, or who follows a link. */
export function SignIn() {
  const [link, setLink] = useState(token);
  const [mode] = useState(() => told("mode"));
  // Once read, the token stands in no address bar and no history.
  useEffect(() => { if (link) history.replaceState(null, "", location.pathname); }, []);
  const leave = () => {
    setLink(null);
    go("/", {}, { replace: true });
  };
  useEffect(() => {
    if (!link && session.value) go("/", {}, { replace: true });
  }, [session.value]);
  // Who is signed in already proves with the session's token that the link is followed here.
  if (link && session.value !== undefined) return html`<${ByLink} link=${link} mode=${mode} onLeave=${leave} />`;
  if (trouble.value) return html`<${Box} title=${S.signIn.title}><${Failed} problem=${trouble.value} retry=${loadSession} /></${Box}>`;
  if (session.value === undefined) return html`<${Box} title=${S.signIn.title}><${Loading} rows=${2} /></${Box}>`;
  if (session.value) return html`<${Box} title=${S.signIn.already}><button class="btn" onClick=${signOut}>${S.frame.signOut}</button></${Box}>`;
  return html`<${ByPassword} />`;
}
