"""Rate limits per key: requests beyond them get 429 with the time to wait; nobody else does."""

import uuid

import httpx
import pytest

from ringback.domain.endpoints import ApiKey, Mode
from ringback.services.rate_limits import RateLimits
from tests.api.house import (
    ACTING,
    KEY,
    OPERATOR_KEY,
    OTHER_KEY,
    House,
    Json,
    assert_problem,
    places,
)
from tests.api.test_native import MESSAGE, connect, tell

EVENT = {"type": "shop.paid", "data": {}}
TWO = {"per_second": 1, "burst": 2}


class Watch:
    """A clock that stands until it is moved."""

    now = 500.0


@pytest.fixture
def watch(house: House) -> Watch:
    """The clock that this engine's limits go by."""
    watch = Watch()
    house.engine.rate_limits._now = lambda: watch.now
    return watch


async def limited(house: House, **rate: int) -> str:
    """Make a key with a rate of its own."""
    made = await house.post("/v1/api-keys", {"name": "slow", "rate_limit": rate or TWO})
    key: str = made["key"]
    return key


def told(response: httpx.Response) -> tuple[str | None, str | None, str | None]:
    """Return what an answer says of limits."""
    headers = response.headers
    return headers.get("ratelimit-policy"), headers.get("ratelimit"), headers.get("retry-after")


async def test_a_key_that_asks_too_often_waits(house: House, watch: Watch) -> None:
    """Two at once, then 429 and when to come again; after that time one more is answered."""
    key = await limited(house)
    policy = '"key";q=2;w=2'
    for left, seconds in ((1, 1), (0, 2)):
        answer = await house.call("GET", "/v1/messages", key=key)
        assert 200 == answer.status_code
        assert (policy, f'"key";r={left};t={seconds}', None) == told(answer)
    for call in ("GET /v1/messages", "POST /v1/events", "POST /v1/endpoints"):
        method, path = call.split()
        answer = await house.call(method, path, key=key, json=EVENT)
        problem = assert_problem(answer, 429, "rate_limited")
        assert (policy, '"key";r=0;t=2', "1") == told(answer)
        assert "1 requests a second, 2 at once" in problem["detail"]
    watch.now += 1.0
    assert 201 == (await house.call("POST", "/v1/events", key=key, json=EVENT)).status_code
    assert_problem(await house.call("GET", "/v1/messages", key=key), 429, "rate_limited")
    assert 200 == (await house.call("GET", "/v1/messages")).status_code


async def test_a_publisher_is_told_when_half_is_used(house: House, watch: Watch) -> None:
    """The hot route says nothing of limits before; a request is one, however many events it has."""
    key = await limited(house, per_second=1, burst=4)
    seen = [
        told(await house.call("POST", "/v1/events", key=key, json=[EVENT] * 5))[1] for _ in range(4)
    ]
    assert [None, None, '"key";r=1;t=3', '"key";r=0;t=4'] == seen


async def test_a_repeated_post_counts_once(house: House, watch: Watch) -> None:
    """An Idempotency-Key costs no further request; what was refused so is not what is kept."""
    key = await limited(house)
    headers = {"idempotency-key": "a"}
    body = {"name": "x"}
    first = await house.call("POST", "/v1/api-keys", key=key, json=body, headers=headers)
    assert (201, '"key";r=1;t=1') == (first.status_code, told(first)[1])
    again = await house.call("POST", "/v1/api-keys", key=key, json=body, headers=headers)
    assert (first.json(), '"key";r=0;t=2') == (again.json(), told(again)[1])
    other = {"idempotency-key": "b"}
    refused = await house.call("POST", "/v1/api-keys", key=key, json=body, headers=other)
    assert_problem(refused, 429, "rate_limited")
    watch.now += 1.0
    taken = await house.call("POST", "/v1/api-keys", key=key, json=body, headers=other)
    assert 201 == taken.status_code


async def test_callbacks_are_never_limited(house: House, watch: Watch) -> None:
    """However slow the tenant's keys have to be, whatever its provider posts is taken."""
    await put(house, "default", {"rate_limit": {"per_second": 1, "burst": 1}})
    assert 200 == (await house.call("GET", "/v1/messages")).status_code
    assert 429 == (await house.call("GET", "/v1/messages")).status_code
    for number in range(5):
        await house.hear(f"m{number}", "sent")


async def test_native_requests_count(house: House, watch: Watch) -> None:
    """They carry a key: what is beyond its limit is refused, and nothing of it is taken."""
    token, key = await connect(house), await limited(house)
    answers = [await tell(house, token, MESSAGE, key=key) for _ in range(3)]
    assert [200, 200, 429] == [answer.status_code for answer in answers]
    assert_problem(answers[2], 429, "rate_limited")
    assert 2 == await house.stage.value("select count(*) from callback")


async def put(house: House, tenant: str, body: Json) -> Json:
    """Change a tenant as an operator."""
    answer = await house.call("PUT", f"/v1/tenants/{tenant}", key=OPERATOR_KEY, json=body)
    assert 200 == answer.status_code, answer.text
    changed: Json = answer.json()
    return changed


async def test_a_tenants_limit_is_for_its_keys_without_their_own(
    house: House, watch: Watch
) -> None:
    """The key's own goes before the tenant's, and that before the installation's; null ends it."""
    changed = await put(house, "other", {"rate_limit": {"per_second": 3}})
    assert {"per_second": 3, "burst": 6} == changed["rate_limit"]
    answer = await house.call("GET", "/v1/messages", key=OTHER_KEY)
    assert '"key";r=5;t=1' == told(answer)[1]
    assert '"key";q=2000;w=2' == told(await house.call("GET", "/v1/messages"))[0]
    body = {"name": "fast", "rate_limit": {"per_second": 9, "burst": 9}}
    made = await house.call("POST", "/v1/api-keys", key=OPERATOR_KEY, json=body, headers=ACTING)
    assert {"per_second": 9, "burst": 9} == made.json()["rate_limit"]
    answer = await house.call("GET", "/v1/messages", key=made.json()["key"])
    assert '"key";q=9;w=1' == told(answer)[0]
    assert changed["rate_limit"] == (await put(house, "other", {"name": "Other"}))["rate_limit"]
    ended = await put(house, "other", {"rate_limit": None})
    assert ended["rate_limit"] is None
    answer = await house.call("GET", "/v1/messages", key=OTHER_KEY)
    assert '"key";q=2000;w=2' == told(answer)[0]


async def test_no_key_gives_more_than_it_has(house: House, watch: Watch) -> None:
    """422 with the place; a slow key's keys are as slow, unless they are to be slower."""
    slow = await limited(house, per_second=5, burst=8)
    body = {"name": "x", "rate_limit": {"per_second": 6, "burst": 9}}
    refused = await house.call("POST", "/v1/api-keys", key=slow, json=body)
    problem = assert_problem(refused, 422, "invalid")
    assert ["/rate_limit/per_second", "/rate_limit/burst"] == places(problem)
    heir = await house.post("/v1/api-keys", {"name": "x"}, key=slow)
    assert {"per_second": 5, "burst": 8} == heir["rate_limit"]
    slower = await house.post("/v1/api-keys", {"name": "x", "rate_limit": TWO}, key=slow)
    assert TWO == slower["rate_limit"]
    assert slower["rate_limit"] == (await house.get(f"/v1/api-keys/{slower['id']}"))["rate_limit"]
    fast = {"name": "x", "rate_limit": {"per_second": 1001}}
    assert_problem(await house.call("POST", "/v1/api-keys", json=fast), 422, "invalid")
    wrong: tuple[object, ...] = ({"per_second": 0}, {"burst": 3}, {"per_second": 1, "burst": 0}, 7)
    for one in wrong:
        asked = {"name": "x", "rate_limit": one}
        assert_problem(await house.call("POST", "/v1/api-keys", json=asked), 422, "invalid")


async def test_what_is_remembered_is_bounded_by_the_keys_in_force(
    house: House, watch: Watch
) -> None:
    """A bucket for each key that was used; a revoked key's is forgotten, the others go on."""
    made = await house.post("/v1/api-keys", {"name": "x", "rate_limit": TWO})
    assert 200 == (await house.call("GET", "/v1/messages", key=made["key"])).status_code
    assert 200 == (await house.call("GET", "/v1/messages", key=OTHER_KEY)).status_code
    limits = house.engine.rate_limits
    assert 3 == len(limits._buckets)
    await house.call("DELETE", f"/v1/api-keys/{made['id']}")
    assert 2 == len(limits._buckets)
    for _ in range(3):
        assert 401 == (await house.call("GET", "/v1/messages", key="rk_test_x")).status_code
    assert 2 == len(limits._buckets)
    assert KEY != OTHER_KEY


async def test_without_a_limit_nothing_is_said_of_one(house: House) -> None:
    """RINGBACK_RATE_LIMIT=0: no fields, no bucket, and an operator's own limits still count."""
    limits = RateLimits(lambda: house.engine.configuration.snapshot, 0)
    free = ApiKey(uuid.uuid4(), 1, Mode.TEST)
    assert limits.take(free) is None
    held = ApiKey(uuid.uuid4(), 1, Mode.TEST, rate=1, burst=1)
    taken = [limits.take(held), limits.take(held)]
    assert [True, False] == [one.allowed for one in taken if one is not None]
