/** The panel begins here. */

import { watchCounts } from "./shell/counts.js";
import { Frame } from "./shell/frame.js";
import { watchKeys } from "./shell/keys.js";
import { watchLive } from "./shell/live.js";
import { html, render } from "./shell/preact.js";
import { loadSession, session, trouble, watchSession } from "./shell/session.js";
import { watchWhere, where } from "./shell/where.js";
import { Failed, Loading } from "./parts/states.js";
import { SignIn } from "./screens/sign_in.js";

function Panel() {
  if (where.value.path === "/sign-in" || session.value === null) return html`<${SignIn} />`;
  if (trouble.value) return html`<main><${Failed} problem=${trouble.value} retry=${loadSession} /></main>`;
  if (session.value === undefined) return html`<main><${Loading} /></main>`;
  return html`<${Frame} />`;
}

watchWhere();
watchSession();
watchKeys();
watchLive();
watchCounts();
loadSession();
const root = document.getElementById("panel");
root.replaceChildren();
render(html`<${Panel} />`, root);
