"""How endpoints and connections do: the same numbers before and after folding, and their own."""

from typing import Any

import msgspec

from tests.api.house import OTHER_KEY, House, Json, assert_problem


async def _fold(house: House) -> None:
    await house.engine.folding.once(least=1, after_s=0, ids_after_s=0, grace_s=-1)


async def _tried(house: House) -> str:
    """Let one delivery fail once and three succeed; return the endpoint's id."""
    house.stage.sink.answers.extend([(503, "")])
    await house.hear("m1", "sent")
    await house.delivered(1)
    await house.hear("m2", "sent", "delivered", "read")
    await house.delivered(4)
    found: str = (await house.get("/v1/endpoints"))["data"][0]["id"]
    return found


def _lasting(found: Json) -> Json:
    """Return what does not move with the clock."""
    series = {name: line for name, line in found["series"].items() if name != "at"}
    return {
        "requests": found["requests"], "deliveries": found["deliveries"],
        "latency": found["latency"], "by_type": found["by_type"],
        "sums": {name: sum(filter(None, line)) for name, line in series.items()},
    }  # fmt: skip


async def test_an_endpoint_tells_how_its_requests_went(house: House) -> None:
    """By result, class and type, with times; what is tried again counts as failing until done."""
    endpoint = await _tried(house)
    raw = await house.get(f"/v1/endpoints/{endpoint}/stats", span="1h")
    requests = raw["requests"]
    assert (3, 1) == (requests["success"], requests["failure"])
    assert {"2xx": 3, "3xx": 0, "4xx": 0, "5xx": 1, "other": 0, "no_answer": 0} == requests["codes"]
    assert 0 < requests["p50_ms"] <= requests["p95_ms"] <= requests["p99_ms"]
    deliveries = raw["deliveries"]
    assert (3, 4, 1) == (deliveries["value"], deliveries["of"], deliveries["retrying"])
    assert (3, 1) == (raw["latency"]["of"], raw["backlog"]["open"])
    types = {one["type"]: (one["success"], one["failure"]) for one in raw["by_type"]["types"]}
    assert {
        "message.sent": (1, 1), "message.delivered": (1, 0), "message.read": (1, 0),
    } == types  # fmt: skip
    assert 4 == raw["by_type"]["of"]
    assert 60 == len(raw["series"]["at"]) == len(raw["series"]["p95_ms"])
    await _fold(house)
    folded = await house.get(f"/v1/endpoints/{endpoint}/stats", span="1h")
    assert _lasting(raw) == _lasting(folded)
    (line,) = (await house.get("/v1/stats/endpoints", span="24h"))["data"]
    assert (endpoint, 3, 1, 1) == (line["id"], sum(line["success"]), sum(line["failure"]),
                                   line["open"])  # fmt: skip


async def test_a_connection_tells_what_became_of_its_callbacks(house: House) -> None:
    """By outcome, with the rate and the skew of the provider's clock against ours."""
    now = house.engine.clock.now_ms()
    await house.hear("m1", "sent", at_ms=now - 60_000)
    await house.hear("m1", "sent", at_ms=now - 60_000)
    await house.hear("m2", "sent", at_ms=now - 60_000)
    forged = house.stage.callback("read", "m1")
    forged = type(forged)(forged.method, forged.url, (), forged.body, forged.peer)
    await house.stage.receive(forged)
    connection = (await house.connection("whatsapp"))["id"]
    path = f"/v1/connections/{connection}/stats"
    for _ in range(2):
        found = await house.get(path, span="24h")
        outcomes = {name: n for name, n in found["callbacks"].items() if n}
        assert {"accepted": 2, "duplicate": 1, "rejected": 1} == outcomes
        assert outcomes == {
            name: sum(line) for name, line in found["series"].items() if name != "at" and sum(line)
        }
        assert (4, 1, "receiving") == tuple(
            found["heard"][name] for name in ("lately", "rejected", "state")
        )
        assert 58_000 < found["skew"]["median_ms"] < 90_000
        assert 2 == found["skew"]["of"]
        lines = {one["id"]: one for one in (await house.get("/v1/stats/connections"))["data"]}
        assert (4, 1, 4) == (
            lines[connection]["callbacks"], lines[connection]["refused"],
            sum(lines[connection]["line"]),
        )  # fmt: skip
        assert {"never"} == {one["state"] for id_, one in lines.items() if id_ != connection}
        await _fold(house)


async def test_a_connection_tells_codes_that_no_table_has(house: House) -> None:
    """How often, when last and of which message: the last 7 days', of this connection alone."""
    for number, code in enumerate(("4999", "4998", "4999", "131026")):
        await house.stage.fail(f"m{number}", code)
    path = f"/v1/connections/{(await house.connection('whatsapp'))['id']}/stats"
    found = (await house.get(path))["unknown_codes"]
    last = {code: (await house.message(of))["id"] for code, of in (("4999", "m2"), ("4998", "m1"))}
    assert [("4999", 2, last["4999"]), ("4998", 1, last["4998"])] == [
        (one["code"], one["times"], one["last_message"]) for one in found["codes"]
    ]
    assert found["complete"]
    assert found["since"] < found["codes"][0]["last_at"]
    other = f"/v1/connections/{(await house.connection('simulator'))['id']}/stats"
    assert [] == (await house.get(other))["unknown_codes"]["codes"]
    age = "set id = overlay(id::text placing '0191' from 1 for 4)::uuid"
    await house.stage.execute(f"update subject {age}")
    assert [] == (await house.get(path))["unknown_codes"]["codes"]


async def test_a_connection_tells_its_last_verdicts(house: House) -> None:
    """Newest first, with the reason where there is one."""
    await house.hear("m1", "sent")
    forged = house.stage.callback("read", "m1")
    await house.stage.receive(msgspec.structs.replace(forged, body=forged.body + b"x"))
    await house.hear("m1", "sent")
    path = f"/v1/connections/{(await house.connection('whatsapp'))['id']}/stats"
    found = (await house.get(path))["last_callbacks"]
    listed = (await house.get("/v1/callbacks"))["data"]
    assert ["duplicate", "rejected", "accepted"] == [one["outcome"] for one in found]
    assert [(one["id"], one["received_at"], one["reason"]) for one in listed] == [
        (one["id"], one["received_at"], one["reason"]) for one in found
    ]
    assert "does not match" in found[1]["reason"]


async def test_a_silence_that_is_unusual_is_told(house: House) -> None:
    """Three a second for hours, then nothing for ten minutes; rare callbacks are no alarm."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    whatsapp = house.stage.connection().no
    minute = house.engine.clock.now_ms() // 60_000 - 10
    await house.stage.execute("delete from callback")
    await house.stage.execute(
        f"insert into callback select floor_of({minute * 60_000}), 1, 2::smallint, {whatsapp}, "
        f"to_timestamp({minute * 60}), 'POST', '/', '', '[]', '', 2::smallint, '', 1, null"
    )
    await _fold(house)
    quarter = minute // 15 * 15
    rows = ", ".join(
        f"(1, 2, 4, 15, {whatsapp}, {quarter - 15 * n}, '{{2}}', '{{2700}}')" for n in range(1, 13)
    )
    assert "quiet" == await _state(house)
    await house.stage.execute(f"insert into rollup values {rows}")
    assert "silent" == await _state(house)
    (need,) = (await house.get("/v1/overview"))["needs_a_person"]
    assert ("connection_silent", 3.0) == (need["kind"], need["usual_per_s"])
    assert 590 < need["silent_s"] < 720


async def _state(house: House) -> Any:
    found = await house.get("/v1/overview")
    return next(one["state"] for one in found["connections"] if one["provider"] == "whatsapp")


async def test_others_see_none_of_it(house: House) -> None:
    """Neither one nor the list."""
    endpoint = await _tried(house)
    answer = await house.call("GET", f"/v1/endpoints/{endpoint}/stats", key=OTHER_KEY)
    assert_problem(answer, 404, "not_found")
    assert [] == (await house.get("/v1/stats/endpoints", key=OTHER_KEY))["data"]
    assert [] == (await house.get("/v1/stats/connections", key=OTHER_KEY))["data"]
