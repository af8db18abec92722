"""An engine with its API, two tenants with their keys, and a client that speaks for them."""

import os
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI

from ringback.api.application import build_api
from ringback.api.context import Context
from ringback.domain.endpoints import DeliveryPolicy, Mode
from ringback.domain.http import Callback
from ringback.domain.ids import uuid7
from ringback.domain.messages import Status
from ringback.providers.simulator import SIMULATOR
from ringback.services.clock import Clock
from ringback.services.credentials_check import CredentialsCheck
from ringback.storage import configuration as stored
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage

# A's in test mode, A's in live mode, and another tenant's in test mode.
KEY, LIVE_KEY, OTHER_KEY = "rk_test_aaaa", "rk_live_aaaa", "rk_test_bbbb"
# An operator's, and the headers with which it acts for the other tenant.
OPERATOR_KEY = "rk_op_cccc"
ACTING = {"ringback-tenant": "other", "ringback-mode": "test"}
# What has to be asked for in lists that are not there without.
NEEDED = {"/v1/search": {"q": "m1"}}
LONG_AGO_MS = 1_772_442_927_000
Json = dict[str, Any]


class House:
    """What the tests of the API share. `stage` is the engine underneath."""

    def __init__(self, stage: Stage) -> None:
        """Build the API over an engine that runs already."""
        self.stage = stage
        self.engine = stage.engine
        self.held = True
        self.app = self.build()
        self.client = self.client_of(self.app)

    def build(self, **changes: Any) -> FastAPI:
        """Build the API as serving.py does, with some parts exchanged."""
        parts: dict[str, Any] = {
            "configuration": self.engine.configuration,
            "database": self.engine.database,
            "clock": self.engine.clock,
            "public_url": BASE_URL,
            "health": self.engine.health,
            "figures": self.engine.watch.figures,
            "simulate": self.engine.simulator.simulate,
            "player": self.engine.player,
            "again": self.engine.again,
            "trials": self.engine.trials,
            "feed": self.engine.feed,
            "answers": self.engine.answers,
            "key_use": self.engine.key_use,
            "session_use": self.engine.session_use,
            "sign_in": self.engine.sign_in,
            "store": self.engine.store,
            "credentials": CredentialsCheck(self.engine.client, self.engine.guards),
            "subscriber": self.engine.subscriber,
            "request_log": self.engine.request_log,
            "rate_limits": self.engine.rate_limits,
            "held": lambda: self.held,
        }
        return build_api(Context(**{**parts, **changes}))

    def client_of(self, app: FastAPI) -> httpx.AsyncClient:
        """Make a client of an application, without a network in between."""
        transport = httpx.ASGITransport(self.front(app))
        return httpx.AsyncClient(transport=transport, base_url="http://api.test")

    def front(self, app: FastAPI) -> Any:
        """Send what is published past the framework, as the server does."""

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if (scope["method"], scope["path"]) != ("POST", "/v1/events"):
                await app(scope, receive, send)
                return
            fields = ((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])
            body = (await receive()).get("body", b"")
            request = Callback("POST", f"{BASE_URL}/v1/events", tuple(fields), body)
            told = await self.engine.publisher.publish("", request)
            headers = [(n.encode(), v.encode()) for n, v in told.headers]
            start = {"type": "http.response.start", "status": told.status, "headers": headers}
            await send(start)
            await send({"type": "http.response.body", "body": told.body})

        return answer

    async def open(self) -> None:
        """Make the other tenant and all keys."""
        configuration = self.engine.configuration
        first = next(iter(configuration.snapshot.tenants))
        async with configuration.change() as connection:
            other = await stored.add_tenant(connection, self.new_id(), "other", "Other")
            for tenant, mode, key in (
                (first, Mode.TEST, KEY),
                (first, Mode.LIVE, LIVE_KEY),
                (other.no, Mode.TEST, OTHER_KEY),
            ):
                await stored.add_key(connection, self.new_id(), tenant, mode, key, "test")
            await stored.add_key(connection, self.new_id(), 0, 0, OPERATOR_KEY, "operator")

    def new_id(self) -> Any:
        """Make a fresh id."""
        return uuid7(self.engine.clock.now_ms(), os.urandom(10))

    async def call(
        self, method: str, path: str, *, key: str | None = KEY, **more: Any
    ) -> httpx.Response:
        """Make one request with a key."""
        headers = {**({"authorization": f"Bearer {key}"} if key else {}), **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, *, key: str | None = KEY, **params: Any) -> Json:
        """Get something that is there."""
        response = await self.call("GET", path, key=key, params=params or None)
        assert 200 == response.status_code, response.text
        found: Json = response.json()
        return found

    async def post(self, path: str, body: Any, *, key: str = KEY, status: int = 201) -> Json:
        """Post something that is accepted."""
        response = await self.call("POST", path, key=key, json=body)
        assert status == response.status_code, response.text
        found: Json = response.json()
        return found

    async def hear(self, message: str, *statuses: Status, **more: Any) -> None:
        """Let a message's callbacks come in one after the other."""
        for status in statuses:
            token = more.get("token", "demo-whatsapp")
            callback = self.stage.callback(status, message, **more)
            response = await self.stage.receive(callback, token)
            assert response.status < 300

    async def observe(self, number: int, *more_items: Json, **fields: Any) -> None:
        """Let one callback of the simulator come in, about a message of our own making."""
        items = [self.item(number, **fields), *more_items]
        connection = self.stage.connection("demo-simulator")
        config: Any = connection.config
        body = msgspec.json.encode({"items": items})
        headers = SIMULATOR.sign(body, config, self.engine.clock.now_ms())
        url = f"{BASE_URL}/in/demo-simulator"
        callback = Callback("POST", url, headers, body, "127.0.0.1")
        assert 200 == (await self.stage.receive(callback, "demo-simulator")).status

    @staticmethod
    def item(number: int, **fields: Any) -> Json:
        """Make what the simulator says of the message p`number`."""
        return {
            "type": "status", "status": "sent", "id": f"p{number}", "at": LONG_AGO_MS + number,
            "to": f"+1555010{number:04}", "from": "+15550009999",
            "reference": f"order-{number % 2}", **fields,
        }  # fmt: skip

    async def give_up_on(self, status: int) -> None:
        """Let every endpoint's deliveries end with this answer."""
        policy = msgspec.json.encode(DeliveryPolicy(give_up_on=(status,)))
        async with self.engine.configuration.change() as connection:
            await connection.execute("update endpoint set policy = $1", policy)

    async def delivered(self, count: int) -> None:
        """Wait until the sink has received so much and all of it is recorded."""
        await until(lambda: len(self.stage.sink.received) >= count)
        await until(lambda: self.engine.push.active == 0)
        await self.engine.recorder.drained()

    async def connection(self, provider: str) -> Json:
        """Return the demo's connection to a provider."""
        listed = (await self.get("/v1/connections"))["data"]
        found: Json = next(one for one in listed if one["provider"] == provider)
        return found

    async def message(self, provider_id: str, *, key: str = KEY) -> Json:
        """Return the message that a provider calls so."""
        page = await self.get("/v1/messages", key=key, provider_message_id=provider_id)
        assert 1 == len(page["data"])
        found: Json = page["data"][0]
        return found


class HandClock(Clock):
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        """Start at the present."""
        super().__init__()
        self.ahead_ms = 0

    def now_ms(self) -> int:
        """Return the time, moved."""
        return super().now_ms() + self.ahead_ms


def at(text: str) -> datetime:
    """Read a time as the API writes it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def assert_problem(response: httpx.Response, status: int, code: str) -> Json:
    """Check that an answer is a problem of this kind, in the one shape; return it."""
    assert status == response.status_code, response.text
    assert "application/problem+json" == response.headers["content-type"]
    problem: Json = response.json()
    assert {"type", "title", "status", "detail", "code", "instance", "errors"} == set(problem)
    assert (f"urn:ringback:problem:{code}", status, code) == (
        problem["type"], problem["status"], problem["code"],
    )  # fmt: skip
    assert problem["instance"] == response.headers["ringback-request-id"]
    assert problem["instance"].startswith("req_")
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in response.text
    return problem


def places(problem: Json) -> list[str]:
    """Return where the faults of a problem lie."""
    return [error.get("pointer", error.get("parameter")) for error in problem["errors"]]
