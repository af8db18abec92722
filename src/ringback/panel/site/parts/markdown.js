/** The little Markdown that providers' own pages are written in: paragraphs, lists, code, emphasis. Never markup of anybody's. */

import { html } from "../shell/preact.js";

const MARKS = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)]+\))/;
const ITEM = /^(?:\d+\.|[-*])\s+/;

function inline(text) {
  return text.split(MARKS).map((piece, n) => {
    if (n % 2 === 0) return piece;
    if (piece.startsWith("`")) return html`<code key=${n}>${piece.slice(1, -1)}</code>`;
    if (piece.startsWith("**")) return html`<b key=${n}>${piece.slice(2, -2)}</b>`;
    if (piece.startsWith("*")) return html`<em key=${n}>${piece.slice(1, -1)}</em>`;
    // Where a link leads to stands in the documentation: here it is its words.
    return piece.slice(1, piece.indexOf("]"));
  });
}

/** Take a text apart: {kind: "p" | "ol" | "ul" | "pre", lines}. */
function blocks(text) {
  const found = [];
  let last = null;
  let code = null;
  for (const line of text.split("\n")) {
    if (line.trimStart().startsWith("```")) {
      if (code === null) found.push(code = { kind: "pre", lines: [] });
      else code = null;
      last = null;
    } else if (code !== null) code.lines.push(line);
    else if (!line.trim()) last = null;
    else if (ITEM.test(line)) {
      const kind = /^\d/.test(line) ? "ol" : "ul";
      if (last?.kind !== kind) found.push(last = { kind, lines: [] });
      last.lines.push(line.replace(ITEM, ""));
    } else if (last) last.lines[last.lines.length - 1] += last.kind === "p" ? `\n${line}` : ` ${line.trim()}`;
    else found.push(last = { kind: "p", lines: [line] });
  }
  return found;
}

/** A text. */
export function Markdown({ text }) {
  return html`<div class="prose">${blocks(text).map((block, n) => {
    if (block.kind === "p") return html`<p key=${n}>${inline(block.lines.join("\n"))}</p>`;
    if (block.kind === "pre") return html`<pre key=${n} tabindex="0"><code>${block.lines.join("\n")}</code></pre>`;
    const items = block.lines.map((line, place) => html`<li key=${place}>${inline(line)}</li>`);
    return block.kind === "ol" ? html`<ol key=${n}>${items}</ol>` : html`<ul key=${n}>${items}</ul>`;
  })}</div>`;
}
