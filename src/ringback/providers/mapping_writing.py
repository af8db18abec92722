"""The other direction of a mapping: a callback that it reads as what is to be simulated.

What a system really sends beside that, nobody knows here: only the places that the mapping names
are filled. A callback that the mapping would not read back as asked is not made.
"""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

import msgspec

from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback, HttpRequest
from ringback.domain.messages import Status
from ringback.providers import mapping_body, reading
from ringback.providers.base import (
    CannotSimulateError,
    Consent,
    Inbound,
    OutboundMessage,
    Parsed,
    Report,
)
from ringback.providers.mapping import Mapping
from ringback.providers.mapping_config import (
    ConsentRule,
    InboundRule,
    Places,
    ReportRule,
    Rule,
    StatusRow,
)

_USUAL = "1"


class _Draft:
    """A callback being written: what stands at which place, the first that is put there."""

    def __init__(self) -> None:
        self._placed: dict[str, str] = {}

    def put(self, places: Places, value: str) -> None:
        """Let a value stand at the first of some places, unless something does."""
        self._placed.setdefault(places if isinstance(places, str) else places[0], value)

    def request(self, url: str, items: str | None) -> HttpRequest:
        """Return the whole of it."""
        piece: dict[str, object] = {}
        root: dict[str, object] = {}
        form: list[tuple[str, str]] = []
        headers: list[tuple[str, str]] = []
        for place, value in self._placed.items():
            kind, _, rest = place.partition(":")
            if place.startswith("/"):
                _set(piece, place, value)
            elif kind == "body":
                _set(root, rest, value)
            elif kind == "form":
                form.append((rest, value))
            elif kind == "header":
                headers.append((rest, value))
            elif kind == "query":
                mark = "&" if "?" in url else "?"
                url += f"{mark}{quote(rest, safe='')}={quote(value, safe='')}"
        tree: object = piece
        for step in reversed(mapping_body.pointer_steps(items or "") or []):
            tree = [tree] if step == "*" else {step: tree}
        if isinstance(tree, dict):
            tree = {**root, **tree}
        if not form:
            typed = ("Content-Type", "application/json")
            return HttpRequest("POST", url, (typed, *headers), msgspec.json.encode(tree))
        form += [(name, value) for name, value in piece.items() if isinstance(value, str)]
        typed = ("Content-Type", mapping_body.FORM)
        return HttpRequest("POST", url, (typed, *headers), urlencode(form).encode())


def write(
    how: Mapping, message: OutboundMessage, status: Status, url: str, prefix: str
) -> HttpRequest:
    """Make a callback that a mapping reads as a status of a message, without any proof.

    Raises CannotSimulateError where no rule of it can be met so.
    """
    named = message.message_id or reading.fingerprint(message.to, message.from_, message.text)
    message = msgspec.structs.replace(message, message_id=named)
    for rule in how.rules:
        for word, code in _words(rule, message, status):
            request = _written(how, rule, message, word, code, url)
            callback = Callback(request.method, request.url, request.headers, request.body)
            if _is(how.program.read(callback, prefix), message, status):
                return request
    raise CannotSimulateError(f"no rule of its mapping reads a callback that says {status}")


def write_wish(
    how: Mapping, message: OutboundMessage, word: ConsentWord, url: str, prefix: str
) -> HttpRequest | None:
    """Make a callback that a mapping reads as a wish of a message's sender, without any proof.

    None where no rule of it can be met so.
    """
    for rule in how.rules:
        meant = rule.words.items() if isinstance(rule, ConsentRule) else ()
        for theirs in (one for one, ours in meant if ours == word):
            request = _written(how, rule, message, theirs, None, url)
            callback = Callback(request.method, request.url, request.headers, request.body)
            parsed = how.program.read(callback, prefix)
            said = [one.word for one in parsed.items if isinstance(one, Consent)]
            if said == [word] and len(parsed.items) == 1 and not parsed.unparsed:
                return request
    return None


def _words(
    rule: Rule, message: OutboundMessage, status: Status
) -> Iterator[tuple[str, str | None]]:
    """Go through their words and codes that mean a status."""
    if isinstance(rule, InboundRule):
        if status == "received":
            yield "", None
        return
    if not isinstance(rule, ReportRule):
        return
    meanings = {
        _first(word): one.status if isinstance(one, StatusRow) else one
        for word, one in rule.statuses.items()
    }
    for word, meaning in meanings.items():
        if meaning == status:
            yield word, message.error_code
    for code, row in rule.errors.items():
        if row.status == status:
            yield from ((word, _first(code)) for word, one in meanings.items() if one == "failed")


def _written(
    how: Mapping, rule: Rule, message: OutboundMessage, word: str, code: str | None, url: str
) -> HttpRequest:
    draft = _Draft()
    channel = next(
        (theirs for theirs, ours in how.channels.items() if ours == message.channel),
        message.channel,
    )
    values = {
        "message_id": message.message_id, "status": word, "word": word, "to": message.to,
        "address": message.from_, "sender": message.to, "keyword": message.text,
        "from_": message.from_, "channel": channel, "reference": message.reference,
        "text": message.text, "error_code": code,
        "recipient": message.from_ if isinstance(rule, InboundRule) else message.to,
        "occurred_at": how.program.times.write(message.at_ms) if message.at_ms else None,
    }  # fmt: skip
    fields = getattr(rule, "fields", None)
    for name, value in values.items():
        places = getattr(fields, name, None)
        if places is not None and value:
            draft.put(places, value)
    files = message.content.get("media")
    media = getattr(fields, "media", None)
    if media and isinstance(files, list):
        first = files[0] if files else None
        address = first.get("url") if isinstance(first, dict) else first
        if isinstance(address, str):
            draft.put(media, address)
    for condition in rule.when:
        if condition.exists:
            draft.put(condition.place, (condition.in_ or [_USUAL])[0])
    return draft.request(url, how.items)


def _is(parsed: Parsed, message: OutboundMessage, status: Status) -> bool:
    if len(parsed.items) != 1 or parsed.unparsed:
        return False
    (item,) = parsed.items
    if status == "received":
        return isinstance(item, Inbound)
    named = isinstance(item, Report) and item.message_id == message.message_id
    return isinstance(item, Report) and named and item.status == status


def _set(tree: dict[str, object], pointer: str, value: str) -> None:
    *path, last = mapping_body.pointer_steps(pointer) or [""]
    for step in path:
        inner = tree.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree[last] = value


def _first(word: str) -> str:
    """Return a word as it is, and the first number of a range."""
    first, mark, last = word.strip().partition("-")
    return first if mark and first.isdigit() and last.isdigit() else word
