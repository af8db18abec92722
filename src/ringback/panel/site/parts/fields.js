/** A JSON Schema as people read it: each field with its type, whether it is always there, what it means. */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";

const DEPTH_MAX = 8;

/** Follow a reference within the schema; what leads elsewhere stays as it is. */
function resolved(part, root) {
  let found = part;
  for (let n = 0; found?.$ref?.startsWith("#/") && n < DEPTH_MAX; n += 1) {
    const { $ref, ...more } = found;
    const target = $ref.slice(2).split("/").reduce((at, name) => at?.[name.replaceAll("~1", "/").replaceAll("~0", "~")], root);
    found = { ...target, ...more };
  }
  return found ?? {};
}

/** Return the parts of what may be one of several, without null; and whether null may be. */
function choices(part, root) {
  const several = (part.anyOf ?? part.oneOf)?.map((one) => resolved(one, root));
  if (!several) return [[part], [part.type].flat().includes("null")];
  return [several.filter((one) => one.type !== "null"), several.some((one) => one.type === "null")];
}

function typeOf(part, root) {
  if (part.const !== undefined) return JSON.stringify(part.const);
  if (part.enum) return part.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (part.type === "array") {
    const [of] = choices(resolved(part.items ?? {}, root), root);
    return S.fields.list(of.map((one) => typeOf(one, root)).join(" | ") || S.fields.any);
  }
  const names = [part.type].flat().filter((one) => one && one !== "null");
  const text = names.join(" | ") || (part.properties ? "object" : S.fields.any);
  return part.format ? `${text} (${part.format})` : text;
}

function limits(part) {
  const told = [];
  if (part.minimum !== undefined) told.push(`≥ ${part.minimum}`);
  if (part.maximum !== undefined) told.push(`≤ ${part.maximum}`);
  if (part.minLength !== undefined) told.push(S.fields.atLeast(part.minLength));
  if (part.maxLength !== undefined) told.push(S.fields.atMost(part.maxLength));
  if (part.pattern !== undefined) told.push(part.pattern);
  return told.join(", ");
}

/** The properties below a part: of itself, of the list's items, or of the one object that it may be. */
function below(part, root) {
  const [several] = choices(part, root);
  const one = several.find((each) => each.properties || each.type === "array");
  if (one?.type === "array") return below(resolved(one.items ?? {}, root), root);
  return one?.properties ? one : null;
}

function FieldRow({ name, part: raw, root, required, depth }) {
  const part = resolved(raw, root);
  const [several, empty] = choices(part, root);
  const inner = depth < DEPTH_MAX ? below(part, root) : null;
  const note = limits(several[0] ?? part);
  const head = html`<code class="name">${name}</code> <span class="kind">${several.map((one) => typeOf(one, root)).join(" | ") || S.fields.any}${empty && ` | ${S.fields.none}`}</span>
    ${!required && html`<span class="tag">${S.fields.optional}</span>`}
    ${note && html`<span class="faint">${note}</span>`}
    ${part.description && html`<span class="what">${part.description}</span>`}`;
  if (!inner) return html`<li><div class="one">${head}</div></li>`;
  return html`<li><details open=${depth < 3}><summary class="one">${head}</summary><${Properties} of=${inner} root=${root} depth=${depth + 1} /></details></li>`;
}

function Properties({ of, root, depth }) {
  return html`<ul>${Object.entries(of.properties).map(([name, part]) => html`<${FieldRow} key=${name} name=${name} part=${part} root=${root}
    required=${of.required?.includes(name)} depth=${depth} />`)}</ul>`;
}

/** The tree of a schema's fields. */
export function Fields({ schema }) {
  const top = below(schema, schema);
  if (!top) return html`<p class="muted">${S.fields.free}</p>`;
  return html`<div class="fields" tabindex="0" role="group" aria-label=${S.fields.label}><${Properties} of=${top} root=${schema} depth=${0} /></div>`;
}
