/** Describing a type of one's own: what it means, what its data looks like, an example. */

import { Dialog } from "../parts/dialog.js";
import { Field, FormProblem } from "../parts/form.js";
import { put } from "../shell/api.js";
import { say } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { S } from "../strings.js";

const T = S.catalogue;
const written = (value) => (value === null || value === undefined ? "" : JSON.stringify(value, null, 2));

/** Read JSON as it is typed. Empty is null. Throws what is told beside the field. */
function read(text, pointer) {
  if (!text.trim()) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    const told = { detail: T.noJson(error.message), pointer };
    throw Object.assign(new Error(T.noJson(error.message)), {
      title: T.notSaved, errors: [told], at: (one) => (one === pointer ? told.detail : undefined),
    });
  }
}

/** The dialog; `of`: the type that is changed, or none for a new one. `onDone(name)`. */
export function Describe({ of, onClose, onDone }) {
  const [name, setName] = useState(of?.name ?? "");
  const [description, setDescription] = useState(of?.description ?? "");
  const [schema, setSchema] = useState(written(of?.schema));
  const [example, setExample] = useState(written(of?.example?.data));
  const [note, setNote] = useState(of?.deprecation_note ?? "");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const made = await put(`/v1/event-types/${encodeURIComponent(name.trim())}`, {
        description, schema: read(schema, "/schema"), example: read(example, "/example"),
        ...(of ? { deprecation_note: note || null } : {}),
      });
      say(of ? T.saved : T.described(made.name));
      onDone(made.name);
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  const within = (pointer) => problem?.errors?.find((one) => one.pointer === pointer || one.pointer?.startsWith(`${pointer}/`));
  const deep = (pointer) => {
    const found = within(pointer);
    return found && found.pointer !== pointer ? html`<p class="bad"><code>${found.pointer}</code> ${found.detail}</p>` : null;
  };
  const placed = problem?.errors?.length && problem.errors.every((one) => one.pointer || one.parameter === "event_type");
  return html`<${Dialog} wide title=${of ? T.editTitle(of.name) : T.describeTitle} onClose=${onClose} foot=${html`
    <button class="btn" onClick=${onClose}>${S.dialog.cancel}</button>
    <button class="btn primary" form="own-type" disabled=${busy}>${T.save}</button>`}>
    <form id="own-type" class="form" onSubmit=${submit}>
      <p class="muted">${T.describeText}</p>
      ${!of && html`<${Field} label=${T.name} help=${T.nameHelp} value=${name} onInput=${setName} pointer="event_type" problem=${problem} mono required placeholder="shop.order_paid" />`}
      <${Field} label=${T.means} value=${description} onInput=${setDescription} pointer="/description" problem=${problem} maxlength="1000" placeholder=${T.meansPlaceholder} />
      ${of?.deprecated && html`<${Field} label=${T.note} value=${note} onInput=${setNote} pointer="/deprecation_note" problem=${problem} maxlength="500" />`}
      <div class="two">
        <div><${Field} label=${T.schemaField} help=${of ? T.schemaHelpAgain : T.schemaHelp} kind="area" rows=${12} mono value=${schema} onInput=${setSchema} pointer="/schema" problem=${problem} placeholder=${T.schemaPlaceholder} />${deep("/schema")}</div>
        <div><${Field} label=${T.exampleField} help=${T.exampleHelp} kind="area" rows=${12} mono value=${example} onInput=${setExample} pointer="/example" problem=${problem} placeholder=${T.examplePlaceholder} />${deep("/example")}</div>
      </div>
      ${problem && !placed && html`<${FormProblem} problem=${problem} />`}
    </form></${Dialog}>`;
}
