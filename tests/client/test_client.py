"""The API's client: what it sends again and what not, what it makes of answers, its streams."""

import json
from itertools import islice
from typing import Any

import pytest

from ringback.client.http import Client, retry_after, segment
from ringback.client.problems import ApiError, NotTheApi, TimedOut, Unreachable
from ringback.client.sse import Stream
from tests.client.scripted import Answer, Scripted, scripted

OK: Answer = (200, {"content-type": "application/json"}, b'{"id":"a"}')
STREAM = {"content-type": "text/event-stream"}


def _problem(status: int, code: str, **headers: str) -> Answer:
    body = {
        "type": "t", "title": "T", "status": status, "detail": "D.", "code": code,
        "instance": "req_1", "errors": [{"pointer": "/url", "detail": "No."}],
    }  # fmt: skip
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"content-type": "application/problem+json", **named}, json.dumps(body).encode()


def _client(server: Scripted, waited: list[float], **more: Any) -> Client:
    return Client(server.url, "rk_k", wait=waited.append, **more)


def test_a_post_is_sent_again_under_the_same_key() -> None:
    """A broken connection, then a request to wait: the third one succeeds, and all are one."""
    waited: list[float] = []
    with (
        scripted(None, _problem(503, "unavailable", retry_after="7"), OK) as server,
        _client(server, waited, tenant="t", mode="test") as client,
    ):
        assert {"id": "a"} == client.post("/v1/endpoints", {"é": 1})
    assert [0.1, 7.0] == waited
    assert 3 == len(server.asked)
    assert 1 == len({(one.headers["idempotency-key"], one.body) for one in server.asked})
    assert ("Bearer rk_k", "t", "test") == tuple(
        server.asked[0].headers[name]
        for name in ("authorization", "ringback-tenant", "ringback-mode")
    )


def test_patience_has_an_end() -> None:
    """Four requests at most; none more when the server asks for more patience than there is."""
    waited: list[float] = []
    with scripted(_problem(429, "busy")) as server, _client(server, waited) as client:
        with pytest.raises(ApiError) as caught:
            client.post("/v1/events", {})
        assert 4 == len(server.asked)
    assert "busy" == caught.value.code
    with scripted(_problem(429, "busy", retry_after="3600")) as server:
        with _client(server, waited) as client, pytest.raises(ApiError) as caught:
            client.get("/v1/events")
        assert 1 == len(server.asked)
    assert 3600 == caught.value.retry_after_s


def test_a_refusal_is_final_and_says_everything() -> None:
    """Code, detail, places and the request's id are there; nothing is sent twice."""
    with scripted(_problem(422, "invalid")) as server, _client(server, []) as client:
        with pytest.raises(ApiError) as caught:
            client.call("PATCH", "/v1/endpoints/x", body={})
        assert 1 == len(server.asked)
    error = caught.value
    assert (422, "invalid", "D.", "req_1") == (
        error.status, error.code, error.detail, error.request_id,
    )  # fmt: skip
    assert [("/url", "No.")] == [(one.where, one.detail) for one in error.errors]


def test_a_deletion_whose_answer_was_lost_has_happened() -> None:
    """The repetition finds nothing to delete, which is what was wanted; a first 404 is one."""
    with scripted(None, _problem(404, "not_found")) as server, _client(server, []) as client:
        assert client.call("DELETE", "/v1/endpoints/x") is None
        with pytest.raises(ApiError):
            client.call("DELETE", "/v1/endpoints/x")


def test_what_is_not_the_api_is_said_to_be_something_else() -> None:
    """A page of somebody's, a 404 of somebody's, and no address at all."""
    page = (200, {"content-type": "text/html"}, b"<html>")
    for answer in (page, (404, {}, b"nothing here"), (200, {}, b"[]")):
        with (
            scripted(answer) as server,
            _client(server, []) as client,
            pytest.raises(NotTheApi),
        ):
            list(client.rows("/v1/events"))
    with pytest.raises(Unreachable):
        Client("localhost:8420")


def test_a_slow_answer_is_told_as_such() -> None:
    """Nobody knows whether it was done, so it is not sent again."""
    with scripted(OK) as server:
        server.next = lambda: __import__("time").sleep(0.5) or OK  # type: ignore[method-assign]
        with _client(server, [], timeout_s=0.05) as client, pytest.raises(TimedOut):
            client.get("/v1/events")
        assert 1 == len(server.asked)


def test_rows_follow_the_cursor() -> None:
    """Pages are asked for as rows are wanted, with the filters each time."""
    first: Answer = (200, {}, b'{"data":[{"n":1},{"n":2}],"next":"c"}')
    last: Answer = (200, {}, b'{"data":[{"n":3}],"next":null}')
    with scripted(first, last) as server, _client(server, []) as client:
        assert [1, 2, 3] == [row["n"] for row in client.rows("/v1/x", {"type": "a.*", "no": None})]
    assert ["/v1/x?type=a.%2A&limit=200", "/v1/x?type=a.%2A&limit=200&cursor=c"] == [
        one.path for one in server.asked
    ]


def test_a_stream_goes_on_after_the_last_event() -> None:
    """What was seen is named when it is opened again; comments and unknown fields are nothing."""
    one = b": hello\nretry: 10\nid: 1\nevent: e\ndata: a\ndata: b\n\nid: 2\nda"
    two = b"id: 2\ndata: c\n\nid: 5\n\n"
    # A message without data moves the place on, and is none to deal with.
    three = b"id: 6\ndata: d\n\n"
    lost: list[str] = []
    with (
        scripted(
            (200, STREAM, one),
            _problem(503, "unavailable"),
            (200, STREAM, two),
            (200, STREAM, three),
        ) as server,
        _client(server, []) as client,
    ):
        stream = Stream(
            client, "/v1/events", {"type": "a"}, last_id="0", wait=lambda _: None,
            lost=lambda error, _: lost.append(str(error)),
        )  # fmt: skip
        found = list(islice(stream, 3))
    assert [("1", "e", "a\nb"), ("2", "message", "c"), ("6", "message", "d")] == found
    assert ["0", "1", "1", "5"] == [each.headers["last-event-id"] for each in server.asked]
    assert 3 == len(lost)
    assert 0.01 == stream.retry_s


def test_a_stream_that_is_refused_ends() -> None:
    """A wrong key is no reason to come again."""
    with scripted(_problem(401, "unauthenticated")) as server, _client(server, []) as client:
        with pytest.raises(ApiError):
            next(iter(Stream(client, "/v1/events", wait=lambda _: None)))
        assert 1 == len(server.asked)


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("12", 12.0), ("soon", None), ("", None)]
)
def test_retry_after_is_read(text: str | None, seconds: float | None) -> None:
    """Seconds; a date is a time from now; what says nothing is nothing."""
    assert seconds == retry_after(text)
    assert 0 == retry_after("Wed, 21 Oct 2015 07:28:00 GMT")


def test_an_id_of_ones_own_is_one_part_of_the_path() -> None:
    """Slashes and question marks lead nowhere else."""
    assert "a%2F..%3Fb%20%C3%A9" == segment("a/..?b é")
