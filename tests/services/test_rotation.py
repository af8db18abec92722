"""A rotation in the middle of traffic: no delivery that a receiver cannot verify (T74)."""

import json
from collections.abc import Callable

import pytest
import standardwebhooks
import svix

from ringback.domain.endpoints import Mode
from ringback.domain.http import Callback
from ringback.services import profile
from ringback.services.manage import Manager
from ringback.services.rotation import Rotation
from ringback.storage.lists import Scope
from tests.api.house import HandClock
from tests.services.sink import Received, until
from tests.services.stage import BASE_URL, Stage

DELIVERIES = 1000


async def _publish(stage: Stage, count: int) -> None:
    known = profile.read(BASE_URL)
    assert known is not None
    body = json.dumps([{"type": "shop.paid", "data": {}}] * count).encode()
    headers = (("authorization", f"Bearer {known.api_key}"),)
    request = Callback("POST", f"{BASE_URL}/v1/events", headers, body)
    assert 201 == (await stage.engine.publisher.publish("", request)).status


def _rotation(stage: Stage) -> Rotation:
    engine = stage.engine
    manager = Manager(engine.configuration, engine.database, engine.clock, None)
    return Rotation(engine.configuration, engine.clock, manager)


def _by_standard(secret: str, request: Received) -> None:
    standardwebhooks.Webhook(secret).verify(request.body.decode(), request.headers)


def _by_svix(secret: str, request: Received) -> None:
    named = {name.replace("webhook-", "svix-"): value for name, value in request.headers.items()}
    svix.Webhook(secret).verify(request.body.decode(), named)


def verifies(verify: Callable[[str, Received], None], secret: str, request: Received) -> bool:
    """Say whether a library takes a request with a secret."""
    try:
        verify(secret, request)
    except (standardwebhooks.WebhookVerificationError, svix.WebhookVerificationError):
        return False
    return True


@pytest.mark.timeout(120)
async def test_both_secrets_verify_across_a_rotation(stage: Stage) -> None:
    """A thousand deliveries: up to the rotation the old secret verifies all, from then on both."""
    endpoint = await stage.add_endpoint(stage.sink.url, "shop.*")
    for _ in range(DELIVERIES // 200):
        await _publish(stage, 100)
    changed = await _rotation(stage).rotate(
        Scope(endpoint.tenant, Mode.TEST), endpoint.id, None, 3600
    )
    assert changed is not None
    # Whatever is sent from here on is signed with both.
    before = len(stage.sink.received)
    for _ in range(DELIVERIES // 200):
        await _publish(stage, 100)
    await until(lambda: len(stage.sink.received) == DELIVERIES, 60)
    new = changed.secrets[0]
    for verify in (_by_standard, _by_svix):
        for place, request in enumerate(stage.sink.received):
            assert verifies(verify, stage.secret, request)
            both = len(request.headers["webhook-signature"].split()) == 2
            assert both == verifies(verify, new, request)
            # A few were signed and on their way while the rotation was committed.
            assert both or place < before + endpoint.policy.concurrency
    assert verifies(_by_standard, new, stage.sink.received[-1])


async def test_the_old_secret_ends_by_itself(stage: Stage) -> None:
    """After the overlap the new secret alone signs, without anybody doing anything."""
    clock = HandClock()
    endpoint = await stage.add_endpoint(stage.sink.url, "shop.*")
    changed = await _rotation(stage).rotate(
        Scope(endpoint.tenant, Mode.TEST), endpoint.id, None, 3600
    )
    assert changed is not None
    engine = stage.engine.configuration.snapshot.endpoints[endpoint.no]
    assert 2 == len(engine.signing_keys(clock.now_ms()))
    clock.ahead_ms = 3_601_000
    assert engine.keys == engine.signing_keys(clock.now_ms())


async def test_without_overlap_the_old_secret_ends_at_once(stage: Stage) -> None:
    """What is sent after the answer verifies with the new secret only."""
    endpoint = await stage.add_endpoint(stage.sink.url, "shop.*")
    changed = await _rotation(stage).rotate(Scope(endpoint.tenant, Mode.TEST), endpoint.id, None, 0)
    assert changed is not None
    await _publish(stage, 1)
    await until(lambda: len(stage.sink.received) == 1)
    for verify in (_by_standard, _by_svix):
        found = [verifies(verify, secret, stage.sink.received[0])
                 for secret in (stage.secret, changed.secrets[0])]  # fmt: skip
        assert [False, True] == found
