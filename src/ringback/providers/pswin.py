"""LINK Mobility's PSWinCom gateway in XML: a secret in the URL, answers by ID, what is simulated.

https://wiki.pswin.com/Gateway%20XML%20API.ashx. The gateway proves nothing by itself. What a
callback says is read in `pswin_items`; `pswin_send` sends and plays the gateway's own part.
"""

from datetime import UTC, datetime
from typing import ClassVar

from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import keywords, pswin_items, pswin_send
from ringback.providers.base import (
    BatchFlow,
    CannotSimulateError,
    Fake,
    Faked,
    OutboundMessage,
    Parsed,
    SendFlow,
    Verification,
)
from ringback.providers.pswin_config import PsWinConfig
from ringback.providers.query_proof import ProvedByQuery
from ringback.providers.xml_reading import escaped

_STATES: dict[Status, str] = {
    "delivered": "DELIVRD",
    "failed": "UNDELIV",
    "expired": "EXPIRED",
    "unconfirmed": "NULL",
}
_XML = (("Content-Type", "text/xml; charset=utf-8"),)


class PsWin(ProvedByQuery):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "pswin"
    label: ClassVar[str] = "LINK Mobility (PSWinCom XML)"
    channels: ClassVar[tuple[str, ...]] = ("sms",)
    documentation: ClassVar[str] = "https://wiki.pswin.com/Gateway%20XML%20API.ashx"
    Config = PsWinConfig
    STATUS = pswin_items.STATUS
    ERRORS = pswin_items.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = (*_STATES, "received")
    sends: ClassVar[tuple[str, ...]] = ("text",)
    refusals: ClassVar[tuple[str, ...]] = pswin_send.REFUSALS
    batch_max: ClassVar[int] = pswin_send.BATCH_MAX
    opt_outs_by_sender: ClassVar[bool] = False
    setup: ClassVar[str] = """\
1. Make a long random secret of letters and digits, and enter it here.
2. In LINK's account web set the protocol of delivery reports and of incoming messages to XML over
   HTTP, and the destination to the connection's URL followed by `?callback_proof=` and the secret.
3. To send, enter the user name and password of the gateway account here.
"""
    notes: ClassVar[str] = """\
- Nothing is signed and no credentials are sent: the secret in the URL is all that proves a
  callback. It is hidden in what is kept.
- Each message in a list is acknowledged by its ID; the gateway repeats what is not. What cannot be
  read is acknowledged too, and kept as *unparsed*.
- The gateway begins its documents with an empty DOCTYPE of its own, which is taken out unread. Any
  other is never read: such a callback is kept as *unparsed*.
- Text without a charset in Content-Type or in the document is ISO-8859-1.
- An incoming message has neither an id nor a time: the same words again from the same person to
  the same number on the same day (UTC) are taken for a repeat. A repeat across midnight is told
  twice. A STOP after a START is never a repeat.
- `DELIVERYTIME` is local time in an unknown zone and is not used.
- `BARRED` says that a number is to be removed from all lists: it counts as an opt-out.
- The API takes no reference of yours; messages are joined to their reports by the gateway's own.
- Text beyond the basic GSM alphabet is sent as Unicode, which halves what fits.
"""

    def parse(self, callback: Callback, config: PsWinConfig) -> Parsed:
        """Read every message of a list."""
        return keywords.heard(pswin_items.Items().read(callback), config)

    def reply(
        self, callback: Callback, config: PsWinConfig, verification: Verification
    ) -> HttpResponse:
        """Answer OK for each ID, or 401."""
        del config
        if verification.verdict != "ok":
            return HttpResponse(401)
        return HttpResponse(200, _XML, pswin_items.acknowledgement(callback))

    def send(self, message: OutboundMessage, config: PsWinConfig) -> SendFlow:
        """Send a text to one recipient; one request."""
        (result,) = yield from pswin_send.flow((message,), config)
        return result

    def send_batch(self, messages: tuple[OutboundMessage, ...], config: PsWinConfig) -> BatchFlow:
        """Send up to 100 texts with one request; each is taken or refused by itself."""
        results = yield from pswin_send.flow(messages, config)
        return tuple(results)

    def fake(self, request: HttpRequest, config: PsWinConfig, how: Fake) -> Faked | None:
        """Answer as the gateway would."""
        return pswin_send.fake(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: PsWinConfig, url: str
    ) -> HttpRequest:
        """Make a callback about one message, or of one that arrives.

        In one that arrives, `from_` is the person and `to` is our number.
        """
        return self.simulate_batch((message,), status, config, url)

    def simulate_batch(
        self, messages: tuple[OutboundMessage, ...], status: Status, config: PsWinConfig, url: str
    ) -> HttpRequest:
        """Make one list of several messages."""
        if status not in self.simulated:
            raise CannotSimulateError(f"PSWinCom never reports {status}")
        listed = "".join(_written(one, status, place) for place, one in enumerate(messages, 1))
        kind = "receive" if status == "received" else "report"
        body = (
            f'<?xml version="1.0"?>\r\n<!DOCTYPE MSGLST SYSTEM "pswincom_{kind}_request.dtd">\r\n'
            f"<MSGLST>{listed}</MSGLST>"
        )
        headers = (("Content-Type", "application/xml"),)
        encoded = body.encode(pswin_items.CHARSET, "xmlcharrefreplace")
        at_ms = messages[0].at_ms if messages else 0
        return self.authenticate(HttpRequest("POST", url, headers, encoded), config, at_ms)


def _written(message: OutboundMessage, status: Status, place: int) -> str:
    """Write one message of a list."""
    fields = {"ID": str(place)}
    if status == "received":
        fields |= {
            "TEXT": message.text,
            "SND": message.from_.removeprefix("+"),
            "RCV": message.to.removeprefix("+"),
        }
    else:
        state = _STATES[status]
        rule = pswin_items.ERROR_TABLE.rule(message.error_code)
        if message.error_code in pswin_items.ERRORS and rule.status == status:
            state = message.error_code or state
        seed = (message.to, message.from_, message.text, str(message.at_ms))
        fields |= {
            "REF": message.message_id or pswin_send.reference_of(*seed),
            "RCV": message.to.removeprefix("+"),
            "STATE": state,
        }
        if state == "DELIVRD":
            at = datetime.fromtimestamp(message.at_ms // 1000, UTC)
            fields["DELIVERYTIME"] = f"{at:%Y.%m.%d %H:%M:%S}"
    told = "".join(f"<{name}>{escaped(value)}</{name}>" for name, value in fields.items())
    return f"<MSG>{told}</MSG>"
