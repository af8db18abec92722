"""Recorded callbacks: raw requests as in `payloads/`, and what an adapter makes of one.

`payloads/<provider>/<case>.http` holds the exact bytes of a request, `<case>.json` its golden
reading, `config.json` the config (of made-up secrets) that both hold for, or `<case>.config.json`
where a case needs another. Pure: reading the files is the caller's business.
"""

import msgspec

from ringback.domain.http import Callback, Headers
from ringback.providers.base import (
    Item,
    Parsed,
    Provider,
    ProviderConfig,
    Unparsed,
    Unrecognised,
)

# When the recordings were made: signatures that cover a time are as old as this.
NOW_MS = 1_772_443_000_000
HEADERS_MAX = 64


def read_request(raw: bytes) -> Callback:
    """Read the bytes of one recorded request.

    Raises ValueError for anything that is not a request line, headers, an empty line and as many
    bytes of body as Content-Length says (all lines end with CRLF).
    """
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator or b"\n" in head.replace(b"\r\n", b""):
        raise ValueError("the head does not end with an empty line, or has bare line ends")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if version != "HTTP/1.1" or not target.startswith("/") or len(lines) > HEADERS_MAX:
        raise ValueError(f"not a request line with at most {HEADERS_MAX} headers: {first}")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"not a header: {line}")
        headers.append((name, value.strip(" ")))
    callback = Callback(method, "", tuple(headers), body)
    length = callback.header("Content-Length")
    if int(length or 0) != len(body):
        raise ValueError(f"Content-Length is {length}, the body has {len(body)} bytes")
    url = f"https://{callback.header('Host')}{target}"
    return msgspec.structs.replace(callback, url=url)


def write_request(method: str, target: str, headers: Headers, body: bytes) -> bytes:
    """Write the bytes of one request, with the right Content-Length as its last header."""
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    if body:
        kept.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in kept)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def describe(
    provider: Provider, callback: Callback, config: ProviderConfig, now_ms: int = NOW_MS
) -> dict[str, object]:
    """Return the verdict, the reply and the items as plain JSON values: what a golden holds."""
    verification = provider.verify(callback, config, now_ms)
    reply = provider.reply(callback, config, verification)
    found = provider.parse(callback, config) if verification.verdict == "ok" else None
    return {
        "verification": {"verdict": verification.verdict, "reason": verification.reason},
        "reply": {
            "status": reply.status,
            "headers": [list(header) for header in reply.headers],
            "body": reply.body.decode("latin-1"),
        },
        "parsed": None if found is None else plain(found),
    }


def plain(parsed: Parsed) -> dict[str, object]:
    """Return what was parsed as plain JSON values; fields that say nothing are left out."""
    return {
        "items": [_plain_item(item) for item in parsed.items],
        "unparsed": [_told(one) for one in parsed.unparsed],
    }


def _plain_item(item: Item) -> dict[str, object]:
    told: dict[str, object] = {"item": type(item).__name__.lower(), **_told(item)}
    if isinstance(item, Unrecognised):
        told["fragment"] = msgspec.json.decode(item.fragment)
    return told


def _told(one: Item | Unparsed) -> dict[str, object]:
    told: dict[str, object] = {}
    for name in one.__struct_fields__:
        value = getattr(one, name)
        empty = value in (None, False, 0, "", [], {})
        if not empty and not isinstance(value, msgspec.Raw):
            told[name.rstrip("_")] = msgspec.to_builtins(value)
    return told
