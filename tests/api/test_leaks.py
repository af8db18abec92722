"""No API key can be found in what is kept: not in the database, not in the logs."""

import hashlib

import pytest
import structlog

from ringback.storage.database import connect
from tests.api.house import KEY, LIVE_KEY, House
from tests.sizes import SIZES
from tests.storage.dump import dump, leaked

EVENT = {"type": "shop.paid", "data": {}}


async def issued(house: House) -> list[str]:
    """Make keys and use each: well, for what it may not do, and wrongly; revoke some."""
    keys = []
    for number in range(SIZES.issued_keys):
        key = KEY if number % 2 else LIVE_KEY
        headers = {"idempotency-key": f"k{number}"}
        body = {"name": f"number {number}", "scopes": ["messages:read", "events:write"]}
        made = await house.call("POST", "/v1/api-keys", key=key, json=body, headers=headers)
        again = await house.call("POST", "/v1/api-keys", key=key, json=body, headers=headers)
        assert made.json() == again.json()
        new = made.json()["key"]
        keys.append(new)
        assert 200 == (await house.call("GET", "/v1/messages", key=new)).status_code
        assert 403 == (await house.call("GET", "/v1/endpoints", key=new)).status_code
        assert 404 == (await house.call("GET", f"/v1/messages/{new}", key=new)).status_code
        assert 401 == (await house.call("GET", "/v1/messages", key=f"{new}x")).status_code
        await house.post("/v1/events", EVENT, key=new)
        if not number % 10:
            path = f"/v1/api-keys/{made.json()['id']}"
            assert 204 == (await house.call("DELETE", path, key=key)).status_code
    return keys


@pytest.mark.timeout(120 + 2 * SIZES.issued_keys)
async def test_no_issued_key_is_kept_anywhere(house: House) -> None:
    """Every row of every table and every line of the log, with all fields: none of them."""
    with structlog.testing.capture_logs() as lines:
        keys = await issued(house)
        await house.engine.key_use.flush()
    connection = await connect(house.stage.dsn)
    try:
        text = await dump(connection)
    finally:
        await connection.close()
    assert SIZES.issued_keys == len(set(keys))
    assert hashlib.sha256(keys[0].encode()).hexdigest().encode() in text
    bare = [key.split("_", 2)[2] for key in keys]
    assert [] == leaked(bare, text + repr(lines).encode())
    assert [keys[0]] == leaked(keys, f"a line with {keys[0]} in it".encode())
