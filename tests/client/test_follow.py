"""Following a list shows each row once, whatever the clocks of those who wrote it."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from ringback.client.follow import follow
from ringback.client.http import Client
from tests.client.scripted import Answer, scripted

BEGIN = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def _row(number: int, seconds: float) -> dict[str, Any]:
    return {"id": f"cbk_{number}", "at": (BEGIN + timedelta(seconds=seconds)).isoformat()}


def _page(*rows: dict[str, Any], following: str | None = None) -> Answer:
    body = json.dumps({"data": rows, "next": following, "prev": None})
    return 200, {"content-type": "application/json"}, body.encode()


def _followed(count: int, *answers: Answer) -> list[str]:
    with scripted(*answers) as server, Client(server.url, "rk_k") as client:
        rows = follow(client, "/v1/callbacks", {}, "at", wait=lambda _: None)
        return [row["id"] for row in islice(rows, count)]


def test_a_clock_that_is_ahead_repeats_nothing() -> None:
    """A row a minute ahead of the others is the newest: the others are still shown once."""
    ahead = _row(0, 60)
    assert ["cbk_1", "cbk_2", "cbk_3"] == _followed(
        3,
        _page(ahead),
        _page(_row(1, 1), ahead),
        _page(_row(2, 2), _row(1, 1), ahead),
        _page(_row(3, 3), _row(2, 2), _row(1, 1), ahead),
    )


def test_what_was_there_at_the_beginning_is_not_shown() -> None:
    """However many pages the last seconds before it fill."""
    old = [_row(number, number / 10) for number in range(4)]
    assert ["cbk_4"] == _followed(
        1,
        _page(old[3], old[2], following="more"),
        _page(old[1], old[0]),
        _page(_row(4, 1), old[3], following="more"),
        _page(old[2], old[1], old[0]),
    )
