"""Callbacks that are spoiled: bytes turned over, cut and doubled, values of another type, bombs.

Whatever provider a callback is of: it is looked at as bytes, as JSON, as a form and as a query.
"""

import json
import random
from typing import Any

import msgspec

from ringback.domain.http import Callback

# What parsers stumble over, wherever it stands.
TOKENS = [
    b"", b"\x00", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r\n\r\n", b"\\",
    b"\\u0000", b"\\ud800", b'"', b"'", b"{", b"}", b"[", b"]", b"[" * 70, b'{"a":' * 70, b"]" * 70,
    b",", b":", b"&", b"=", b"%", b"%00", b"%zz", b"%ff", b"+", b";", b"<", b">", b"<a>" * 70,
    b"</", b"<!--", b"]]>", b'<!DOCTYPE a [<!ENTITY b "c">]>', b"&b;", b"&#0;",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"null", b"true", b"NaN", b"Infinity", b"1e999", b"-0", b"9" * 70, b"0" * 70, b"-1", b"1.5",
    b"x" * 5_000, "é".encode(), "\U0001f600".encode(), "٣".encode(), b"\t", b"2026-02-30T25:61:61Z",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 2**63, 2**70, "", " ", "\x00", "\ud800", "x" * 3_000, "é",
    [], {}, [[]], [None], {"": None}, [{}], {"id": {}}, "1772442927", 1772442927, 10**18,
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-03-02", "+", "null",
]  # fmt: skip
TYPES = [
    "application/json", "application/x-www-form-urlencoded", "text/xml", "application/xml",
    "text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16",
    "application/scim+json", "application/cloudevents-batch+json", "", ";;;=", "x" * 200,
]  # fmt: skip


def mutated(callback: Callback, dice: random.Random) -> Callback:
    """Spoil a callback in one to three ways."""
    for _ in range(dice.randrange(1, 4)):
        callback = dice.choice(_WAYS)(callback, dice)
    return callback


def _bytes_of_body(callback: Callback, dice: random.Random) -> Callback:
    return msgspec.structs.replace(callback, body=_spoiled(callback.body, dice))


def _query(callback: Callback, dice: random.Random) -> Callback:
    bare = callback.url.partition("?")[0]
    query = _spoiled(callback.query.encode("latin-1", "replace"), dice).decode("latin-1")
    return msgspec.structs.replace(callback, url=f"{bare}?{query}")


def _json(callback: Callback, dice: random.Random) -> Callback:
    """Replace, drop, wrap, double or rename one place of a document."""
    try:
        document = json.loads(callback.body)
    except (ValueError, RecursionError):
        return _form(callback, dice)
    places = list(_places(document))
    if not places:
        return msgspec.structs.replace(callback, body=_written(dice.choice(VALUES)))
    holder, key = dice.choice(places)
    match dice.randrange(6):
        case 0:
            del holder[key]
        case 1:
            holder[key] = [holder[key]]
        case 2 if isinstance(holder, dict):
            holder[dice.choice(["", "é", "Type", str(key).upper(), "x" * 300])] = holder.pop(key)
        case 3 if isinstance(holder, list):
            holder.extend([holder[key]] * 20)
        case 4:
            holder[key] = dice.choice(places)[0]
        case _:
            holder[key] = dice.choice(VALUES)
    return msgspec.structs.replace(callback, body=_written(document))


def _form(callback: Callback, dice: random.Random) -> Callback:
    """Shuffle, double, empty and exchange the fields of a form, or of a query."""
    text = callback.body or callback.query.encode("latin-1", "replace")
    fields = [field.partition(b"=") for field in text.split(b"&")]
    names = [name for name, _, _ in fields]
    place = dice.randrange(len(fields))
    match dice.randrange(5):
        case 0:
            dice.shuffle(fields)
        case 1:
            fields += [fields[place]] * 5
        case 2:
            fields[place] = (fields[place][0], b"=", dice.choice(TOKENS))
        case 3:
            fields[place] = (dice.choice(names), b"=", fields[place][2])
        case _:
            del fields[place]
    written = b"&".join(b"".join(field) for field in fields)
    if callback.body:
        return msgspec.structs.replace(callback, body=written)
    bare = callback.url.partition("?")[0]
    return msgspec.structs.replace(callback, url=f"{bare}?{written.decode('latin-1')}")


def _content_type(callback: Callback, dice: random.Random) -> Callback:
    kept = tuple(header for header in callback.headers if header[0].lower() != "content-type")
    headers = (*kept, ("Content-Type", dice.choice(TYPES)))
    return msgspec.structs.replace(callback, headers=headers)


def _method(callback: Callback, dice: random.Random) -> Callback:
    return msgspec.structs.replace(callback, method=dice.choice(["GET", "POST", "PUT", "get", ""]))


_WAYS = [_bytes_of_body] * 5 + [_json] * 5 + [_form] * 2 + [_query] * 2 + [_content_type, _method]


def _spoiled(octets: bytes, dice: random.Random) -> bytes:
    if not octets:
        return dice.choice(TOKENS)
    first, last = sorted((dice.randrange(len(octets) + 1), dice.randrange(len(octets) + 1)))
    match dice.randrange(6):
        case 0:
            changed = bytearray(octets)
            for _ in range(dice.randrange(1, 9)):
                place = dice.randrange(len(octets) * 8)
                changed[place // 8] ^= 1 << place % 8
            return bytes(changed)
        case 1:
            return octets[:first]
        case 2:
            return octets[:first] + octets[last:]
        case 3:
            return octets[:last] + octets[first:]
        case 4:
            return octets[:first] + dice.choice(TOKENS) + octets[first:]
        case _:
            return octets[:first] + dice.choice(TOKENS) + octets[last:]


def _places(document: Any) -> Any:
    """Go through the places of a document: what holds them, and their key."""
    if isinstance(document, dict | list):
        inner = list(document.items()) if isinstance(document, dict) else enumerate(document)
        for key, value in list(inner):
            yield document, key
            yield from _places(value)


def _written(document: Any) -> bytes:
    try:
        return json.dumps(document).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        # It holds itself by now: a bomb instead.
        return b"[" * 100_000
