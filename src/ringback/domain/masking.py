"""Where personal data is in what the API answers, and how it is masked. Pure; the one place.

An answer is walked through by the names of its fields: addresses lose their middle, texts all of
it, raw bodies and what came in with them are withheld whole. What looks like a number is masked
wherever else it stands in a text. Ids, times, statuses and sizes stay.
"""

import re
from typing import Any

HIDDEN = "•••"
# Addresses of people, or what may be one.
_ADDRESSES = frozenset((
    "to", "from", "from_", "recipient", "recipients", "number", "numbers", "forwarded_to", "phone",
    "msisdn", "wa_id", "caller", "callee",
))  # fmt: skip
# What people have written or said, or providers of them; whatever is in it.
_TEXTS = frozenset((
    "text", "caption", "body", "content", "raw", "input", "recording", "speech", "digits",
    "profile_name",
))  # fmt: skip
# What says what the rest of a content is, and nothing of what is in it.
_KINDS = frozenset(("type", "kind", "mime_type", "media_type"))
# In words, where a number may stand without its plus.
_WORDS = frozenset((
    "description", "detail", "title", "reason", "explanation", "error", "subject", "why",
    "decision", "note", "q",
))  # fmt: skip
_CONTACTS = frozenset(("phone", "whatsapp", "email"))
_RAW = frozenset(("text", "base64", "size"))
# With one of these beside its headers an object is a request that somebody else made.
_CAME_IN = frozenset(("peer", "parsed"))
_PLUS = re.compile(r"\+\d(?:[ ().-]?\d){5,18}")
_BARE = re.compile(r"(?<![\w.:+-])\d{7,15}(?![\w:])")
# The provider has written the person's number into the id.
_WITH_NUMBER = re.compile(r"wamid\.[\w+/=-]+")
_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")
# Where something runs from and to, it is no address.
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
_SHORT_CODE = 6
# Of a number that is masked these are shown, and it can be found by them.
SHOWN_DIGITS = 4
BY_DIGITS = f"Numbers are masked for you: look by the last {SHOWN_DIGITS} digits, and no more."
# Operations that answer with what is written down for everybody, or with descriptions of it.
NOTHING_PERSONAL = frozenset((
    "list_event_types", "get_event_type", "get_event_type_schema", "list_providers",
))  # fmt: skip
_OF_AUDIT = frozenset(("action", "actor", "detail"))


def masked(value: Any) -> Any:
    """Return what an answer says, as those see it who are shown no numbers and no texts."""
    return _walk(value, "")


def _walk(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return [_walk(one, name) for one in value]
    if not isinstance(value, str):
        return value
    return masked_address(value) if name in _ADDRESSES else _in_words(value, bare=name in _WORDS)


def _object(value: dict[str, Any]) -> dict[str, Any]:
    if value.keys() >= _RAW:
        return {**value, "text": None, "base64": None, "masked": True}
    if value.keys() >= _OF_AUDIT:
        # What was changed from one thing to another: no addresses of anybody.
        return {**value, "detail": _plain(value["detail"])}
    if "headers" in value and not _CAME_IN.isdisjoint(value):
        value = _withheld(value)
    contact = value.get("kind") in _CONTACTS
    found = {}
    for name, inner in value.items():
        if name in _TEXTS and inner is not None and not _is_raw(inner):
            found[name] = _hidden(inner)
        elif contact and name == "value" and isinstance(inner, str):
            found[name] = masked_address(inner)
        else:
            found[name] = _walk(inner, name)
    return found


def _plain(value: Any) -> Any:
    """Mask what looks like a number, whatever the fields are called."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return _in_words(value, bare=False) if isinstance(value, str) else value


def _is_raw(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _RAW


def _withheld(value: dict[str, Any]) -> dict[str, Any]:
    """Withhold what a request of somebody else's said in its URL, its headers and its body."""
    url = value.get("url")
    return {
        **value,
        "headers": [[name, HIDDEN] for name, _ in value["headers"]],
        **({"url": url.partition("?")[0]} if isinstance(url, str) else {}),
        **({"parsed": None} if "parsed" in value else {}),
    }


def _hidden(value: Any) -> Any:
    """Hide every text in something; what kind of thing it is stays."""
    if isinstance(value, dict):
        return {
            name: inner if name in _KINDS and isinstance(inner, str) else _hidden(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    # A number may be a person's, too.
    return value if value is None or isinstance(value, bool) else HIDDEN


def masked_address(address: str) -> str:
    """Mask an address: of a number the country, three digits and the last four are left.

    Short codes and names of senders belong to businesses and stay.
    """
    if _TIME.fullmatch(address):
        return address
    digits = re.sub(r"[ ().-]", "", address).removeprefix("+")
    if digits.isdecimal():
        if len(digits) <= _SHORT_CODE:
            return address
        plus = "+" if address.lstrip().startswith("+") else ""
        if len(digits) < 11:
            return f"{plus}{HIDDEN} {digits[-2:]}"
        country = 1 if digits[0] in "17" else 2
        shown = f"{digits[:country]} {digits[country : country + 3]}"
        return f"{plus}{shown} {HIDDEN} {digits[-4:]}"
    if "@" in address:
        return f"{address[:1]}{HIDDEN}@{HIDDEN}"
    return address if len(address) <= 11 and not _PLUS.search(address) else HIDDEN


def tells_more(text: str) -> bool:
    """Say whether finding something by an address, or by its end, tells more than masks show."""
    if text.isascii() and text.isdigit():
        return len(text) != SHOWN_DIGITS
    return masked_address(text) != text


def _in_words(text: str, *, bare: bool) -> str:
    """Mask what looks like a number in a text; with `bare` also without a plus."""
    if _ID.fullmatch(text):
        return text
    text = _WITH_NUMBER.sub(lambda found: f"wamid.{HIDDEN}{found[0][-4:]}", text)
    text = _PLUS.sub(lambda found: masked_address(found[0]), text)
    return _BARE.sub(lambda found: masked_address(found[0]), text) if bare else text
