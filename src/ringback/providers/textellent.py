"""Textellent: a secret in the URL, callbacks by a mapping that is not verified, and sending.

What it posts is documented nowhere in public: how callbacks are read is the connection's own, by
the preset `textellent` unless it has another mapping. `textellent_send` sends and plays its part.
"""

from typing import ClassVar

import msgspec

from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback, HttpRequest
from ringback.domain.messages import Status
from ringback.providers import (
    forms,
    mapping_writing,
    query_proof,
    reading,
    textellent_send,
    textellent_subscribe,
)
from ringback.providers.base import (
    CannotSimulateError,
    CheckFlow,
    Fake,
    Faked,
    Item,
    OutboundMessage,
    Parsed,
    SendFlow,
    Unrecognised,
)
from ringback.providers.beside import TellsBeside
from ringback.providers.query_proof import ProvedByQuery
from ringback.providers.subscribing import SubscribeFlow, Subscribing, Wish
from ringback.providers.textellent_config import TextellentConfig

# What the mapping calls what none of its rules holds for.
_NO_RULE = "textellent.callback"


class Textellent(ProvedByQuery, Subscribing, TellsBeside):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "textellent"
    label: ClassVar[str] = "Textellent (not verified)"
    channels: ClassVar[tuple[str, ...]] = ("sms", "mms")
    documentation: ClassVar[str] = ""
    Config = TextellentConfig
    simulated: ClassVar[tuple[Status, ...]] = (
        "queued", "submitted", "sent", "delivered", "failed", "received",
    )  # fmt: skip
    tells: ClassVar[tuple[Status, ...]] = ("queued", "submitted", "sent", "delivered", "failed")
    methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    sends: ClassVar[tuple[str, ...]] = ("text", "media")
    refusals: ClassVar[tuple[str, ...]] = textellent_send.REFUSALS
    subscribes: ClassVar[str] = (
        "to each of `events`, with `auth_code`; earlier ones of this connection are replaced"
    )
    setup: ClassVar[str] = """\
1. Make a long random secret of letters and digits, and enter it here as `callback_secret`.
2. Enter the `authCode` of the account as `auth_code`: it is needed to send, and to subscribe.
3. Subscribe with `ringback connections subscribe con_01…`, or with the button on the connection's
   page: to each of the connection's `events`, at its URL with the secret and the event's name in
   the query. By hand it is, for each event:

   ```sh
   curl -X POST https://client.textellent.com/api/v1/event/subscribe.json \\
     -H 'authCode: …' -H 'content-type: application/json' \\
     -d '{"event":"INCOMING_MESSAGE","target_url":"…?callback_proof=…&event=INCOMING_MESSAGE"}'
   ```

   `event` in the query is for Ringback: `incomingMessageDetail`, `outgoingMessageDeliveryStatus`,
   `phoneNumberAddedToDNT` or `phoneNumberRemovedFromDNT`, or these in capitals.
4. Let some callbacks come, try the mapping on them, and change what is different at your account.
"""
    notes: ClassVar[str] = """\
- **Not verified.** Textellent publishes neither what it posts nor whether it tries again. The
  preset `textellent` is made of what is likely; a mapping of your own takes its place.
- Nothing is signed: the secret in the URL is all that proves a callback. It is hidden in what is
  kept.
- Numbers added to the do-not-text list, and taken off it, are opt-outs and opt-ins, and so are
  messages that are `opt_out_words` or `opt_in_words`.
- Events that the mapping has no rule for, such as `newContactDetails`, `associateContactToTag`,
  `phoneNumberAddedToWrongNumber` and those of appointments, are `provider.unrecognised` as they
  came, with the kind `textellent.` and the event's name in the query.
- Of the events' names in subscriptions only `INCOMING_MESSAGE` is known; `events` can be changed.
  How the list of subscriptions names its fields is read as its requests name them.
- The API has no validity: a message that is to expire is refused, and not sent without it.
- The API takes no reference of yours, and its errors have no documented codes: they are told apart
  by the HTTP status.
"""

    def parse(self, callback: Callback, config: TextellentConfig) -> Parsed:
        """Read a callback by the connection's mapping; what that has no rule for is named.

        An event's name stands in the query, which is no part of what is passed on.
        """
        concealed = query_proof.conceal(callback)
        parsed = config.how.program.read(concealed, self.name)
        if any(type(item) is Unrecognised for item in parsed.items):
            named = [value for name, value in forms.pairs(concealed.query) or () if name == "event"]
            if len(named) == 1:
                items = tuple(_named(item, named[0]) for item in parsed.items)
                parsed = msgspec.structs.replace(parsed, items=items)
        return config.heard(parsed)

    def send(self, message: OutboundMessage, config: TextellentConfig) -> SendFlow:
        """Send a text or files to one recipient; one request."""
        return textellent_send.flow(message, config)

    def subscribe(self, wish: Wish, config: TextellentConfig) -> SubscribeFlow:
        """Subscribe to the events of the config; several requests."""
        return textellent_subscribe.flow(wish, config)

    def check(self, config: TextellentConfig) -> CheckFlow | None:
        """Ask for the subscriptions, where there is a code to ask with."""
        return textellent_subscribe.check(config) if config.auth_code else None

    def fake(self, request: HttpRequest, config: TextellentConfig, how: Fake) -> Faked | None:
        """Answer as Textellent's API may, also to subscriptions."""
        return textellent_send.fake(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: TextellentConfig, url: str
    ) -> HttpRequest:
        """Make a callback that the connection's mapping reads."""
        if status not in self.simulated:
            raise CannotSimulateError(f"{self.label}: its mapping never says {status}")
        request = mapping_writing.write(config.how, message, status, url, self.name)
        return self.authenticate(request, config, message.at_ms)

    def notice(
        self, message: OutboundMessage, word: ConsentWord, config: TextellentConfig, url: str
    ) -> HttpRequest | None:
        """Make the callback that a number was put on the do-not-text list, or taken off it."""
        request = mapping_writing.write_wish(config.how, message, word, url, self.name)
        return None if request is None else self.authenticate(request, config, message.at_ms)


def _named(item: Item, event: str) -> Item:
    if not isinstance(item, Unrecognised) or item.kind != _NO_RULE:
        return item
    return msgspec.structs.replace(item, kind=reading.kind_of("textellent", event))
