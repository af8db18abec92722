"""Who may ask, and what everybody else is told."""

from ringback.domain.endpoints import Mode
from ringback.storage import configuration as stored
from tests.api.house import KEY, HandClock, House, assert_problem

DAY_MS = 86_400_000


STRANGERS = (
    None, "Bearer", "Bearer ", "Basic cmtfdGVzdA==", "Bearer rk_test_zzzz", f"bearer-ish {KEY}",
    f"Bearer {KEY}x", f"Bearer \u00e9{KEY}", f"Bearer {KEY.upper()}", KEY,
)  # fmt: skip


async def test_nobody_gets_in_without_a_known_key(house: House) -> None:
    """Without a key, or with one that is not known, every answer is the same 401."""
    for header in STRANGERS:
        headers = [(b"authorization", header.encode("latin-1"))] if header is not None else []
        response = await house.client.get("/v1/messages", headers=headers)
        assert_problem(response, 401, "unauthenticated")
        assert 'Bearer realm="ringback"' == response.headers["www-authenticate"]


async def test_every_route_under_v1_needs_a_key(house: House) -> None:
    """Each operation of the document answers 401 to a stranger, whatever else is wrong with it."""
    document = await house.get("/openapi.json", key=None)
    tried = 0
    for path, operations in document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method in operations:
            if (method, path) == ("post", "/v1/session"):
                continue  # signing in is for strangers
            response = await house.call(method.upper(), path, key=None, json={"nonsense": 1})
            assert_problem(response, 401, "unauthenticated")
            tried += 1
    assert tried > 20


async def test_an_expired_key_is_refused(house: House) -> None:
    """A key works until its time, by the database's clock, and not a moment longer."""
    key = "rk_test_short"
    configuration = house.engine.configuration
    tenant = next(iter(configuration.snapshot.tenants))
    async with configuration.change() as connection:
        await stored.add_key(connection, house.new_id(), tenant, Mode.TEST, key, "short")
        await connection.execute(
            "update api_key set expires = now() + interval '1 day' where name = 'short'"
        )
    clock = HandClock()
    client = house.client_of(house.build(clock=clock))
    headers = {"authorization": f"Bearer {key}"}
    assert 200 == (await client.get("/v1/messages", headers=headers)).status_code
    clock.ahead_ms = DAY_MS
    problem = assert_problem(
        await client.get("/v1/messages", headers=headers), 401, "unauthenticated"
    )
    assert "The key has expired." == problem["detail"]


async def test_a_revoked_key_is_refused(house: House) -> None:
    """Once a revocation is in effect the key is as good as unknown."""
    assert 200 == (await house.call("GET", "/v1/messages")).status_code
    async with house.engine.configuration.change() as connection:
        await connection.execute("update api_key set revoked = now() where hint = 'aaaa'")
    assert_problem(await house.call("GET", "/v1/messages"), 401, "unauthenticated")


async def test_a_worker_without_a_lease_takes_no_key(house: House) -> None:
    """A worker that was cut off may not know that a key was revoked: it answers 503."""
    house.held = False
    response = await house.call("GET", "/v1/messages")
    assert_problem(response, 503, "unavailable")
    assert "2" == response.headers["retry-after"]
