"""Health for machines: no key, and reasons in words."""

from ringback.services.health import Health
from tests.api.house import House


async def test_the_process_lives(house: House) -> None:
    """As long as it can answer, without a key and without the database."""
    await house.engine.database.close()
    response = await house.call("GET", "/healthz", key=None)
    assert (200, {"status": "ok"}) == (response.status_code, response.json())
    await house.engine.database.open()


async def test_a_worker_that_can_work(house: House) -> None:
    """Ready, with how far behind deliveries are."""
    response = await house.call("GET", "/readyz", key=None)
    assert 200 == response.status_code
    assert {
        "ready": True,
        "reasons": [],
        "queue": {
            "oldest_due_seconds": 0.0, "waiting": 0, "sending": 0, "queued": 0, "stuck": 0,
        },
    } == response.json()  # fmt: skip


async def test_a_worker_that_cannot(house: House) -> None:
    """503, and each reason as a sentence."""
    reasons = ["The clock is more than 60 s off the database's.", "And so on."]

    async def unwell() -> Health:
        return Health(
            ready=False, reasons=reasons, oldest_due_s=1.5, waiting=7, sending=3, queued=2, stuck=0
        )

    client = house.client_of(house.build(health=unwell))
    response = await client.get("/readyz")
    assert 503 == response.status_code
    assert (False, reasons) == (response.json()["ready"], response.json()["reasons"])
    assert {
        "oldest_due_seconds": 1.5, "waiting": 7, "sending": 3, "queued": 2, "stuck": 0,
    } == response.json()["queue"]  # fmt: skip


async def test_a_database_that_is_gone_is_a_reason(house: House) -> None:
    """The engine's own health says so."""
    await house.engine.database.close()
    response = await house.call("GET", "/readyz", key=None)
    assert 503 == response.status_code
    assert response.json()["reasons"]
    await house.engine.database.open()
