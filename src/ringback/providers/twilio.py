"""Twilio messaging: SMS, MMS, WhatsApp and RCS, with Conversations and Event Streams.

Signatures are in `twilio_proof`, what callbacks say in `twilio_items` (forms) and `twilio_events`
(JSON), sending in `twilio_send`, and Twilio's own side of the wire in `twilio_fake`.
"""

from typing import Any, ClassVar
from urllib.parse import quote

from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import (
    twilio_events,
    twilio_explain,
    twilio_fake,
    twilio_items,
    twilio_proof,
    twilio_send,
    twilio_tables,
    twilio_wishes,
)
from ringback.providers.base import (
    CannotSimulateError,
    CheckFlow,
    Fake,
    Faked,
    MediaFlow,
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    SendFlow,
    Verification,
)
from ringback.providers.twilio_config import TwilioConfig

REALM = "ringback"
TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_XML = (("Content-Type", "text/xml; charset=utf-8"),)
_JSON = (("Content-Type", "application/json"),)


class Twilio(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "twilio"
    label: ClassVar[str] = "Twilio"
    channels: ClassVar[tuple[str, ...]] = ("sms", "mms", *twilio_tables.CHANNELS)
    documentation: ClassVar[str] = "https://www.twilio.com/docs/usage/webhooks/messaging-webhooks"
    Config: ClassVar[type[ProviderConfig]] = TwilioConfig
    STATUS = twilio_tables.STATUS
    ERRORS = twilio_tables.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = (*twilio_fake.WORDS, "failed", "expired", "received")
    sends: ClassVar[tuple[str, ...]] = ("text", "media", "template")
    refusals: ClassVar[tuple[str, ...]] = (
        "21211", "21408", "21610", "21611", "21612", "21614", "21617", "14107", "20003", "63016",
    )  # fmt: skip
    repeats: ClassVar[str] = (
        "once, if it cannot connect; with `#rc=…` in the URL more often, within 15 s"
    )
    setup: ClassVar[str] = """\
1. Copy the **primary** Auth Token from the console's *Account Info*: it is the `auth_token`, and
   signs the callbacks. A subaccount signs with its own, and needs a connection of its own.
2. Messages from people: under *Phone Numbers*, *Active numbers*, open each number and enter the
   callback URL as the webhook of *A message comes in*, with *HTTP POST*. Numbers of a Messaging
   Service have it in the service instead: *Integration*, *Send a webhook*, *Request URL*.
3. Reports: enter it as the *Delivery Status Callback* of the Messaging Service. A number has no
   such field: programs that send without a service give it as `StatusCallback` of each message,
   with `?reference=` and an id of their own if they like: the message's reference here.
4. Put `#rc=5&rp=5xx,ct,rt` at the end of the URL wherever you enter it: Twilio then tries again
   within its 15 seconds. It is not signed.
5. To send, and to fetch files that people send, add the Account SID, and an API key
   (*API keys & tokens*) if the Auth Token is not to be used for that.
6. Event Streams, the post-action webhook of Conversations, and the click callback of a Link
   Shortening domain take the same URL.
"""
    notes: ClassVar[str] = """\
- The signature covers the URL as Twilio called it. Behind a proxy, set the public URL: scheme,
  host, path and query must be Twilio's, letter for letter. The port may be there or not.
- A name and its value stand side by side in what is signed, and a field that comes several times
  is signed in the order of its values: it is read as missing here if they differ.
- Stricter than Twilio's own validator: both signature headers at most once; a body that is no form
  only with one `bodySHA256` in the query that is its hash; no body with GET; no empty form; base64
  only as it is written; SHA-256 only with the shared key, SHA-1 only with the Auth Token.
- User name and password in the callback URL are asked for beside the signature, where the
  connection has them: Twilio comes back with them after a 401.
- Twilio posts nothing for the first status of a message, and nothing again after 15 seconds.
- `RawDlrDoneDate` has no time zone, so reports of status callbacks are dated by their arrival;
  those of Event Streams carry Twilio's time.
- `OptOutType` comes with Advanced Opt-Out alone: it tells of STOP and START, and of a message with
  it nothing else is heard. Without it `opt_out_words` and `opt_in_words` are.
- Twilio keeps an opt-out for the sender or for its whole Messaging Service. So STOP, START and the
  errors of who opted out are told twice where a service is named: of the number, and with the
  service's id (`MG…`) as `sender`. They are about SMS, MMS and RCS together.
  Its name, and those of the fields of Conversations, have not been compared with callbacks of a
  live account: what comes under other names is kept with the callback, and not read.
- Clicks come by Event Streams or by the callback of the Link Shortening domain: set up one of them,
  or each click is told twice. The callback's fields have not been compared with a live account's,
  either; JSON and forms are read.
- A long SMS may come in base64, and nothing says so. What reads as words of a person is decoded;
  `text_in_base64` is what came. One word alone stays as it is.
- What Twilio says of a channel's message stands in `message_type` and `channel_metadata`; a
  Conversations receipt names the channel's own message and the conversation in its metadata, as
  `channel_message_sid` and `conversation_sid`.
- Files of people need credentials at Twilio, which go to its own hosts and nowhere else.
"""

    def verify(self, callback: Callback, config: TwilioConfig, now_ms: int) -> Verification:
        """Check the signature of the URL and what came with it. Twilio signs no time."""
        del now_ms
        return twilio_proof.verify(callback, config)

    def explain(self, callback: Callback, config: TwilioConfig, now_ms: int) -> str | None:
        """Say what Twilio's own ways make likely: whose Auth Token, which hash, which field."""
        del now_ms
        return twilio_explain.explain(callback, config)

    def parse(self, callback: Callback, config: TwilioConfig) -> Parsed:
        """Read a form, or the events of a JSON array."""
        if twilio_proof.is_json(callback):
            parsed = twilio_events.Events().read(callback.body)
        else:
            parsed = twilio_items.read(callback)
        return twilio_wishes.heard(parsed, config)

    def reply(
        self, callback: Callback, config: TwilioConfig, verification: Verification
    ) -> HttpResponse:
        """Answer 200 with what Twilio does nothing about, or 401.

        An empty TwiML document sends no reply; without a Content-Type Twilio warns (12300), and
        plain text would be sent to the person. Conversations and Event Streams take JSON.
        """
        if verification.verdict == "ok":
            as_json = twilio_proof.is_json(callback) or b"EventType=on" in callback.body
            return HttpResponse(200, _JSON, b"{}") if as_json else HttpResponse(200, _XML, TWIML)
        if config.callback_username is None and config.callback_password is None:
            return HttpResponse(401, _XML)
        return HttpResponse(401, (*_XML, ("WWW-Authenticate", f'Basic realm="{REALM}"')))

    def authenticate(self, request: HttpRequest, config: TwilioConfig, now_ms: int) -> HttpRequest:
        """Prove a request as Twilio would, in its URL and its headers."""
        del now_ms
        return twilio_proof.authenticate(request, config)

    def url_to_enter(self, url: str, config: TwilioConfig) -> str:
        """Put user name and password into it, where there are any."""
        if config.callback_username is None or config.callback_password is None:
            return url
        name = quote(config.callback_username, safe="")
        return url.replace("://", f"://{name}:{quote(config.callback_password, safe='')}@", 1)

    def covers(self, config: Any) -> tuple[str, bool]:
        """Say that the URL is signed."""
        del config
        return (
            "the signature covers this URL, letter for letter but for its port, and every field",
            True,
        )

    def send(self, message: OutboundMessage, config: TwilioConfig) -> SendFlow:
        """Send a text, files or a template; one request."""
        return twilio_send.send(message, config)

    def media(self, found: dict[str, object], config: TwilioConfig) -> MediaFlow:
        """Fetch a file of a person: with credentials, then from where Twilio sends on to."""
        return twilio_send.media(found, config)

    def check(self, config: TwilioConfig) -> CheckFlow | None:
        """Ask whether our credentials are taken, where there are any."""
        return twilio_send.check(config) if config.account_sid else None

    def fake(self, request: HttpRequest, config: TwilioConfig, how: Fake) -> Faked | None:
        """Answer the creation of a message as Twilio would."""
        return twilio_fake.fake(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: TwilioConfig, url: str
    ) -> HttpRequest:
        """Make a signed callback for a status of `message`, or for its arrival from a person."""
        if status not in self.simulated:
            raise CannotSimulateError(f"Twilio never reports {status}")
        return twilio_fake.simulate(message, status, config, url)
