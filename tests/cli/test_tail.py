"""`ringback tail`: what happens is shown as it happens, and nothing of it is left out."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from ringback.cli import tail
from ringback.client import follow as following
from ringback.client.http import Client
from tests.cli.conftest import Run
from tests.server import KEY, Served


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than people need."""
    monkeypatch.setattr(tail, "LOOK_S", 0.05)


@contextmanager
def again_and_again(do: Callable[[int], object]) -> Iterator[None]:
    """Let something happen five times a second, numbered, while the block runs."""
    ended = threading.Event()

    def work() -> None:
        for number in itertools.count():
            do(number)
            if ended.wait(0.2):
                return

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)


def _publish(served: Served, number: int, subject: str) -> None:
    event = {"type": "tail.happened", "subject": subject, "data": {"number": number}}
    served.api("POST", "/v1/events", event)


def test_callbacks_are_shown_as_they_come(served: Served, ringback: Run) -> None:
    """Refused ones too, with the reason, as a line or whole; what was before is not shown."""
    url = f"{served.url}/in/demo-whatsapp"
    httpx.post(url, content=b"before")
    with again_and_again(lambda number: httpx.post(url, content=b"%d" % number)):
        shown = ringback("tail", "callbacks", "-n", "2", "--outcome", "rejected")
        rows = ringback("tail", "callbacks", "-n", "3", "-o", "jsonl").lines
    assert 2 == len(shown.lines)
    assert "whatsapp      rejected" in shown.lines[0]
    found = [json.loads(row) for row in rows]
    assert sorted({row["id"] for row in found}) == [row["id"] for row in found]


def test_deliveries_are_shown_with_what_follows(served: Served, ringback: Run) -> None:
    """Each attempt is a line: its answer, its time, its delivery, the decision."""
    made = served.api(
        "POST", "/v1/endpoints",
        {"url": f"{served.url}/inspect/tail?status=503", "event_types": ["tail.*"]},
    )  # fmt: skip
    with again_and_again(lambda number: _publish(served, number, f"delivery-{number}")):
        shown = ringback("tail", "deliveries", "--endpoint", made["id"], "--failed", "-n", "2")
    served.api("DELETE", f"/v1/endpoints/{made['id']}")
    for line in shown.lines:
        assert "503  " in line
        assert "dlv_" in line
        assert "attempt 1 of 10, next in" in line


def test_events_are_streamed_and_another_run_goes_on(served: Served, ringback: Run) -> None:
    """In order, without gaps and repeats across two runs; the type is a filter."""
    with again_and_again(lambda number: _publish(served, number, "stream")):
        first = ringback("tail", "events", "-e", "tail.*", "-n", "3", "-o", "jsonl")
    command, _, place = first.err.strip().rpartition(" ")
    assert "Go on with: ringback tail events --after" in command
    for number in range(100, 103):
        _publish(served, number, "stream")
    arguments = ["--after", place, "--type", "tail.*", "-o", "jsonl", "-n"]
    total = _sequence(first.lines)[-1]
    last = served.api("GET", "/v1/events?type=tail.*&limit=1")["data"][0]["sequence"]
    second = ringback("tail", "events", *arguments, str(last - total))
    numbers = _sequence([*first.lines, *second.lines])
    assert list(range(numbers[0], numbers[0] + len(numbers))) == numbers
    assert last == numbers[-1]


def _sequence(lines: list[str]) -> list[int]:
    return [json.loads(line)["sequence"] for line in lines]


def test_what_does_not_end_has_no_table_of_all(ringback: Run) -> None:
    """CSV needs its whole; a wrong filter and a wrong key end it with their exit codes."""
    assert "written as table, jsonl" in ringback("tail", "events", "-o", "csv", code=2).err
    ringback("tail", "callbacks", "--outcome", "nonsense", code=5)
    ringback("tail", "events", RINGBACK_API_KEY="rk_test_wrong", code=3)


class _Answers(httpx.BaseTransport):
    """A server of canned answers, to make lists that no real one makes at will."""

    def __init__(self, *answers: list[tuple[str, str]] | int) -> None:
        self._answers = iter(answers)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        del request
        answer = next(self._answers)
        if isinstance(answer, int):
            return httpx.Response(answer, json={"code": "unavailable", "title": "x"})
        rows = [{"id": id_, "at": at} for id_, at in answer]
        return httpx.Response(200, json={"data": rows, "next": None})


def test_late_rows_and_failures_leave_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that gets in behind a later one is found; a look that failed is made again, slower."""
    early, late = "2026-03-02T15:00:01Z", "2026-03-02T15:00:05Z"
    at_first = [("a", "2026-03-02T15:00:00Z")]
    with Client("http://127.0.0.1:1", KEY, wait=lambda _: None) as client:
        answers = _Answers(
            at_first, [("c", late), *at_first], 500, 500,
            [("c", late), ("b", early), *at_first],
        )  # fmt: skip
        monkeypatch.setattr(client, "_http", httpx.Client(transport=answers))
        waits: list[float] = []
        pauses: list[float] = []
        rows = following.follow(
            client, "/v1/attempts", {}, "at", wait=waits.append,
            lost=lambda _, pause: pauses.append(pause),
        )  # fmt: skip
        assert ["c", "b"] == [next(rows)["id"], next(rows)["id"]]
    assert [1.0, 2.0] == pauses
