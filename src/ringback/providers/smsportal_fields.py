"""The fields of one callback of SMSPortal's, by name: where each may stand, in whatever generation.

What a field means is not known here; `smsportal_items` makes something of it.
"""

import re
from collections.abc import Iterable

from ringback.providers import reading

# How deep into nested objects names are looked for, and how many are.
DEPTH_MAX = 4
LEAVES_MAX = 200

# Where a field may stand, the surest name first; in lower case. Of V1 and V2 they are SMSPortal's
# own; of V3 they are its variables, as its default templates name them, and those of our presets.
_NAMES: dict[str, tuple[str, ...]] = {
    "type": ("type",),
    "channel": ("channel",),
    "status": ("status", "deliverystatus"),
    "event_id": ("eventid",),
    "sent_id": ("sentid", "messageid", "id"),
    "incoming_id": ("incomingid", "replyid", "submissionid", "messageid", "id"),
    "click_id": ("clickid", "previewid", "id"),
    "answered": ("sentid",),
    "answered_text": ("sentdata",),
    "answered_time": ("sentdatatime", "sentdatetime"),
    "group": ("sentmessagegrpname",),
    "reference": ("customerid", "userreference", "reference"),
    "campaign": ("campaign", "campaignname"),
    "mcc": ("mcc",),
    "mnc": ("mnc",),
    "parts": ("msgcount", "messageparts", "parts"),
    "url": ("url", "originalurl", "longurl", "targeturl", "clickedurl"),
    "short_url": ("shorturl", "shortenedurl"),
    "error_code": ("errorcode",),
    "error_text": ("errormessage", "errordescription"),
    # The person, and we: of a message from us, then of one to us.
    "number": (
        "phonenumber", "msisdn", "destinationphonenumber", "destination", "mobilenumber",
        "recipient", "to", "number",
    ),
    "ours": ("sourcephonenumber", "senderid", "sender", "from"),
    "from": (
        "sourcephonenumber", "phonenumber", "msisdn", "mobilenumber", "from", "sender", "number",
    ),
    "to": ("to", "destinationphonenumber", "destination", "shortcode", "recipient"),
    "text": ("incomingdata", "message", "text", "body"),
    "sent_text": ("data", "sentdata", "text"),
    "status_time": (
        "received", "statusdatetime", "deliverydatetime", "sentdatatime", "datetime", "timestamp",
    ),
    "inbound_time": (
        "incomingdatatime", "incomingdatetime", "received", "receiveddatetime",
        "submissiondatetime", "datetime", "timestamp",
    ),
    "notice_time": (
        "clickdatetime", "previewdatetime", "received", "datetime", "timestamp",
    ),
}  # fmt: skip
# The fields for which a name of the config counts.
RENAMED: dict[str, tuple[str, ...]] = {
    "sent_id": ("sent_id", "answered"),
    "incoming_id": ("incoming_id", "click_id"),
    "number": ("number", "from"),
    "ours": ("ours", "to"),
    "text": ("text", "sent_text"),
    "time": ("status_time", "inbound_time", "notice_time"),
}
_UNSET = re.compile(r"@@[A-Za-z0-9_]+@@")
_NO_LETTER = re.compile(r"[^A-Za-z]+")


class Fields:
    """One callback's fields, by name; what is empty or was never filled in is not there."""

    def __init__(
        self, told: dict[str, object], asked: dict[str, str], named: dict[str, str]
    ) -> None:
        self.told, self._named = told, named
        self.flat: dict[str, str] = {}
        self._left = LEAVES_MAX
        self._leaves(told, 0)
        for name, value in asked.items():
            if _written(value) is not None:
                self.flat.setdefault(name.lower(), value)

    def text(self, field: str, limit: int = reading.ID_MAX) -> str | None:
        """Return a field as text; a whole number counts, as ids may come without quotes."""
        if field in self._named:
            found = _within(_written(self._at(self._named[field])), limit)
            if found is not None:
                return found
        flat = self.flat
        for name in _NAMES[field]:
            if name in flat:
                found = _within(flat[name], limit)
                if found is not None:
                    return found
        return None

    def word(self, field: str) -> str:
        """Return the letters of a field alone: one page of SMSPortal's has DE-LIVRD."""
        found = self.text(field)
        if found is None or (found.isascii() and found.isalpha()):
            return found or ""
        return _NO_LETTER.sub("", found)

    def any_of(self, names: Iterable[str]) -> bool:
        """Say whether one of these names is filled in."""
        return not self.flat.keys().isdisjoint(names)

    def _leaves(self, told: dict[str, object], depth: int) -> None:
        """Gather names in lower case; outer ones come before those that stand deeper."""
        inner: list[dict[str, object]] = []
        for name, value in told.items():
            self._left -= 1
            if self._left < 0:
                return
            if isinstance(value, dict):
                inner.append(value)
            else:
                written = _written(value)
                if written is not None:
                    self.flat.setdefault(name.lower(), written)
        if depth < DEPTH_MAX:
            for one in inner:
                self._leaves(one, depth + 1)

    def _at(self, name: str) -> object:
        if not name.startswith("/"):
            return self.flat.get(name.lower())
        found: object = self.told
        for step in name[1:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(key)
            elif isinstance(found, list) and key.isascii() and key.isdigit() and len(key) < 4:
                found = found[int(key)] if int(key) < len(found) else None
            else:
                return None
        return found


def _written(value: object) -> str | None:
    """Return a filled-in value as text, or None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        return None
    return None if value.startswith("@@") and _UNSET.fullmatch(value) else value


def _within(text: str | None, limit: int) -> str | None:
    """Return a text that is not longer than `limit`; what a person wrote is cut there."""
    if text is None or len(text) <= limit:
        return text
    return text[:limit] if limit == reading.TEXT_MAX else None
