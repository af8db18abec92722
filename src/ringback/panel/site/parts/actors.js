/** Who did something: people, keys and the installation by their names, as far as one may know them. */

import { get } from "../shell/api.js";
import { useLoad } from "../shell/load.js";
import { html } from "../shell/preact.js";
import { may, session } from "../shell/session.js";
import { S } from "../strings.js";
import { Id } from "./copy.js";

const T = S.audit;
const NAMED_MAX = 200;

/** Return what people and keys are called, by their ids, as far as one may know. */
export function useActors() {
  const rows = (scope, path) => useLoad((signal) => may(scope) ? get(path, { limit: NAMED_MAX }, { signal }) : Promise.resolve({ data: [] }), []).data?.data ?? [];
  const people = rows("people:read", "/v1/people");
  const keys = rows("keys:read", "/v1/api-keys");
  const me = session.value.person;
  return new Map([
    ...(me ? [[me.id, me.name || me.email]] : []), ...people.map((one) => [one.id, one.name || one.email]), ...keys.map((one) => [one.id, T.key(one.name)]),
    ["installation", T.installation],
  ]);
}

/** One of them by name, or else by its id. */
export function ActorName({ id }) {
  const name = useActors().get(id);
  return name ? html`<span title=${id}>${name}</span>` : html`<${Id} id=${id} />`;
}
