"""T28: no name, value, method or path makes the receiver see a line that was not meant.

The receiver is a raw socket that keeps the bytes; every request is either refused before a
connection is opened, or arrives as exactly the lines that its fields say.
"""

import asyncio
import contextlib
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringback.domain.hosts import InvalidUrl
from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.transport.client import Client
from ringback.transport.encode import MAX_REQUEST_BODY, MAX_REQUEST_HEAD
from ringback.transport.exchange import Exchange, Outgoing
from tests.sizes import SIZES

from .receivers import Receiver, Spy, receiving

# The shapes of the public CRLF-injection lists, as header text and as URL text.
PAYLOADS = [
    "\r\nX-Evil: 1",
    "\nX-Evil: 1",
    "\rX-Evil: 1",
    "\r\n X-Evil: 1",
    "\r\n\tX-Evil: 1",
    "\r\r\n\nX-Evil: 1",
    "\r\n\r\n<html>evil</html>",
    "\r\nContent-Length: 0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
    "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "\r\nHost: evil.example",
    "\x00\r\nX-Evil: 1",
    "\x0bX-Evil: 1",
    "\x0cX-Evil: 1",
    "\x85X-Evil: 1",
    "\u2028X-Evil: 1",
    "\u560d\u560aX-Evil: 1",
    "\u010d\u010aX-Evil: 1",
    "%0d%0aX-Evil: 1",
    "%E5%98%8D%E5%98%8AX-Evil: 1",
    "\\r\\nX-Evil: 1",
]
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")


async def check(client: Client, receiver: Receiver, headers: tuple[tuple[str, str], ...]) -> bool:
    """Send with these headers; assert refused or seen exactly. Says which."""
    request = Outgoing("POST", Target.parse(receiver.url("/hook")), headers, b"{}")
    receiver.heads.clear()
    exchange = await client.send(request, policy=TEST, deadline_s=2)
    if exchange.error is not None:
        assert ("invalid_request", False, []) == (exchange.error, exchange.sent, receiver.heads)
        return False
    lines = [
        "POST /hook HTTP/1.1",
        f"Host: 127.0.0.1:{receiver.port}",
        "Accept-Encoding: identity",
        "Content-Length: 2",
        *(f"{name}: {value}" for name, value in headers),
    ]
    assert ["\r\n".join(lines).encode("ascii") + b"\r\n\r\n"] == receiver.heads
    assert all(NAME.fullmatch(name) for name, _ in headers)
    return True


async def test_known_payloads() -> None:
    """Each payload, as name, as value, and around a good name or value, adds no line."""
    sent = 0
    async with receiving() as receiver:
        client = Client()
        for payload in PAYLOADS:
            for headers in (
                ((payload, "v"),),
                (("X-A", payload),),
                (("X-A" + payload, "v"),),
                (("X-A", "v" + payload), ("X-B", "w")),
                (("X-A", payload + "v"), ("X-B", payload)),
            ):
                sent += await check(client, receiver, headers)
        await client.close()
    # Only what holds no control character and no foreign letter is sent, as text.
    assert 9 == sent


async def test_reserved_names_are_refused_in_any_case() -> None:
    """A caller cannot set the headers that frame a request, nor blank out their names."""
    async with receiving() as receiver:
        client = Client()
        for name in ("Host", "content-length", "TRANSFER-ENCODING", "Connection", "te", "Expect"):
            assert not await check(client, receiver, ((name, "1"),))
        for name in ("Host ", " Host", "Host:", "Ho\tst", ""):
            assert not await check(client, receiver, ((name, "1"),))
        await client.close()


def test_random_names_and_values() -> None:
    """Whatever the strings, the receiver sees the fields as given or nothing at all."""
    tricky = st.text(
        st.one_of(st.sampled_from("\r\n\0\t :\x7f\x85\u010a\u010d"), st.characters()), max_size=40
    )
    names = st.one_of(tricky, st.from_regex(NAME, fullmatch=True).map(lambda name: name[:40]))
    values = st.one_of(tricky, st.text(st.characters(min_codepoint=32, max_codepoint=126)))
    counts = {True: 0, False: 0}

    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        receiver = runner.run(stack.enter_async_context(receiving()))
        client = Client()

        @settings(
            max_examples=SIZES.header_strings,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(st.tuples(names, values), max_size=3))
        def attempt(headers: list[tuple[str, str]]) -> None:
            counts[runner.run(check(client, receiver, tuple(headers)))] += 1

        attempt()
        runner.run(client.close())
        runner.run(stack.aclose())
    assert SIZES.header_strings <= sum(counts.values())
    assert min(counts.values()) >= SIZES.header_strings // 20


async def test_urls_add_no_line() -> None:
    """A payload in path, query or host is refused with the URL or arrives percent-encoded."""
    async with receiving() as receiver:
        client = Client()
        for payload in PAYLOADS:
            for place in ("/{}", "/hook?q={}", "/hook#{}"):
                try:
                    target = Target.parse(receiver.url(place.format(payload)))
                except InvalidUrl:
                    continue
                receiver.heads.clear()
                exchange = await client.send(Outgoing("POST", target), policy=TEST, deadline_s=2)
                assert exchange.ok
                head = receiver.heads[0].decode("ascii")
                assert 4 == head.count("\r\n") - 1 == head.count("\n") - 1 == head.count("\r") - 1
                assert "\nX-Evil" not in head
        await client.close()


async def test_requests_have_a_size() -> None:
    """A body or head beyond the limit is refused before anything is connected to."""
    spy = Spy()
    client = Client(connect=spy)
    target = Target.parse("http://127.0.0.1:9000/")

    async def send(request: Outgoing) -> Exchange:
        return await client.send(request, policy=TEST, deadline_s=2)

    long = (("X-Long", "v" * (MAX_REQUEST_HEAD // 2)),) * 3
    for request in (
        Outgoing("POST", target, (), bytes(MAX_REQUEST_BODY + 1)),
        Outgoing("POST", target, long),
    ):
        assert "invalid_request" == (await send(request)).error
    assert [] == spy.calls
    assert "connect" == (await send(Outgoing("POST", target, long[:1], b"x" * 1000))).error
