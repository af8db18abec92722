"""Raw requests that two servers could read differently (T08): never two requests from one."""

import asyncio

import pytest

from tests.transport.served import Caller, request, served

HIDDEN = b"GET /in/hidden HTTP/1.1\r\nHost: x\r\n\r\n"


def _raw(*lines: bytes, body: bytes, first: bytes = b"POST /in/x HTTP/1.1") -> bytes:
    return b"\r\n".join((first, b"Host: x", *lines)) + b"\r\n\r\n" + body


TE = b"Transfer-Encoding: chunked"
CL = b"Content-Length: 5"
CHUNKED_HIDDEN = b"0\r\n\r\n" + HIDDEN
# What each must not do is let the bytes of HIDDEN, which its own framing or the other reading of
# it covers, become a request of their own on a connection that goes on.
REFUSED = {
    "both": _raw(CL, TE, body=CHUNKED_HIDDEN),
    "both, the other way round": _raw(TE, CL, body=CHUNKED_HIDDEN),
    "two lengths": _raw(CL, b"Content-Length: 6", body=b"hello" + HIDDEN),
    "a list of lengths": _raw(b"Content-Length: 5, 5", body=b"hello" + HIDDEN),
    "length with a plus": _raw(b"Content-Length: +5", body=b"hello" + HIDDEN),
    "length in hex": _raw(b"Content-Length: 0x5", body=b"hello" + HIDDEN),
    "length with a space": _raw(b"Content-Length: 5 5", body=b"hello" + HIDDEN),
    "an empty length": _raw(b"Content-Length: ", body=HIDDEN),
    "space before the colon": _raw(b"Content-Length : 5", body=b"hello" + HIDDEN),
    "space before chunked's colon": _raw(b"Transfer-Encoding : chunked", body=CHUNKED_HIDDEN),
    "tab before the colon": _raw(b"Transfer-Encoding\t: chunked", body=CHUNKED_HIDDEN),
    "vertical tab": _raw(b"Transfer-Encoding:\x0bchunked", body=CHUNKED_HIDDEN),
    "unknown coding": _raw(b"Transfer-Encoding: xchunked", body=CHUNKED_HIDDEN),
    "chunked is not last": _raw(b"Transfer-Encoding: chunked, identity", body=CHUNKED_HIDDEN),
    "identity": _raw(b"Transfer-Encoding: identity", body=HIDDEN),
    "folded line": _raw(b"X-A: 1", b" Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "folded coding": _raw(b"Transfer-Encoding:", b" chunked", body=CHUNKED_HIDDEN),
    "no colon": _raw(b"Nonsense", body=HIDDEN),
    "NUL in a name": _raw(b"X\0A: 1", body=HIDDEN),
    "NUL in a value": _raw(b"X-A: 1\0", body=HIDDEN),
    "CR in a value": _raw(b"X-A: 1\rX-B: 2", body=HIDDEN),
    "chunk size with a sign": _raw(TE, body=b"+5\r\nhello\r\n0\r\n\r\n" + HIDDEN),
    "chunk size with 0x": _raw(TE, body=b"0x5\r\nhello\r\n0\r\n\r\n" + HIDDEN),
    "chunk size with a space": _raw(TE, body=b"5 5\r\nhello\r\n0\r\n\r\n" + HIDDEN),
    "huge chunk size": _raw(TE, body=b"1" * 20 + b"\r\nhello\r\n0\r\n\r\n" + HIDDEN),
    "negative chunk": _raw(TE, body=b"-1\r\n\r\n0\r\n\r\n" + HIDDEN),
    "no line end after a chunk": _raw(TE, body=b"5\r\nhello0\r\n\r\n" + HIDDEN),
    "chunk longer than told": _raw(TE, body=b"3\r\nhello\r\n0\r\n\r\n" + HIDDEN),
    "a length among the trailers": _raw(
        TE, body=b"1\r\nx\r\n0\r\nContent-Length: 9\r\n\r\n" + HIDDEN
    ),
    "no version": _raw(body=HIDDEN, first=b"GET /in/x"),
    "other version": _raw(body=HIDDEN, first=b"GET /in/x HTTP/1.2"),
    "space in the URL": _raw(body=HIDDEN, first=b"GET /in/x y HTTP/1.1"),
    "no URL": _raw(body=HIDDEN, first=b"GET HTTP/1.1"),
    "a wide space for a space": _raw(body=HIDDEN, first=b"POST\xa0/in/x HTTP/1.1"),
    "a wide space before the version": _raw(body=HIDDEN, first=b"POST /in/x\xa0HTTP/1.1"),
    "a wide line end in the URL": _raw(body=HIDDEN, first=b"POST /in/x\x85 y HTTP/1.1"),
    "beyond ASCII in the method": _raw(body=HIDDEN, first=b"P\xd6ST /in/x HTTP/1.1"),
    "beyond ASCII in the version": _raw(body=HIDDEN, first=b"POST /in/x HTTP/1.1\xff"),
    "beyond ASCII and NUL": _raw(body=HIDDEN, first=b"POST /in/\xe9\0 HTTP/1.1"),
    "lower-case method": _raw(body=HIDDEN, first=b"get /in/x HTTP/1.1"),
    "unknown method": _raw(body=HIDDEN, first=b"GETX /in/x HTTP/1.1"),
    "bare LF": b"POST /in/x HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello" + HIDDEN,
    "bare CR": b"POST /in/x HTTP/1.1\rHost: x\rContent-Length: 5\r\rhello" + HIDDEN,
}


async def _everything(caller: Caller) -> list[int]:
    """Read answers until the connection ends or nothing more comes; return their statuses."""
    statuses = []
    try:
        async with asyncio.timeout(0.5):
            while True:
                statuses.append((await caller.answer()).status)
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        return statuses


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
async def test_what_could_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    """400 and the end of the connection: what follows in it is never a request."""
    async with served() as door, door.caller() as caller:
        await caller.say(raw)
        assert [400] == await _everything(caller)
        assert "hidden" not in [name for name, _ in door.taken]


# Tolerated, and read in the one way that everybody else does.
TOLERATED = {
    "two equal lengths are one": (_raw(CL, CL, body=b"hello"), None),
    "chunk extensions": (_raw(TE, body=b"5;a=b;c\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "chunk sizes in any case": (_raw(TE, body=b"00A\r\n0123456789\r\n0\r\n\r\n"), b"0123456789"),
    "trailers are dropped": (_raw(TE, body=b"1\r\nx\r\n0\r\nX-A: 9\r\n\r\n"), b"x"),
    "two spaces": (_raw(body=b"", first=b"GET  /in/x HTTP/1.1"), b""),
    "an empty line before": (b"\r\n" + _raw(CL, body=b"hello"), b"hello"),
    "a body with GET": (_raw(CL, body=b"hello", first=b"GET /in/x HTTP/1.1"), b"hello"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "body"), TOLERATED.values(), ids=TOLERATED)
async def test_what_is_tolerated_is_one_request(raw: bytes, body: bytes | None) -> None:
    """The request behind it is the next one; or both are refused, and neither is taken."""
    async with served() as door, door.caller() as caller:
        await caller.say(raw + request("/in/next"))
        statuses = await _everything(caller)
        if body is None:
            assert ([400], []) == (statuses, door.taken)
        else:
            assert [200, 200] == statuses
            assert [("x", body), ("next", b"{}")] == [(n, c.body) for n, c in door.taken]
