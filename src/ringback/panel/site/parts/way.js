/** Ways to other screens: a link for whoever may see what it leads to, the same words for others. */

import { match } from "../routes.js";
import { may } from "../shell/session.js";
import { href } from "../shell/where.js";

/** Say whether the session's role may see the screen at a path below /panel. */
export function reachable(path) {
  const scope = match(path)?.route.scope;
  return !scope || may(scope);
}

/** Write the address of a screen, for `href`; null, which makes no link, for whoever may not see it. */
export const way = (path, query) => (reachable(path) ? href(path, query) : null);
