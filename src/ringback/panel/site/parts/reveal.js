/** Showing what a role sees masked, whole: an action that is written to the audit log. */

import { post } from "../shell/api.js";
import { say, sayProblem } from "../shell/notice.js";
import { html, useState } from "../shell/preact.js";
import { session } from "../shell/session.js";
import { S } from "../strings.js";

/** The button; `then(object)` is given the object as it is. Nothing for whom nothing is masked. */
export function Reveal({ id, then }) {
  const [busy, setBusy] = useState(false);
  if (!session.value.masked || !session.value.may_reveal) return null;
  const run = async () => {
    setBusy(true);
    try {
      then(await post("/v1/reveal", { object: id }));
      say(S.reveal.done);
    } catch (problem) {
      sayProblem(problem);
    }
    setBusy(false);
  };
  return html`<button class="btn" disabled=${busy} title=${S.reveal.hint} onClick=${run}>${S.reveal.show}</button>`;
}
