"""What a callback to `generic` holds, as one JSON value, and the key that it is known by.

    JSON                as it came
    form, multipart     {"name": ["value", …]}, files as {"filename", "content_type", "base64"}
    no body             the query, as a form
    XML, other text     a string
    anything else       {"content_type": …, "base64": …}

What it means is told by the config's mapping; without one everything is `generic.callback`.
"""

import base64
import hashlib
import re
from collections.abc import Sequence

import msgspec

from ringback.domain.http import Callback
from ringback.domain.strict_json import StrictJsonError, decode, unchecked
from ringback.providers import forms, reading
from ringback.providers.base import Parsed, Unrecognised
from ringback.providers.generic_config import (
    ApiKey,
    FormPlace,
    GenericConfig,
    HeaderPlace,
    JsonPlace,
    Place,
    QueryPlace,
)
from ringback.providers.mapping_items import Notes

KIND = "generic.callback"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

# What text may come in besides UTF-8; every other name is read as UTF-8.
_CHARSETS = {
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "iso-8859-15": "iso-8859-15",
}
_XML_CHARSET = re.compile(rb"<\?xml[^>]{0,64}encoding=[\"']([A-Za-z0-9._-]{1,32})[\"']")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
_ANY: msgspec.json.Decoder[object] = msgspec.json.Decoder()
_LIST: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Content(msgspec.Struct, frozen=True):
    """A body, read: the value, the fields if it was a form, and whether it was JSON."""

    fragment: msgspec.Raw
    form: tuple[tuple[str, forms.Value], ...] = ()
    is_json: bool = False


def read(callback: Callback, config: GenericConfig, notes: Notes = None) -> Parsed:
    """Make items of a verified callback. Raises nothing, whatever it holds.

    Where `notes` is a list, why the mapping did not read things is added to it.
    """
    callback = _without_key(callback, config)
    if config.how is not None:
        return config.how.program.read(callback, "generic", notes)
    content = _content(callback)
    key = _key(callback, config, content)
    return Parsed((Unrecognised(KIND, f"{KIND}:{key}", content.fragment),))


def _without_key(callback: Callback, config: GenericConfig) -> Callback:
    """Leave an API key out: it is no part of what was said, and nobody else may learn it."""
    scheme = config.verify
    if not isinstance(scheme, ApiKey):
        return callback
    if scheme.in_ == "query":
        return msgspec.structs.replace(callback, url=forms.without(callback.url, scheme.name))
    name = scheme.name.lower()
    kept = tuple(header for header in callback.headers if header[0].lower() != name)
    return msgspec.structs.replace(callback, headers=kept)


def _content(callback: Callback) -> Content:
    body = callback.body
    if not body:
        asked = forms.pairs(callback.query)
        if asked is not None:
            return Content(_raw(forms.lists(asked)))
        return _text(callback.query.encode("latin-1", "replace"), "utf-8", "")
    kind, told = forms.parameters(callback.header("Content-Type") or "")
    charset = _CHARSETS.get(told.get("charset", "").lower(), "utf-8")
    if kind == FORM:
        found = _form(forms.pairs(body, charset))
    elif kind == MULTIPART:
        found = _form(forms.multipart(body, told.get("boundary", "")))
    else:
        found = _json(body)
    return found or _text(body, charset, kind)


def _form(found: Sequence[tuple[str, forms.Value]] | None) -> Content | None:
    if found is None:
        return None
    return Content(_raw(forms.lists(found)), form=tuple(found))


def _json(body: bytes) -> Content | None:
    try:
        decode(body)
    except StrictJsonError:
        return None
    return Content(msgspec.Raw(body), is_json=True)


def _text(body: bytes, charset: str, kind: str) -> Content:
    declared = _XML_CHARSET.match(body)
    if declared is not None:
        charset = _CHARSETS.get(declared[1].decode().lower(), charset)
    words = forms.text(body, charset)
    if words is not None:
        return Content(_raw(words))
    told = {"content_type": kind[:128], "base64": base64.b64encode(body).decode()}
    return Content(_raw(told))


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _key(callback: Callback, config: GenericConfig, content: Content) -> str:
    """Name a callback by the configured values, or, where one is missing, by all it says."""
    named = [_named(place, callback, content) for place in config.dedupe]
    values = [value for value in named if value is not None]
    if values and len(values) == len(named):
        return f"named:{reading.fingerprint(*values)}"
    asked = callback.query.encode("utf-8", "surrogatepass")
    if not callback.body:
        return f"query:{hashlib.sha256(asked).hexdigest()}"
    beside = f":{hashlib.sha256(asked).hexdigest()}" if asked else ""
    return f"body:{hashlib.sha256(callback.body).hexdigest()}{beside}"


def _named(place: Place, callback: Callback, content: Content) -> str | None:
    match place:
        case JsonPlace():
            return _at(content.fragment, place.pointer) if content.is_json else None
        case FormPlace():
            found = [v for n, v in content.form if n == place.field]
        case QueryPlace():
            found = [v for n, v in forms.pairs(callback.query) or () if n == place.parameter]
        case HeaderPlace():
            found = [*callback.header_values(place.name)]
    only = found[0] if len(found) == 1 else None
    return only if isinstance(only, str) and only else None


def _at(fragment: msgspec.Raw, pointer: str) -> str | None:
    """Return the string, number or truth value at a JSON pointer, as text, or None."""
    try:
        for step in pointer.split("/")[1:]:
            fragment = _into(fragment, step.replace("~1", "/").replace("~0", "~"))
        value = unchecked(fragment, _ANY)
    except (StrictJsonError, LookupError):
        return None
    if isinstance(value, str):
        return value or None
    # A number as it is written: 1 and 1.0 are two names, and no digit gets lost.
    return bytes(fragment).decode().strip() if isinstance(value, bool | int | float) else None


def _into(fragment: msgspec.Raw, step: str) -> msgspec.Raw:
    try:
        return unchecked(fragment, _OBJECT)[step]
    except StrictJsonError:
        if not _INDEX.fullmatch(step):
            raise
        return unchecked(fragment, _LIST)[int(step)]
