"""Publishing: own types in, numbered per subject, delivered in order, refused with pointers."""

import asyncio
import json
from typing import Any

import pytest

from ringback.domain.http import Callback, HttpResponse
from ringback.services import profile
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage


async def _post(stage: Stage, body: Any, key: str | None = None) -> HttpResponse:
    known = profile.read(BASE_URL)
    assert known is not None
    headers = (("authorization", f"Bearer {key or known.api_key}"),)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Callback("POST", f"{BASE_URL}/v1/events", headers, raw)
    return await stage.engine.publisher.publish("", request)


def _event(type_: str = "shop.order_paid", **more: Any) -> dict[str, Any]:
    return {"type": type_, "data": {"total": 12}, **more}


async def test_one_event(stage: Stage) -> None:
    """It is stored, numbered and delivered; the publisher's data keeps every byte."""
    await stage.add_endpoint(stage.sink.url, "shop.*")
    data = b'{ "b":1.50, "a" :"\\u00e9\xc3\xa9\\/",\n\t"z":12345678901234567890123,"c":1E+2 }'
    answer = await _post(stage, b'{"data": ' + data + b' , "type":"shop.paid"}')
    assert answer.status == 201
    view = json.loads(answer.body)
    await until(lambda: len(stage.sink.received) == 1)
    body = stage.sink.received[0].body
    assert b'"data":' + data + b"}" in body
    assert view == {"id": json.loads(body)["id"], "type": "shop.paid"}


async def test_events_of_a_subject_are_numbered_and_in_order(stage: Stage) -> None:
    """A hundred events of two subjects in one request: each subject counts by itself."""
    await stage.add_endpoint(stage.sink.url, "shop.*")
    events = [_event(subject=f"order-{n % 2}") for n in range(100)]
    answer = await _post(stage, events)
    assert len(json.loads(answer.body)["data"]) == 100
    await until(lambda: len(stage.sink.received) == 100)
    got = [json.loads(request.body) for request in stage.sink.received]
    for subject in ("order-0", "order-1"):
        numbers = [body["sequence"] for body in got if body["subject"] == subject]
        assert numbers == list(range(1, 51))


async def test_two_workers_number_one_subject(stage: Stage) -> None:
    """Publishers at two workers at once: no number twice, none missing."""
    other = stage.another_engine()
    await other.start()
    try:
        known = profile.read(BASE_URL)
        assert known is not None
        headers = (("authorization", f"Bearer {known.api_key}"),)
        request = Callback(
            "POST", f"{BASE_URL}/v1/events", headers, json.dumps(_event(subject="s")).encode()
        )
        publishers = [stage.engine.publisher, other.publisher]
        answers = await asyncio.gather(*(publishers[n % 2].publish("", request) for n in range(40)))
        assert {201} == {answer.status for answer in answers}
    finally:
        await other.stop()
    rows = await stage.rows("select sequence from event order by pos")
    assert [row[0] for row in rows] == list(range(1, 41))


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (_event("message.sent"), ["/type"]),
        (_event("Shop"), ["/type"]),
        ({"type": "a.b"}, ["/data"]),
        ({"type": "a.b", "data": [1]}, ["/data"]),
        ({"type": "a.b", "data": {}, "colour": 1}, [""]),
        ([_event(), _event("x"), _event(subject="")], ["/1/type", "/2/subject"]),
        (_event(timestamp="2026-03-02T15:01:22"), ["/timestamp"]),
        (_event(timestamp="yesterday"), ["/timestamp"]),
        (_event(retry="often"), ["/retry"]),
        ([], [""]),
        ([_event()] * 101, [""]),
    ],
)
async def test_what_is_wrong_is_named_with_its_place(
    stage: Stage, body: Any, pointers: list[str]
) -> None:
    """422 with a JSON pointer for each fault, and nothing is stored."""
    answer = await _post(stage, body)
    assert answer.status == 422
    assert [fault["pointer"] for fault in json.loads(answer.body)["errors"]] == pointers
    assert await stage.value("select count(*) from event") == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"type":"a.b","data":{"x":NaN}}', b"[" * 5000, b"\xff"]
)
async def test_what_is_not_json_is_refused(stage: Stage, body: bytes) -> None:
    """400, whatever the bytes are."""
    assert (await _post(stage, body)).status == 400


async def test_without_a_key_nothing_is_taken(stage: Stage) -> None:
    """An unknown key gets 401 and the way to ask."""
    answer = await _post(stage, _event(), "rk_test_wrong")
    assert answer.status == 401
    assert 'Bearer realm="ringback"' == dict(answer.headers)["www-authenticate"]


async def test_an_event_worth_one_attempt(stage: Stage) -> None:
    """`retry: none` is tried once; its failure is told to the other endpoints, not retried."""
    failing = await stage.add_endpoint(f"{stage.sink.url}/failing", "shop.*")
    await stage.add_endpoint(f"{stage.sink.url}/ops", "endpoint.*")
    stage.sink.answers.append((500, ""))
    await _post(stage, _event(retry="none"))
    await until(lambda: len(stage.sink.received) == 2)
    assert [request.path for request in stage.sink.received] == ["/hook/failing", "/hook/ops"]
    told = json.loads(stage.sink.received[1].body)
    assert told["type"] == "endpoint.delivery_exhausted"
    assert told["data"]["event_type"] == "shop.order_paid"
    await until(lambda: stage.engine.recorder.attempts == 2)
    rows = await stage.rows("select final from attempt where endpoint = $1", failing.no)
    assert [2] == [row[0] for row in rows]
    assert await stage.value("select count(*) from delivery") == 0


async def test_gone_disables_the_endpoint(stage: Stage) -> None:
    """410: the endpoint is disabled everywhere, the others are told, and it gets nothing more."""
    gone = await stage.add_endpoint(f"{stage.sink.url}/gone", "shop.*")
    await stage.add_endpoint(f"{stage.sink.url}/ops", "endpoint.disabled")
    stage.sink.answers.append((410, ""))
    await _post(stage, _event())
    await until(lambda: len(stage.sink.received) == 2)
    told = json.loads(stage.sink.received[1].body)
    assert (told["type"], told["data"]["reason"]) == ("endpoint.disabled", "It answered 410 Gone.")
    assert stage.engine.configuration.snapshot.endpoints[gone.no].disabled
    await _post(stage, _event())
    await asyncio.sleep(0.2)
    assert len(stage.sink.received) == 2
