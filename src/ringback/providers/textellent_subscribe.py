"""Subscribing to Textellent's events by its API.

Paths, headers and fields are those of https://github.com/riaz3485/mcp-server, as with sending. How
the list of subscriptions names its fields is not described anywhere: the names of the requests are
read, in both spellings. What cannot be read as a list at all is left alone.
"""

from collections.abc import Generator
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.providers import query_proof, reading
from ringback.providers.base import CheckFlow, TokenRequest
from ringback.providers.subscribing import (
    REMOVED_MAX,
    State,
    Subscribed,
    SubscribeFlow,
    Subscription,
    Wish,
    ended,
    listed,
    missing,
    ours,
    refused,
    same,
    shown,
)
from ringback.providers.textellent_config import TextellentConfig
from ringback.providers.textellent_send import (
    HOST,
    SUBSCRIBE,
    SUBSCRIPTIONS,
    UNSUBSCRIBE,
    account,
)

LABEL = "Textellent"
_LISTS = ("subscriptions", "data")


class _There(NamedTuple):
    """A subscription that there is; `client` is what it is ended by."""

    event: str
    url: str
    client: str


def flow(wish: Wish, config: TextellentConfig) -> SubscribeFlow:
    """Ask for the list, and bring it to what the connection's config wants."""
    if not config.auth_code:
        return missing(LABEL, "auth_code")
    answer = yield HttpRequest("GET", HOST + SUBSCRIPTIONS, account(config))
    if not _good(answer):
        return Subscribed(False, _why(answer, config))
    found = listed(answer.body, *_LISTS)
    if found is None:
        words = f"The list of subscriptions at {LABEL} cannot be read, so nothing was changed."
        return Subscribed(False, f"{words} Subscribe by hand, as the provider's page says.")
    there = [_there(one) for one in found]
    done: list[Subscription] = []
    for event in config.events:
        mine = [one for one in there if one.event == event and ours(one.url, wish.url)]
        there = [one for one in there if one not in mine]
        one = yield from _bring(event, mine, wish, config)
        done.append(one)
    for number, other in enumerate(there):
        going = wish.remove_others and number < REMOVED_MAX
        gone = (yield from _end(other, wish, config)) if going else False
        detail = "It could not be ended." if going and not gone else ""
        state: State = "removed" if gone else "others"
        done.append(Subscription(other.event, state, shown(other.url), detail))
    return ended(done, LABEL, dry_run=wish.dry_run)


def check(config: TextellentConfig) -> CheckFlow:
    """Ask for the list of subscriptions, which changes nothing."""
    answer = yield HttpRequest("GET", HOST + SUBSCRIPTIONS, account(config))
    answer = msgspec.structs.replace(answer, status=_status(answer))
    return reading.checked(answer, LABEL)


def _bring(
    event: str, mine: list[_There], wish: Wish, config: TextellentConfig
) -> Generator[HttpRequest | TokenRequest, HttpResponse, Subscription]:
    """Subscribe to one event unless that is done; then end what of ours leads elsewhere."""
    # The event's name stands in the query, because no body has it.
    proved = query_proof.into(wish.url, config.callback_secret)
    url = f"{proved}&event={quote(event, safe='')}"
    old = [one for one in mine if not same(one.url, url)]
    if len(old) == len(mine) and not wish.dry_run:
        body = msgspec.json.encode({"event": event, "target_url": url})
        answer = yield HttpRequest("POST", HOST + SUBSCRIBE, account(config), body)
        if not _good(answer):
            return Subscription(event, "refused", shown(url), _why(answer, config))
    detail = ""
    for one in old:
        gone = yield from _end(one, wish, config)
        if not gone:
            detail = f"The earlier one at {shown(one.url)} could not be ended."
    state: State = "changed" if old else "kept" if mine else "added"
    return Subscription(event, state, shown(url), detail)


def _end(
    one: _There, wish: Wish, config: TextellentConfig
) -> Generator[HttpRequest | TokenRequest, HttpResponse, bool]:
    """End a subscription; return whether it is over, or would be."""
    plain = f"{one.event}{one.url}"
    if not (one.client and plain.isprintable() and plain.isascii()):
        return False
    if wish.dry_run:
        return True
    url = f"{HOST}{UNSUBSCRIBE}/{quote(one.client, safe='')}.json"
    named = (("event", one.event), ("targetUrl", one.url))
    answer = yield HttpRequest("DELETE", url, (*account(config), *named))
    return _good(answer)


def _there(one: dict[str, object]) -> _There:
    named = [one.get(name) for name in ("clientId", "client_id", "id")]
    client = next((str(value) for value in named if isinstance(value, str | int)), "")
    url = reading.text(one.get("target_url"), 4096) or reading.text(one.get("targetUrl"), 4096)
    return _There(reading.text(one.get("event")) or "", url or "", client)


def _good(answer: HttpResponse) -> bool:
    return 200 <= _status(answer) < 300


def _status(answer: HttpResponse) -> int:
    """Return the status of an answer: that in its body, where an answer 200 has another there."""
    try:
        code = reading.mapping(decode(answer.body)).get("statusCode")
    except StrictJsonError:
        code = None
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code[:3])
    wrong = isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600
    return int(str(code)) if wrong and answer.status < 300 else answer.status


def _why(answer: HttpResponse, config: TextellentConfig) -> str:
    answer = msgspec.structs.replace(answer, status=_status(answer))
    return refused(answer, LABEL, config.auth_code, config.callback_secret)
