"""The request log: a line for each request of the API, and nothing in it that is anybody's own."""

import asyncio
import io
import json
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog

from ringback.domain.http import Callback
from ringback.log import PROCESSORS
from ringback.providers import registry
from ringback.services.request_log import LINES_MAX, Line, RequestLog
from tests.api.house import KEY, OPERATOR_KEY, House, Json
from tests.api.people import signed_in
from tests.services.sink import until
from tests.services.stage import BASE_URL
from tests.sizes import SIZES

JSON = {"content-type": "application/json"}
NUMBER, TEXT, SECRET = "+447700912345", "CANARY-dear-Ms-Lovelace", "CANARY-secret"
CANARIES = (NUMBER, NUMBER[1:], "CANARY")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the log writes, through all that stands in its way in a worker."""
    before = structlog.get_config()
    file = io.StringIO()
    structlog.configure(
        processors=[*PROCESSORS, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        logger_factory=structlog.PrintLoggerFactory(file=file),
        cache_logger_on_first_use=False,
    )
    yield file
    structlog.configure(**before)


def lines(written: io.StringIO, event: str = "request") -> list[Json]:
    """Return the lines of one kind, and forget all."""
    found = [json.loads(line) for line in written.getvalue().splitlines()]
    written.seek(0)
    written.truncate()
    return [line for line in found if line["event"] == event]


def log_all(house: House) -> None:
    """Tell of every request from now on."""
    house.engine.request_log.everything = True


async def test_a_line_tells_whose_request_it_was(house: House, written: io.StringIO) -> None:
    """Method, template of the path, status, time, ids and sizes; no value of the path or query."""
    log_all(house)
    key = (await house.get("/v1/api-keys"))["data"][0]
    tenant = house.engine.configuration.snapshot.tenant_id(1)
    lines(written)
    path = "/v1/messages/msg_00000000000000000000000000"
    answer = await house.call("GET", path, params={"to": NUMBER})
    (line,) = lines(written)
    assert isinstance(line.pop("ms"), float)
    line.pop("timestamp")
    assert {
        "event": "request", "level": "info", "method": "GET", "status": 404, "code": "not_found",
        "route": "/v1/messages/{message_id}", "request_id": answer.headers["ringback-request-id"],
        "key": key["id"], "tenant": tenant, "mode": "test", "bytes_in": 0,
        "bytes_out": len(answer.content),
    } == line  # fmt: skip


async def test_a_line_names_whoever_is_signed_in(house: House, written: io.StringIO) -> None:
    """By an id: neither the key that there is not, nor the address or the cookie."""
    browser = await signed_in(house, "agent")
    view = (await browser.call("GET", "/v1/session")).json()
    lines(written)
    await browser.call("GET", "/v1/audit-log")
    (line,) = lines(written)
    assert (view["person"]["id"], "test", "scope_missing") == (
        line["person"], line["mode"], line["code"],
    )  # fmt: skip
    assert "key" not in line
    assert "example.com" not in str(line)


async def test_what_is_published_is_told_of_too(house: House, written: io.StringIO) -> None:
    """The hot route writes the same line: with its sizes, and with the code of what it refused."""
    log_all(house)
    body = {"type": "shop.paid", "data": {"to": NUMBER}}
    good = await house.call("POST", "/v1/events", json=body)
    bad = await house.call("POST", "/v1/events", json={"type": 1})
    unknown = await house.call("POST", "/v1/events", json=body, key="rk_test_nobody")
    first, second, third = lines(written)
    assert ("POST", "/v1/events", 201, "test", len(good.content)) == (
        first["method"], first["route"], first["status"], first["mode"], first["bytes_out"],
    )  # fmt: skip
    assert first["bytes_in"] == len(good.request.content)
    assert good.headers["ringback-request-id"] == first["request_id"]
    assert (422, "invalid") == (second["status"], second["code"])
    assert bad.json()["instance"] == second["request_id"]
    assert (401, "unauthenticated") == (unknown.status_code, third["code"])
    assert "key" not in third


async def test_requests_without_a_key_an_answer_or_a_route(
    house: House, written: io.StringIO
) -> None:
    """Each is told of as far as it is known; an operator has no tenant; probes are left out."""
    log_all(house)
    await house.call("GET", f"/{SECRET}", key=None)
    await house.call("GET", "/v1/tenants", key=OPERATOR_KEY)
    await house.call("GET", "/healthz", key=None)
    nowhere, operator = lines(written)
    assert (404, None, "no_such_route") == (nowhere["status"], nowhere["route"], nowhere["code"])
    assert ("/v1/tenants", 200) == (operator["route"], operator["status"])
    assert {"tenant", "mode"}.isdisjoint(operator)


async def test_errors_only_is_the_default(house: House, written: io.StringIO) -> None:
    """A success is not told of, a refusal is; with `off` nothing is."""
    await house.get("/v1/messages")
    await house.post("/v1/events", {"type": "shop.paid", "data": {}})
    assert [] == lines(written)
    await house.call("GET", "/v1/messages", key=None)
    (line,) = lines(written)
    assert (401, "/v1/messages") == (line["status"], line["route"])
    off = RequestLog("off")
    off.note(Line("GET", None, 500, 0.0, None, 0, 0))
    assert [] == lines(written)


def test_a_flood_of_errors_is_counted(written: io.StringIO) -> None:
    """A hundred lines a second; the first of a later one says how many were left out."""
    now = 100.0
    log = RequestLog(now=lambda: now)
    for _ in range(LINES_MAX + 50):
        log.note(Line("GET", None, 401, 0.0, None, 0, 0))
    assert LINES_MAX == len(lines(written))
    now += 1.0
    log.note(Line("GET", None, 500, 0.0, None, 0, 0))
    (line,) = lines(written)
    assert (50, "warning") == (line["skipped"], line["level"])
    everything = RequestLog("all", now=lambda: now)
    for _ in range(LINES_MAX + 50):
        everything.note(Line("GET", None, 200, 0.0, None, 0, 0))
    assert LINES_MAX + 50 == len(lines(written))


async def _ask(house: House, number: int) -> None:
    """Let canaries go through everything that the API takes."""
    unique = f"{TEXT}-{number}"
    for path in (f"/v1/messages/{NUMBER}", f"/{NUMBER}", f"/v1/messages?to={NUMBER}",
                 f"/v1/messages?limit={NUMBER}", f"/v1/inspect/{unique}",
                 f"/v1/messages?cursor={unique}"):  # fmt: skip
        await house.call("GET", path)
    await house.call("GET", "/v1/messages", key=f"rk_test_{SECRET}")
    await house.call("GET", "/v1/messages", headers={"ringback-tenant": unique})
    event = {"type": "shop.paid", "data": {"text": unique}, "subject": NUMBER}
    headers = {"idempotency-key": unique}
    for _ in range(2):
        await house.call("POST", "/v1/events", json=event, headers=headers)
    await house.call("POST", "/v1/events", json={**event, unique: NUMBER}, headers=headers)
    await house.call("POST", "/v1/events", json=[event] * 20)
    broken = f'{{"{unique}": {NUMBER}'.encode()
    for path in ("/v1/events", "/v1/endpoints", "/v1/connections"):
        await house.call("POST", path, content=broken, headers=JSON)
        await house.call("POST", path, json={unique: NUMBER, "url": NUMBER, "provider": unique})
    endpoint = {
        "url": f"{house.stage.sink.url}/{SECRET}?to={NUMBER}", "event_types": ["*"],
        "description": unique, "metadata": {"a": unique}, "headers": {"x-canary": SECRET},
        "policy": {"allowed_networks": ["127.0.0.0/8"], "retry_schedule": [1]},
    }  # fmt: skip
    if number == 0:
        await house.call("POST", "/v1/endpoints", json=endpoint)


async def _hear(house: House, number: int) -> None:
    """Let canaries come in as callbacks: good, forged, unreadable, and to nobody."""
    await house.hear(f"m{number}-{TEXT}", "sent", "delivered", to=NUMBER, reference=TEXT)
    await house.observe(number, to=NUMBER, text=TEXT, reference=TEXT)
    good = house.stage.callback("sent", "forged", to=NUMBER)
    forged = Callback(good.method, good.url, (("x-hub-signature-256", SECRET),), good.body)
    await house.stage.receive(forged)
    strange = Callback("POST", f"{BASE_URL}/in/x", (), f"{TEXT}{NUMBER}".encode())
    for token in ("demo-simulator", "demo-bandwidth", SECRET):
        await house.stage.receive(strange, token)


@pytest.mark.timeout(120 + 2 * SIZES.canaries)
async def test_no_canary_is_logged(
    house: House, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T63: numbers, texts and secrets through the API, callbacks, deliveries and exceptions."""
    log_all(house)
    house.stage.sink.answers += [(500, f"x-canary: {TEXT}\r\n"), (503, ""), (400, "")]
    for number in range(SIZES.canaries):
        await _ask(house, number)
        await _hear(house, number)
    await until(lambda: house.engine.push.active == 0, 60)

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise ValueError(f"cannot read {TEXT} of {NUMBER}")

    async def fail_later(*_: Any, **__: Any) -> NoReturn:
        await asyncio.sleep(0)
        fail()

    # Whatever could break, does: a parser, a handler, the way to the database.
    provider = type(registry.get("simulator"))
    with monkeypatch.context() as patched:
        patched.setattr(provider, "parse", fail)
        await house.observe(99, to=NUMBER)
    with monkeypatch.context() as patched:
        patched.setattr(house.engine.receiver, "_store", fail_later)
        answer = await house.stage.receive(house.stage.callback("sent", "m99", to=NUMBER))
        assert 503 == answer.status
    app = house.build(health=fail_later)
    async with house.client_of(app) as client:
        assert 500 == (await client.get("/readyz")).status_code
    metrics = (await house.call("GET", "/metrics")).text
    told = written.getvalue()
    events = {line["event"] for line in map(json.loads, told.splitlines())}
    assert {"request", "api.defect", "parse.defect", "receive.defect"} <= events
    assert [] == [canary for canary in CANARIES if canary in told + metrics]
    assert KEY not in told
