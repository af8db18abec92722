/** Inviting somebody, and changing what somebody may do; links are shown once. */

import { Command } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { patch, post, remove } from "../shell/api.js";
import { say } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { loadSession, session } from "../shell/session.js";
import { S } from "../strings.js";

const T = S.team;

/** Only owners make owners. */
const roles = () => Object.keys(S.roles).filter((one) => one !== "owner" || session.value.role === "owner").map((one) => [one, S.roles[one]]);

function Link({ title, text, link, once = T.linkOnce, onDone }) {
  return html`<${Dialog} wide title=${title} onClose=${onDone} foot=${html`<button class="btn primary" onClick=${onDone}>${T.passedOn}</button>`}>
    <div class="stack tight"><p>${text}</p><${Command} text=${link} /><p class="faint">${once}</p></div></${Dialog}>`;
}

/** The dialog that invites somebody. */
export function Invite({ onClose, onDone }) {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("developer");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState(null);
  if (made) return html`<${Link} title=${T.invitedTitle(made.name)} text=${made.offered ? T.knownText(made.name) : T.invitedText(made.name)}
    link=${made.link} once=${made.offered ? T.offerOnce : T.linkOnce} onDone=${onDone} />`;
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      setMade(await post("/v1/people", { email: email.trim(), name: name.trim(), role }));
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${T.inviteTitle} onClose=${onClose} foot=${html`<button class="btn" onClick=${onClose}>${S.dialog.cancel}</button>
    <button class="btn primary" form="invite" disabled=${busy}>${T.makeLink}</button>`}>
    <form id="invite" class="form" onSubmit=${submit}>
      <p class="muted">${T.inviteText}</p>
      <${Field} label=${T.name} value=${name} onInput=${setName} pointer="/name" problem=${problem} required autocomplete="off" />
      <${Field} label=${T.email} kind="email" value=${email} onInput=${setEmail} pointer="/email" problem=${problem} required autocomplete="off" />
      <${Field} label=${T.role} kind="select" options=${roles()} value=${role} onInput=${setRole} pointer="/role" problem=${problem} help=${T.what[role]} />
      ${problem && !problem.errors?.length && html`<${FormProblem} problem=${problem} />`}
    </form></${Dialog}>`;
}

function Last({ person, onSure, onBack, busy }) {
  return html`<p>${T.removeText(person.name)}</p><div class="actions">
    <button class="btn" onClick=${onBack}>${S.dialog.cancel}</button>
    <button class="btn danger" disabled=${busy} onClick=${onSure}>${T.remove}</button></div>`;
}

/** The dialog that changes, resets or removes somebody. */
export function Manage({ person, onClose, onDone }) {
  const [name, setName] = useState(person.name);
  const [email, setEmail] = useState(person.email ?? "");
  const [role, setRole] = useState(person.role);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [link, setLink] = useState(null);
  const [removing, setRemoving] = useState(false);
  const own = person.id === session.value.person?.id;
  const tried = async (act) => {
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (failure) {
      setProblem(failure);
    } finally {
      setBusy(false);
    }
  };
  if (link) return html`<${Link} title=${T.resetTitle(person.name)} text=${T.resetText(person.name)} link=${link} onDone=${onDone} />`;
  const submit = (event) => {
    event.preventDefault();
    const body = {
      ...(name.trim() !== person.name ? { name: name.trim() } : {}), ...(email.trim() !== (person.email ?? "") ? { email: email.trim() } : {}),
      ...(role !== person.role ? { role } : {}),
    };
    tried(async () => {
      await patch(`/v1/people/${person.id}`, body);
      say(T.changed(name));
      if (own) await loadSession();
      onDone();
    });
  };
  const reset = () => tried(async () => setLink((await post(`/v1/people/${person.id}/reset`)).link));
  const drop = () => tried(async () => {
    const { keys } = await remove(`/v1/people/${person.id}`);
    say(keys.length ? T.removedKeys(person.name, keys.map((one) => one.name).join(", ")) : T.removed(person.name));
    if (own) await loadSession();
    onDone();
  });
  return html`<${Dialog} title=${person.name} onClose=${onClose} foot=${!removing && html`
    <button class="btn" onClick=${onClose}>${S.dialog.cancel}</button><button class="btn primary" form="person" disabled=${busy}>${T.save}</button>`}>
    ${removing ? html`<${Last} person=${person} busy=${busy} onSure=${drop} onBack=${() => setRemoving(false)} />`
      : html`<form id="person" class="form" onSubmit=${submit}>
        <${Field} label=${T.role} kind="select" options=${roles()} value=${role} onInput=${setRole} pointer="/role" problem=${problem} help=${T.what[role]} />
        <${Field} label=${T.name} value=${name} onInput=${setName} pointer="/name" problem=${problem} required />
        <${Field} label=${T.email} kind="email" value=${email} onInput=${setEmail} pointer="/email" problem=${problem} />
        <div class="actions"><button type="button" class="btn" disabled=${busy} onClick=${reset}>${T.reset}</button>
          <button type="button" class="btn danger" disabled=${busy} onClick=${() => setRemoving(true)}>${T.removeAsk}</button></div>
        <p class="faint">${T.resetHelp}</p>
      </form>`}
    ${problem && !problem.errors?.length && html`<${FormProblem} problem=${problem} />`}
  </${Dialog}>`;
}
