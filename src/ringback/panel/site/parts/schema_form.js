/** A form made from a JSON Schema: text, secrets, numbers, choices, and one of several shapes. */

import { html } from "../shell/preact.js";
import { S } from "../strings.js";
import { invent } from "./connection.js";
import { Field } from "./form.js";

const T = S.connections;

/** Resolve a reference, and "this or null". */
function plain(schema, defs) {
  const said = schema.$ref ? { ...defs[schema.$ref.split("/").at(-1)], ...schema } : schema;
  const kinds = said.anyOf?.filter((one) => one.type !== "null");
  return kinds?.length === 1 ? { ...plain(kinds[0], defs), ...said, anyOf: undefined, nullable: true } : said;
}

/** Return what a form begins with: what the schema says is usual. */
export function usual(schema, defs = schema.$defs ?? {}) {
  const found = {};
  for (const [name, raw] of Object.entries(schema.properties ?? {})) {
    const one = plain(raw, defs);
    if (one.discriminator && one.nullable) continue;
    if (one.discriminator) {
      const [scheme, ref] = Object.entries(one.discriminator.mapping)[0];
      found[name] = { ...usual(plain({ $ref: ref }, defs), defs), [one.discriminator.propertyName]: scheme };
    } else if (one.enum?.length === 1) [found[name]] = one.enum;
    else if (one.default !== undefined && one.default !== null) found[name] = one.default;
  }
  return found;
}

/** Return a form without what was left empty. */
export function filled(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== "" && one !== undefined).map(([name, one]) => [name, filled(one)]));
}

/** Return the secrets of a config as a schema, those that are set first; `within`: the member in whose shape they stand, if in one. */
export function secretsOf(schema, config) {
  const defs = schema.$defs ?? {};
  const secrets = (one) => Object.entries(one.properties ?? {}).map(([name, raw]) => [name, plain(raw, defs)]).filter(([, each]) => each.format === "password" && each.type !== "array");
  const shapes = Object.entries(schema.properties ?? {}).map(([name, raw]) => [name, plain(raw, defs)]).filter(([name, one]) => one.discriminator && config[name])
    .map(([name, one]) => [name, secrets(plain({ $ref: one.discriminator.mapping[config[name][one.discriminator.propertyName]] }, defs))]);
  const [within, inside] = shapes.find(([, each]) => each.length > 0) ?? [null, null];
  const found = inside ?? secrets(schema);
  const now = within ? config[within] : config;
  // None is needed; what is not set yet is folded.
  const set = found.map(([name]) => name).filter((name) => now[name]);
  return { within, schema: { properties: Object.fromEntries(found), required: set } };
}

const words = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

function Choose({ name, schema, defs, value, onChange, problem, pointer }) {
  const by = schema.discriminator.propertyName;
  const { mapping } = schema.discriminator;
  const shape = value ? plain({ $ref: mapping[value[by]] }, defs) : {};
  const none = schema.nullable ? [["", T.noShape]] : [];
  const choose = (key) => onChange(key === "" ? undefined : { ...usual(plain({ $ref: mapping[key] }, defs), defs), [by]: key });
  return html`<fieldset class="shape"><legend>${words(name)}</legend>
    <${Field} label=${words(by)} kind="select" options=${[...none, ...Object.keys(mapping).map((key) => [key, words(key)])]} value=${value?.[by] ?? ""} onInput=${choose} help=${shape.description ?? schema.description} />
    ${value && html`<${Fields} schema=${shape} defs=${defs} value=${value} onChange=${onChange} problem=${problem} pointer=${pointer} leave=${[by]} />`}</fieldset>`;
}

function One({ name, schema, defs, value, onChange, problem, pointer }) {
  const common = { label: words(name), help: schema.description, problem, pointer };
  if (schema.discriminator) return html`<${Choose} name=${name} schema=${schema} defs=${defs} value=${value} onChange=${onChange} problem=${problem} pointer=${pointer} />`;
  if (schema.enum) return html`<${Field} ...${common} kind="select" options=${schema.enum.map((one) => [one, words(String(one))])} value=${value} onInput=${onChange} />`;
  if (schema.type === "integer" || schema.type === "number") {
    return html`<${Field} ...${common} kind="number" step=${schema.type === "integer" ? 1 : "any"} min=${schema.minimum} max=${schema.maximum} value=${value ?? ""}
      onInput=${(text) => onChange(text === "" ? undefined : Number(text))} />`;
  }
  if (schema.type === "object" || schema.type === "array") {
    const take = (text) => {
      try {
        onChange(JSON.parse(text));
      } catch {
        onChange(text);
      }
    };
    return html`<${Field} ...${common} kind="area" mono=${true} rows=${3} help=${`${schema.description ?? ""} ${T.jsonHelp}`}
      value=${typeof value === "string" ? value : JSON.stringify(value ?? (schema.type === "array" ? [] : {}))} onInput=${take} />`;
  }
  const secret = schema.format === "password";
  return html`<div class="made"><${Field} ...${common} kind="text" mono=${secret} maxlength=${schema.maxLength} autocomplete="off" value=${value ?? ""} onInput=${onChange} />
    ${schema["x-chosen"] && html`<button type="button" class="btn" onClick=${() => onChange(invent(schema))}>${T.makeOne}</button>`}</div>`;
}

/** The fields of an object: what is needed first, the rest folded. `leave`: names that are set elsewhere. */
export function Fields({ schema, defs = schema.$defs ?? {}, value, onChange, problem, pointer, leave = [] }) {
  const all = Object.entries(schema.properties ?? {}).filter(([name]) => !leave.includes(name)).map(([name, raw]) => [name, plain(raw, defs)]);
  const needed = all.filter(([name]) => schema.required?.includes(name));
  const others = all.filter(([name]) => !schema.required?.includes(name));
  const draw = ([name, one]) => html`<${One} key=${name} name=${name} schema=${one} defs=${defs} value=${value[name]} problem=${problem} pointer=${`${pointer}/${name}`}
    onChange=${(next) => onChange({ ...value, [name]: next })} />`;
  const wrong = others.some(([name]) => problem?.errors?.some((one) => one.pointer?.startsWith(`${pointer}/${name}`)));
  return html`${needed.map(draw)}
    ${others.length > 0 && html`<details class="more" open=${wrong || undefined}><summary>${T.more}</summary><div class="form">${others.map(draw)}</div></details>`}`;
}
