"""Where personal data is in what the API answers, and how it is masked. Pure; the one place.

An answer is walked through by the names of its fields: addresses lose their middle, texts all of
it, raw bodies and what came in with them are withheld whole. What looks like a number is masked
wherever else it stands in a text. Ids, times, statuses and sizes stay.
"""

import re
from typing import Any

HIDDEN = "•••"
# Addresses of people, or what may be one; however the name is spelled.
_ADDRESSES = frozenset((
    "to", "from", "recipient", "recipients", "number", "numbers", "forwardedto", "phone", "phones",
    "phonenumber", "phonenumbers", "mobile", "mobilenumber", "mobilephone", "tel", "telephone",
    "cell", "cellphone", "msisdn", "waid", "caller", "callee", "email", "emails", "emailaddress",
    "mail", "whatsappuserid", "whatsappparentuserid",
))  # fmt: skip
# What people have written or said, or providers of them; whatever is in it.
_TEXTS = frozenset((
    "text", "caption", "body", "content", "raw", "input", "recording", "speech", "digits",
    "profile_name", "keyword",
))  # fmt: skip
# What says what the rest of a content is, and nothing of what is in it.
_KINDS = frozenset(("type", "kind", "mime_type", "media_type"))
# In words, where a number may stand without its plus.
_WORDS = frozenset((
    "description", "detail", "title", "reason", "explanation", "error", "subject", "why",
    "decision", "note", "q", "provider_word",
))  # fmt: skip
_CONTACTS = frozenset(("phone", "whatsapp", "email"))
_RAW = frozenset(("text", "base64", "size"))
# With one of these beside its headers an object is a request that somebody else made.
_CAME_IN = frozenset(("peer", "parsed"))
# What stands between two digits of a number, at most three of these: "+1 (555) 123-4567".
_BETWEEN = r"[\s().\-/\u2010-\u2015]"
_GAP = _BETWEEN + "{0,3}"
_PLUS = re.compile(rf"\+\s?\(?\d(?:{_GAP}\d){{5,18}}")
# Without a plus: in one piece, or as it is written within a country. Neither dates nor UUIDs.
_BARE = re.compile(
    rf"(?<![\w.:+-])\d{{7,15}}(?![\w:]|-\w)"
    rf"|(?<![\w.:+/-])(?:0\d(?:{_GAP}\d){{7,13}}|\(\d(?:{_GAP}\d){{6,13}})(?![\w:]|-\w)"
    r"|(?<![\w.:+/-])\d{3}[ .-]\d{3}[ .-]\d{4}(?![\w:]|-\w)"
)
_SCHEME = r"(?:whatsapp|tel|callto|sms|mms|rcs|sips?|viber|telegram|messenger|imessage|mailto):"
_SCHEMED = re.compile(rf"(?i)\b({_SCHEME})(\+?\d(?:{_GAP}\d){{5,18}})")
_WITH_SCHEME = re.compile(rf"(?i)({_SCHEME})(.*)")
_EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# The provider has written the person's number into the id.
_WITH_NUMBER = re.compile(r"wamid\.[\w+/=-]+")
_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")
# Where something runs from and to, it is no address.
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
_SHORT_CODE = 6
# Of a number that is masked these are shown, and it can be found by them.
SHOWN_DIGITS = 4
BY_DIGITS = f"Numbers are masked for you: look by the last {SHOWN_DIGITS} digits, and no more."
# Operations that answer with what is written down for everybody, or with descriptions of it; or
# with those who sign in here, and whose addresses these go by.
NOTHING_PERSONAL = frozenset((
    "list_event_types", "get_event_type", "get_event_type_schema", "list_providers",
    "list_mapping_presets",
    "create_session", "get_session", "change_session", "list_sessions",
    "list_people", "get_person", "create_person", "change_person", "reset_person",
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
    if _plain_name(name) in _ADDRESSES:
        return _address(value)
    return _in_words(value, bare=name in _WORDS) if isinstance(value, str) else value


def _plain_name(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _address(value: Any) -> Any:
    """Mask an address, also one that is written as a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        shown = masked_address(str(value))
        return value if shown == str(value) else shown
    return masked_address(value) if isinstance(value, str) else value


def _key(name: str) -> str:
    """Mask a field's name that is somebody's number or address."""
    return _in_words(name, bare=True)


def _object(value: dict[str, Any]) -> dict[str, Any]:
    if value.keys() >= _RAW:
        return {**value, "text": None, "base64": None, "masked": True}
    if value.keys() >= _OF_AUDIT:
        # What was changed from one thing to another: no addresses of anybody.
        return {**value, "detail": _plain(value["detail"])}
    if "headers" in value and not _CAME_IN.isdisjoint(value):
        value = _withheld(value)
    contact = value.keys() == {"kind", "value"} or value.get("kind") in _CONTACTS
    found = {}
    for name, inner in value.items():
        if name in _TEXTS and inner is not None and not _is_raw(inner):
            found[_key(name)] = _hidden(inner)
        elif contact and name == "value" and isinstance(inner, str):
            found[_key(name)] = masked_address(inner)
        elif name == "metadata" and isinstance(inner, dict):
            found[_key(name)] = _labelled(_object(inner))
        else:
            found[_key(name)] = _walk(inner, name)
    return found


def _plain(value: Any) -> Any:
    """Mask what looks like a number, whatever the fields are called."""
    if isinstance(value, dict):
        return {_key(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return _in_words(value, bare=False) if isinstance(value, str) else value


def _labelled(value: dict[str, Any]) -> dict[str, Any]:
    """Mask numbers without a plus, too, under labels that somebody else has chosen."""
    return {
        label: _in_words(inner, bare=True) if isinstance(inner, str) else inner
        for label, inner in value.items()
    }


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
            _key(name): inner if name in _KINDS and isinstance(inner, str) else _hidden(inner)
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
    schemed = _WITH_SCHEME.fullmatch(address)
    if schemed is not None:
        return f"{schemed[1]}{masked_address(schemed[2])}"
    digits = re.sub(_BETWEEN, "", address).removeprefix("+")
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
    few = sum(map(str.isdigit, address)) <= _SHORT_CODE
    return address if len(address) <= 11 and few else HIDDEN


def tells_more(text: str) -> bool:
    """Say whether finding something by an address, or by its end, tells more than masks show."""
    if text.isascii() and text.isdigit():
        return len(text) != SHOWN_DIGITS
    return masked_address(text) != text


def _in_words(text: str, *, bare: bool) -> str:
    """Mask what looks like a number in a text; with `bare` also without a plus, and e-mail."""
    if _ID.fullmatch(text):
        return text
    text = _WITH_NUMBER.sub(lambda found: f"wamid.{HIDDEN}{found[0][-4:]}", text)
    text = _SCHEMED.sub(lambda found: found[1] + masked_address(found[2]), text)
    for shape in (_PLUS, _EMAIL, _BARE) if bare else (_PLUS,):
        text = shape.sub(lambda found: masked_address(found[0]), text)
    return text
