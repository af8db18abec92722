"""Texts that run where markup is made of them: a public list, and every way of ours crossed.

The list is naughty/blns.json, the Big List of Naughty Strings, as published (MIT, its licence
beside it). The crossings are our own: an element that runs something, each kind of event, each
way in which a text may break out of where it was put.
"""

import json
from itertools import product
from pathlib import Path

LIST = Path(__file__).parent / "naughty" / "blns.json"
SENTINEL = "window.naughty=(window.naughty||0)+1"
_ELEMENTS = (
    "img src=x", "svg", "body", "input autofocus", "details open", "video src=x", "audio src=x",
    "iframe src=javascript:1", "object data=x", "embed src=x", "marquee", "select autofocus",
    "textarea autofocus", "button autofocus", "form", "a href=x tabindex=1", "math", "style",
    "link rel=stylesheet href=x", "dialog open", "p contenteditable", "canvas", "frameset", "table",
)  # fmt: skip
_EVENTS = (
    "onerror", "onload", "onfocus", "ontoggle", "onstart", "onmouseover", "onanimationstart",
    "onpointerenter", "onbeforetoggle", "onscroll", "onpageshow", "onfocusin",
)  # fmt: skip
_BREAKS = ("", '">', "'>", "</title>", "</script>", "--><", "`>", "]]>")
_WHOLE = (
    "<script>{0}</script>", "<script src=data:,{0}></script>", "javascript:{0}//",
    '<a href="javascript:{0}">x</a>', "<svg><script>{0}</script></svg>",
    "<svg><animate onbegin={0} attributeName=x dur=1s>", '<math><mi//xlink:href="data:x,{0}">',
    '<iframe srcdoc="<script>parent.{0}</script>">', '<base href="javascript:{0}//">',
    '<meta http-equiv=refresh content="0;javascript:{0}">', "${{{0}}}", ("{{{{constructor."
    "constructor('{0}')()}}}}"), "<template><script>{0}</script></template>",
    '<noscript><p title="</noscript><img src=x onerror={0}>">', '"-({0})-"', "'-({0})-'",
    "</textarea><script>{0}</script>", "<x/onclick={0}>", "&lt;script&gt;{0}&lt;/script&gt;",
    "\\u003cscript\\u003e{0}\\u003c/script\\u003e", "%3Cscript%3E{0}%3C/script%3E",
)  # fmt: skip


def naughty() -> list[str]:
    """Return every text once; no NUL, which the API takes nowhere."""
    listed = json.loads(LIST.read_text(encoding="utf-8"))
    crossed = [
        f"{out}<{element} {event}={SENTINEL}>"
        for element, event, out in product(_ELEMENTS, _EVENTS, _BREAKS)
    ]
    whole = [text.format(SENTINEL) for text in _WHOLE]
    return list(dict.fromkeys(text for text in [*listed, *whole, *crossed] if "\0" not in text))
