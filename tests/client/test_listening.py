"""A listener's books: how far everything was answered; answers reach the server for sure."""

import json
import time
from typing import Any

import pytest

from ringback.client import listening
from ringback.client.http import Client
from ringback.client.listening import Places, Reporter, Work
from ringback.client.local import Answer
from ringback.client.problems import ClientError
from tests.client.scripted import Answer as Canned
from tests.client.scripted import Scripted, scripted

TAKEN: Canned = (201, {"content-type": "application/json"}, b'{"data":[]}')


def _problem(status: int, code: str) -> Canned:
    body = {"type": "t", "title": "T", "status": status, "detail": "D.", "code": code}
    return status, {"content-type": "application/problem+json"}, json.dumps(body).encode()


def _work(number: int) -> Work:
    return Work(f"place-{number}", f"dlv_{number}", f"evt_{number}", "a.b", "lane", (), b"{}")


def _answer(body: bytes = b"ok", error: str | None = None) -> Answer:
    status = None if error else 200
    return Answer(status, error, "", 1.5, "http://x/", (("a", "b" * 9000),), body)


def test_the_place_moves_when_all_before_it_was_dealt_with() -> None:
    """What ends out of order waits for what came before; what is under way is not begun twice."""
    places = Places("start")
    assert [True, True, True, False] == [places.begin(place) for place in ("a", "b", "c", "b")]
    for place, done, left in (("b", "start", 2), ("a", "b", 1), ("c", "c", 0)):
        places.end(place)
        assert (done, left) == (places.done, places.open)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "PAUSE_S", 0.01)


class Books:
    """What a reporter tells."""

    def __init__(self) -> None:
        """Start empty."""
        self.taken: list[str] = []
        self.lost: list[float | None] = []

    def reporter(self, server: Scripted) -> Reporter:
        """Make a reporter whose client repeats nothing by itself for long."""
        client = Client(server.url, "rk_k", wait=lambda _: None)

        def lost(error: ClientError, pause_s: float | None) -> None:
            del error
            self.lost.append(pause_s)

        return Reporter(client, "/answers", lambda work: self.taken.append(work.place), lost)


def _sent(server: Scripted) -> list[list[dict[str, Any]]]:
    return [json.loads(one.body)["answers"] for one in server.asked]


def test_answers_are_brought_again_until_the_server_has_them() -> None:
    """Under one key, so that nothing is written twice; only then the place moves on."""
    books = Books()
    with scripted(*[_problem(503, "unavailable")] * 5, TAKEN) as server:
        reporter = books.reporter(server)
        reporter.put(_work(1), _answer(error="reset"))
        assert reporter.close(10)
        assert ["place-1"] == books.taken
        assert books.lost
        assert 1 == len({one.headers["idempotency-key"] for one in server.asked})
        ((answer, *_), *_) = _sent(server)
    assert ("dlv_1", "evt_1", None, "protocol") == tuple(
        answer[name] for name in ("delivery", "event", "status", "error")
    )
    assert listening.VALUE_MAX == len(answer["headers"][0][1])


def test_one_that_is_refused_costs_only_itself() -> None:
    """A batch with an answer that the server will never take is brought one by one."""
    books = Books()
    slow = _problem(503, "unavailable")
    with scripted(slow, TAKEN, _problem(422, "invalid"), _problem(422, "invalid"), TAKEN) as server:
        reporter = books.reporter(server)
        reporter.put(_work(0), _answer())
        deadline = time.monotonic() + 10
        while not server.asked and time.monotonic() < deadline:
            time.sleep(0.002)
        for number in (1, 2):
            reporter.put(_work(number), _answer(b"\xff"))
        assert reporter.close(10)
    assert ["place-0", "place-1", "place-2"] == books.taken
    assert None in books.lost
    assert "/w==" == _sent(server)[-1][0]["body_base64"]


def test_a_server_that_stays_away_is_not_waited_for_at_the_end() -> None:
    """Closing says that something is left, so that nobody takes it for told."""
    books = Books()
    with scripted(_problem(503, "unavailable")) as server:
        reporter = books.reporter(server)
        reporter.put(_work(1), _answer())
        assert not reporter.close(0.2)
    assert [] == books.taken
