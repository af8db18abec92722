"""What an adapter describes is carried out: each answer goes back to it, tokens are used again."""

import json
import uuid
from collections.abc import Generator

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.networks import LIVE, TEST, Policy
from ringback.providers.base import TokenRequest
from ringback.services.talk import Talk, Tokens, talk
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange
from tests.transport.receivers import Receiver, receiving

CONNECTION = uuid.UUID(int=7)
Flow = Generator[HttpRequest | TokenRequest, HttpResponse, list[int]]


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _flow(url: str, *, refused: bool = False, requests: int = 1) -> Flow:
    """Ask for a token, then for something else so many times; return the statuses."""
    token = yield TokenRequest(HttpRequest("POST", f"{url}/token"), refused)
    statuses = [token.status]
    for number in range(requests):
        answer = yield HttpRequest("GET", f"{url}/thing/{number}")
        statuses.append(answer.status)
    return statuses


def _token(expires_in: object) -> bytes:
    body = json.dumps({"access_token": "not-a-real-token", "expires_in": expires_in}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def _talk(
    receiver: Receiver, tokens: Tokens, flow: Flow, policy: Policy = TEST
) -> list[int] | Exchange:
    client = Client()
    try:
        return await talk(flow, Talk(client, policy, 2.0, tokens, CONNECTION))
    finally:
        await client.close()


def _asked(receiver: Receiver) -> list[str]:
    return [head.decode().split(" ")[1] for head in receiver.heads]


async def test_a_token_is_used_again_until_it_is_nearly_over() -> None:
    """It is fetched once in its life, again a minute before the end, and when it is refused."""
    clock = _Clock()
    tokens = Tokens(clock)
    async with receiving() as receiver:
        receiver.reply = _token(3600)
        url = receiver.url("")
        assert [200, 200] == await _talk(receiver, tokens, _flow(url))
        clock.now = 3539
        assert [200, 200] == await _talk(receiver, tokens, _flow(url))
        clock.now = 3541
        assert [200, 200] == await _talk(receiver, tokens, _flow(url))
        assert [200, 200] == await _talk(receiver, tokens, _flow(url, refused=True))
    thing = "/thing/0"
    assert ["/token", thing, thing, "/token", thing, "/token", thing] == _asked(receiver)


async def test_a_token_of_odd_life_is_fetched_each_time() -> None:
    """One that says nonsense, or less than a minute, is not kept."""
    for life in (30, "soon", -1):
        tokens = Tokens(_Clock())
        async with receiving() as receiver:
            receiver.reply = _token(life)
            for _ in range(2):
                await _talk(receiver, tokens, _flow(receiver.url("")))
        assert 2 == _asked(receiver).count("/token")


async def test_trouble_on_the_way_ends_the_flow() -> None:
    """What has no complete answer is the result, and the guard's word is in it."""
    async with receiving() as receiver:
        ended = await _talk(receiver, Tokens(), _flow(receiver.url("")), LIVE)
    assert isinstance(ended, Exchange)
    assert "guard_denied" == ended.error
    assert [] == receiver.heads


async def test_a_flow_without_end_is_ended() -> None:
    """After eight requests nothing more is sent for it."""
    async with receiving() as receiver:
        ended = await _talk(receiver, Tokens(), _flow(receiver.url(""), requests=50))
    assert isinstance(ended, Exchange)
    assert "more than 8 requests" in ended.detail
    assert 8 == len(receiver.heads)
