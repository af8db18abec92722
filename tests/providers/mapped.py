"""Mappings for tests, callbacks for them, and the items that come out, as plain values."""

import json
from typing import Any

from ringback.domain.http import Callback
from ringback.providers.mapping import Mapping, made
from ringback.providers.mapping_items import Note
from ringback.providers.recorded import plain

from .sound import assert_sound

URL = "https://hooks.example/in/a-token-of-22-characters"
STATUSES: dict[str, Any] = {"DELIVRD": "delivered", "UNDELIV": "failed", "SENT": "sent"}


def report(fields: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Make a rule for reports."""
    named = {"message_id": "/id", "status": "/status", **(fields or {})}
    return {"item": "report", "statuses": STATUSES, **more, "fields": named}


def mapping(*rules: dict[str, Any], **more: Any) -> Mapping:
    """Make a mapping of rules."""
    return made({"rules": list(rules), **more})


def posted(body: object, kind: str = "application/json", query: str = "") -> Callback:
    """Make a callback with a body: bytes as they are, all else as JSON."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Callback("POST", URL + query, (("Content-Type", kind), ("X-Event", "dlr")), octets)


def read(how: Mapping, callback: Callback, notes: list[Note] | None = None) -> list[Any]:
    """Return the items of a callback, which are all it holds."""
    parsed = how.program.read(callback, "generic", notes)
    assert_sound(parsed)
    assert () == parsed.unparsed
    items = plain(parsed)["items"]
    assert isinstance(items, list)
    return items


def only(how: Mapping, callback: Callback, notes: list[Note] | None = None) -> Any:
    """Return the one item of a callback."""
    (item,) = read(how, callback, notes)
    return item
