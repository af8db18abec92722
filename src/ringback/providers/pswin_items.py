"""What the PSWinCom gateway says in XML: tables of states, the reading of a list, its answer.

Sources: https://wiki.pswin.com (XML API; delivery report statuses) and LINK's own receiver. A list
holds any number of reports and messages, and each is acknowledged by its ID.
"""

import re

import msgspec

from ringback.domain.http import Callback
from ringback.domain.messages import Status
from ringback.providers import forms, reading, xml_reading
from ringback.providers.base import (
    ErrorRule,
    Inbound,
    Item,
    Parsed,
    Report,
    Unparsed,
    Unrecognised,
)
from ringback.providers.error_table import ErrorTable
from ringback.providers.xml_reading import Element, XmlError

STATUS: dict[str, Status] = {
    "DELIVRD": "delivered",
    "EXPIRED": "expired",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "REJECTD": "failed",
    "FAILED": "failed",
    "BARRED": "failed",
    "BARREDA": "failed",
    "ZEROBAL": "failed",
    # The gateway says that it will never know.
    "UNKNOWN": "unconfirmed",
    "NULL": "unconfirmed",
}
ERRORS: dict[str, ErrorRule] = {
    "EXPIRED": ErrorRule("network", "expired", False, "undeliverable", "expired"),
    "DELETED": ErrorRule("network", "deleted", False, "undeliverable"),
    "UNDELIV": ErrorRule("recipient", "undeliverable", False, "undeliverable"),
    "REJECTD": ErrorRule("network", "rejected_by_carrier", False, "rejected"),
    "FAILED": ErrorRule("network", "failed", False, "undeliverable"),
    # "Remove the number from any list", says LINK: nothing more may be sent to it.
    "BARRED": ErrorRule("consent", "barred", False, "undeliverable", opt_out=True),
    # Of messages that are paid for: too young, and no money left.
    "BARREDA": ErrorRule("policy", "age_limit", False, "rejected"),
    "ZEROBAL": ErrorRule("credit", "no_credit", False, "undeliverable"),
    "UNKNOWN": ErrorRule("network", "no_report", False, "undeliverable", "unconfirmed"),
    "NULL": ErrorRule("network", "no_report", False, "undeliverable", "unconfirmed"),
}
ERROR_TABLE = ErrorTable(ERRORS)

# What the gateway begins its documents with; it declares nothing, and is not read.
DOCUMENT_TYPE = xml_reading.document_type(
    "MSGLST", "pswincom_report_request.dtd", "pswincom_receive_request.dtd"
)
CHARSET = "iso-8859-1"
_ADDRESS = (
    "first_name",
    "middle_name",
    "last_name",
    "street",
    "zip_code",
    "city",
    "region",
    "county",
)
_ACKNOWLEDGED_ID_MAX = 32
_DEGREES = re.compile(r"-?[0-9]{1,3}\.[0-9]{1,12}")


def tree(callback: Callback) -> Element:
    """Read the list that a callback holds. Raises XmlError."""
    _, told = forms.parameters(callback.header("Content-Type") or "")
    charset = told.get("charset", "").lower()
    # As LINK's own receiver: a charset that nobody knows is none.
    known = charset if charset in xml_reading.CHARSETS else None
    root = xml_reading.read(callback.body, known, CHARSET, DOCUMENT_TYPE)
    if root.name != "MSGLST":
        raise XmlError("the outermost element is not MSGLST")
    return root


def acknowledgement(callback: Callback) -> bytes:
    """Write the answer that the gateway waits for: OK for the ID of everything in the list.

    What could not be read is kept, and coming again would not help: it is acknowledged as 1, the
    ID of what comes alone.
    """
    try:
        listed = list(tree(callback).each("MSG"))
    except XmlError:
        listed = []
    ids = [
        reading.text(one.words("ID"), _ACKNOWLEDGED_ID_MAX) or str(place)
        for place, one in enumerate(listed, 1)
    ] or ["1"]
    told = "".join(
        f"<MSG><ID>{xml_reading.escaped(one)}</ID><STATUS>OK</STATUS></MSG>" for one in ids
    )
    return f'<?xml version="1.0"?><MSGLST>{told}</MSGLST>'.encode()


class Items:
    """Reads one callback of the gateway's; made anew for each."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._unparsed: list[Unparsed] = []
        self._seen: dict[str, int] = {}

    def read(self, callback: Callback) -> Parsed:
        """Read a verified callback. Raises nothing, whatever the bytes are."""
        try:
            for place, one in enumerate(tree(callback).each("MSG")):
                self._message(one, f"/msg/{place}")
        except XmlError as error:
            self._unparsed.append(Unparsed(error.reason))
        return Parsed(tuple(self._items), tuple(self._unparsed))

    def _message(self, found: Element, where: str) -> None:
        state = found.words("STATE")
        if not found.children:
            self._unparsed.append(Unparsed("an empty MSG", where))
        elif state is not None:
            self._report(found, state, where)
        elif found.first("TEXT") is not None:
            self._inbound(found, where)
        else:
            self._unrecognised("pswin.message", found)

    def _report(self, found: Element, state: str, where: str) -> None:
        status = STATUS.get(state)
        named = reading.text(found.words("REF"))
        to = reading.plus(reading.text(found.words("RCV")))
        if status is None:
            self._unrecognised(reading.kind_of("pswin.state", state), found)
            return
        if named is None:
            self._unmatched("a report without the reference of its message", where)
            return
        error = None if state not in ERRORS else ERROR_TABLE.failure(state, None)[1]
        self._items.append(
            # DELIVERYTIME is the local time of whoever delivered it, in no known zone.
            Report(
                message_id=named,
                status=status,
                key=f"{named}:{to}:{state}",
                to=to,
                channel="sms",
                error=error,
                provider_status=state,
            )
        )

    def _inbound(self, found: Element, where: str) -> None:
        person = reading.text(found.words("SND"))
        if person is None:
            self._unmatched("a message without its sender", where)
            return
        told = found.plain()
        if isinstance(told, dict):
            told.pop("ID", None)
        # There is neither an id nor a time: what was said to whom is all that it is known by.
        mark = reading.fingerprint(msgspec.json.encode(told))
        again = self._seen[mark] = self._seen.get(mark, 0) + 1
        named = mark if again == 1 else f"{mark}-{again}"
        self._items.append(
            Inbound(
                message_id=named,
                key=named,
                from_=reading.plus(person),
                to=reading.plus(reading.text(found.words("RCV"))),
                content=_content(found),
                channel="sms",
                unnamed=True,
            )
        )

    def _unmatched(self, reason: str, where: str) -> None:
        self._unparsed.append(Unparsed(reason, where, unmatched=True))

    def _unrecognised(self, kind: str, found: Element) -> None:
        fragment = msgspec.json.encode(found.plain())
        key = f"{kind}:{reading.fingerprint(fragment)}"
        self._items.append(Unrecognised(kind, key, msgspec.Raw(fragment)))


def _content(found: Element) -> dict[str, object]:
    """Make the content: the words, and who and where the person is, for those who booked that."""
    text = found.first("TEXT")
    content: dict[str, object] = {"kind": "text"}
    words = reading.clipped(text.text if text is not None else None)
    if words is not None:
        content["text"] = words
    address = found.words("ADDRESS")
    if address is not None:
        parts = zip(_ADDRESS, address.split(";"), strict=False)
        content["address"] = {name: part[:512] for name, part in parts if part}
    place = found.first("POSITION", "POS")
    if place is not None:
        content["location"] = {
            one.name.lower(): _number(one.text.strip()[:512])
            for one in place.children
            if one.text.strip()
        }
    told = found.first("METADATA")
    if told is not None:
        pairs = (
            {name.upper(): value for name, value in one.attributes.items()}
            for one in told.each("DATA")
        )
        content["metadata"] = {
            pair["KEY"][:512]: pair.get("VALUE", "")[:512] for pair in pairs if pair.get("KEY")
        }
    return content


def _number(text: str) -> float | str:
    return float(text) if _DEGREES.fullmatch(text) else text
