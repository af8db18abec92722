"""Pausing connections through the API: who did it and why is shown, counted and audited."""

from tests.api.house import LIVE_KEY, House, Json, assert_problem, places
from tests.api.test_audit import log
from tests.api.test_metrics import _scrape, _values
from tests.api.test_native import AT, MESSAGE, connect, tell


async def _do(house: House, verb: str, connection: str, **body: str) -> Json:
    return await house.post(f"/v1/connections/{connection}/{verb}", body, status=200)


async def test_a_pause_is_shown_with_who_and_why(house: House) -> None:
    """On the connection, in the overview, the metrics and the audit log; until it is resumed."""
    known = await house.connection("whatsapp")
    assert ({"intake": None, "processing": None}, None) == (known["paused"], known["held"])
    path = f"/v1/connections/{known['id']}"
    for problem in (
        await house.call("POST", f"{path}/pause", json={"part": "all"}),
        await house.call("POST", f"{path}/pause", json={"part": "intake", "reason": "x" * 501}),
    ):
        assert_problem(problem, 422, "invalid")
    paused = await _do(house, "pause", known["id"], part="processing", reason="Moving house")
    pause = paused["paused"]["processing"]
    assert ("Moving house", "key_") == (pause["reason"], pause["by"][:4])
    assert (0, None, False) == (
        paused["held"]["count"], paused["held"]["oldest_at"], paused["held"]["resuming"],
    )  # fmt: skip
    again = await _do(house, "pause", known["id"], part="processing", reason="Another one")
    assert pause == again["paused"]["processing"]
    await house.hear("m1", "sent", "delivered")
    held = (await house.get(path))["held"]
    (newest, first) = (await house.get("/v1/callbacks", outcome="held"))["data"]
    assert (2, False, first["received_at"]) == (held["count"], held["at_least"], held["oldest_at"])
    assert 2 == (await house.get(f"{path}/stats"))["callbacks"]["held"]
    (need,) = (await house.get("/v1/overview"))["needs_a_person"]
    assert ("connection_processing_paused", 2, known["id"], "Moving house", pause["since"]) == (
        need["kind"], need["count"], need["connection"], need["reason"], need["since"],
    )  # fmt: skip
    values = _values(await _scrape(house))
    assert (1.0, 0.0, 2.0) == (
        values["ringback_connections_paused", "processing"],
        values["ringback_connections_paused", "intake"], values[("ringback_callbacks_held",)],
    )  # fmt: skip
    assert 0 < values[("ringback_oldest_callback_held_seconds",)]
    read = await house.post(f"/v1/callbacks/{newest['id']}/reparse", {"effects": True}, status=200)
    assert ("accepted", 1) == (read["outcome"], len(read["events"]))
    resumed = await _do(house, "resume", known["id"], part="processing")
    assert {"intake": None, "processing": None} == resumed["paused"]
    await house.delivered(2)
    told = [(entry["action"], entry["detail"]) for entry in await log(house)]
    assert [
        ("connection.resumed", {"part": "processing"}),
        ("callback.reparse", {}),
        ("connection.paused", {"part": "processing", "reason": "Moving house"}),
    ] == told[:3]  # fmt: skip


async def test_a_native_connection_tells_its_callers(house: House) -> None:
    """Its intake can be paused, with a problem of its own; its processing cannot."""
    token = await connect(house)
    known = await house.connection("native")
    path = f"/v1/connections/{known['id']}/pause"
    problem = await house.call("POST", path, json={"part": "processing"})
    assert ["/part"] == places(assert_problem(problem, 422, "invalid"))
    await _do(house, "pause", known["id"], part="intake")
    answer = await tell(house, token, {**MESSAGE, "at": AT})
    assert (503, "paused", "60") == (
        answer.status_code, answer.json()["code"], answer.headers["retry-after"],
    )  # fmt: skip
    assert 1 == house.engine.receiver.outcomes["native", "paused"]
    (need,) = (await house.get("/v1/overview"))["needs_a_person"]
    assert ("connection_intake_paused", 0, None) == (need["kind"], need["count"], need["reason"])
    assert [] == (await house.get("/v1/overview", key=LIVE_KEY))["needs_a_person"]
    await _do(house, "resume", known["id"], part="intake")
    assert 200 == (await tell(house, token, {**MESSAGE, "at": AT})).status_code
