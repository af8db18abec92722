"""LINK Denmark's REST API, once called COOL: a secret in the URL, and what is simulated.

https://linkmobility.atlassian.net/wiki/display/COOL/Delivery+report. LINK proves nothing by itself.
What a callback says is read in `link_items`; `link_send` sends and plays LINK's own part.
"""

from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlencode

from ringback.domain.http import Callback, HttpRequest
from ringback.domain.messages import Status
from ringback.providers import keywords, link_items, link_send, reading
from ringback.providers.base import (
    CannotSimulateError,
    Fake,
    Faked,
    OutboundMessage,
    Parsed,
    SendFlow,
)
from ringback.providers.link_send import LinkCoolConfig
from ringback.providers.query_proof import ProvedByQuery

_WORDS: dict[Status, str] = {
    "submitted": "buffered",
    "delivered": "received",
    "failed": "rejected",
    "expired": "expired",
}


class LinkCool(ProvedByQuery):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "link_cool"
    label: ClassVar[str] = "LINK Mobility Denmark (REST v2)"
    channels: ClassVar[tuple[str, ...]] = ("sms",)
    documentation: ClassVar[str] = (
        "https://linkmobility.atlassian.net/wiki/display/COOL/LINK+Mobility+DK+Rest+API+v2"
    )
    Config = LinkCoolConfig
    STATUS = link_items.STATUS
    ERRORS = link_items.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = (*_WORDS, "received")
    methods: ClassVar[tuple[str, ...]] = ("GET", "POST")
    sends: ClassVar[tuple[str, ...]] = ("text",)
    refusals: ClassVar[tuple[str, ...]] = link_send.REFUSALS
    setup: ClassVar[str] = """\
1. Make a long random secret of letters and digits, and enter it here.
2. Where your own program sends, set `status` to true and `statusurl` to the connection's URL
   followed by `?callback_proof=` and the secret.
3. For messages of people, make a service of type `http` with that same URL.
4. To send from here, enter the API key.
"""
    notes: ClassVar[str] = """\
- Nothing is signed: the secret in the URL is all that proves a callback. It is hidden in what is
  kept.
- Reports come as GET, with everything in the query; messages of people come as a form.
- The answer to a send names a batch. The batch and the recipient together are the message.
- Reports come only for messages that were sent with a status URL.
- A reference has at most 500 characters. LINK names no maximum; it comes back in a URL.
- `statuscode` is passed on in the description of an error: what its values mean is not public.
- An incoming message has neither an id nor a time: the same words again from the same person to
  the same number on the same day (UTC) are taken for a repeat. A repeat across midnight is told
  twice. A STOP after a START is never a repeat.
"""

    def parse(self, callback: Callback, config: LinkCoolConfig) -> Parsed:
        """Read a report, or a message."""
        return keywords.heard(link_items.read(callback), config)

    def send(self, message: OutboundMessage, config: LinkCoolConfig) -> SendFlow:
        """Send a text to one recipient; one request."""
        return link_send.flow(message, config)

    def fake(self, request: HttpRequest, config: LinkCoolConfig, how: Fake) -> Faked | None:
        """Answer as LINK would."""
        return link_send.fake(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: LinkCoolConfig, url: str
    ) -> HttpRequest:
        """Make a callback for a status of `message`, or for its arrival.

        In one that arrives, `from_` is the person and `to` is our number.
        """
        if status not in self.simulated:
            raise CannotSimulateError(f"LINK Denmark never reports {status}")
        request = _report(message, status, url)
        if status == "received":
            form = {
                "SMS": message.text,
                "FROM": message.from_.removeprefix("+"),
                "NUMBER": message.to.removeprefix("+"),
            }
            headers = (("Content-Type", link_items.FORM),)
            request = HttpRequest("POST", url, headers, urlencode(form).encode())
        return self.authenticate(request, config, message.at_ms)


def _report(message: OutboundMessage, status: Status, url: str) -> HttpRequest:
    seed = (message.to, message.from_, message.text, str(message.at_ms))
    batch = message.message_id or str(int(reading.fingerprint(*seed)[:8], 16))
    told = {
        "status": _WORDS.get(status, ""),
        "reason": "",
        "receivetime": str(message.at_ms // 1000),
        "msgid": reading.fingerprint(batch, message.to),
        "to": message.to.removeprefix("+"),
        "statuscode": "0" if status in ("delivered", "submitted") else "1",
        "returndata": message.reference or "",
        "logdate": f"{datetime.fromtimestamp(message.at_ms // 1000, UTC):%Y_%m_%d}",
        "mcc": "238",
        "mnc": "1",
        "batchid": batch,
    }
    mark = "&" if "?" in url else "?"
    return HttpRequest("GET", f"{url}{mark}{urlencode(told)}")
