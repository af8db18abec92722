"""What LINK Denmark's API calls with: reports in a query, messages of people in a form.

Sources: https://linkmobility.atlassian.net/wiki/display/COOL/Delivery+report and
https://linkmobility.atlassian.net/wiki/display/COOL/13+-+Services.
"""

import msgspec

from ringback.domain.http import Callback
from ringback.domain.messages import Status
from ringback.providers import forms, query_proof, reading, xml_reading
from ringback.providers.base import (
    ErrorRule,
    Inbound,
    Parsed,
    Report,
    Unparsed,
    Unrecognised,
)
from ringback.providers.error_table import ErrorTable

STATUS: dict[str, Status] = {
    "received": "delivered",
    # It could not be delivered yet, and is tried again.
    "buffered": "submitted",
    "rejected": "failed",
    "expired": "expired",
}
# By the word: what `statuscode` stands for is not public, so it is passed on and not judged.
ERRORS: dict[str, ErrorRule] = {
    "rejected": ErrorRule("network", "rejected_by_carrier", False, "rejected"),
    "expired": ErrorRule("network", "expired", False, "undeliverable", "expired"),
}
ERROR_TABLE = ErrorTable(ERRORS)
FORM = "application/x-www-form-urlencoded"


def read(callback: Callback) -> Parsed:
    """Read a verified callback. Raises nothing, whatever it holds."""
    if callback.method == "GET":
        return _query(callback)
    word, told = forms.parameters(callback.header("Content-Type") or "")
    charset = xml_reading.CHARSETS.get(told.get("charset", "").lower(), "utf-8")
    found = forms.pairs(callback.body, charset) if word == FORM else None
    if found is None:
        return Parsed(unparsed=(Unparsed("the body is not a form that can be read"),))
    said = dict(reversed(found))
    person, words = reading.text(said.get("FROM")), reading.clipped(said.get("SMS"))
    if person is None or words is None:
        return Parsed(unparsed=(_unmatched("a message without its sender or its text"),))
    to = reading.text(said.get("NUMBER"))
    # There is neither an id nor a time: what was said to whom is all that it is known by.
    named = reading.fingerprint(person, to or "", words)
    item = Inbound(
        message_id=named,
        key=named,
        from_=reading.plus(person),
        to=reading.plus(to),
        content={"kind": "text", "text": words},
        channel="sms",
        unnamed=True,
    )
    return Parsed((item,))


def _query(callback: Callback) -> Parsed:
    found = forms.pairs(callback.query)
    if found is None:
        # Operators' own words may come in their own charset.
        found = forms.pairs(callback.query, "iso-8859-1")
    if found is None:
        return Parsed(unparsed=(Unparsed("the query is not text that can be read"),))
    said = {name: value for name, value in reversed(found) if name != query_proof.PARAMETER}
    at = reading.unix_ms(said.get("receivetime"))
    word = said.get("status", "")
    status = STATUS.get(word)
    if status is None:
        kind = reading.kind_of("link_cool.status", word or None)
        fragment = msgspec.json.encode(said)
        key = f"{kind}:{reading.fingerprint(fragment)}"
        return Parsed((Unrecognised(kind, key, msgspec.Raw(fragment), at),))
    # What a send is answered with is the id of its batch: with the recipient it is one message.
    batch, own = reading.text(said.get("batchid")), reading.text(said.get("msgid"))
    to = reading.plus(reading.text(said.get("to")))
    named = batch or own
    if named is None or (batch is not None and to is None):
        return Parsed(unparsed=(_unmatched("a report that does not say of which message"),))
    error = None
    if word in ERRORS:
        because = reading.clipped(said.get("reason"), 500)
        code = reading.text(said.get("statuscode"), 32)
        if because is None and code is not None:
            because = f"status code {code}"
        error = ERROR_TABLE.failure(word, because)[1]
    mcc, mnc = said.get("mcc", "")[:3], said.get("mnc", "")[:3]
    known = mcc.isascii() and mcc.isdigit() and mnc.isascii() and mnc.isdigit()
    item = Report(
        message_id=named,
        status=status,
        key=f"{own or batch}:{to}:{word}",
        occurred_at=at,
        recipient=None if batch is None else to,
        to=to,
        channel="sms",
        reference=reading.text(said.get("returndata"), reading.REFERENCE_MAX),
        error=error,
        provider_status=word,
        carrier={"mccmnc": mcc + mnc.rjust(2, "0")} if known else None,
    )
    return Parsed((item,))


def _unmatched(reason: str) -> Unparsed:
    return Unparsed(reason, unmatched=True)
