"""B16: what a panel asks for over a million messages, over HTTP, one request after the other."""

import asyncio
import http.client
import random
import time
from collections.abc import Callable
from urllib.parse import urlencode

from bench import seed
from bench.errors import BenchError
from bench.installation import Installation
from bench.open_loop import spread
from bench.seed import Seeded
from bench.stage import Stage

_MESSAGES = 1_000_000
_FEW = 2000
_ASKED = 200
_ASKED_FEW = 5
# An address of documentation: nothing is sent to it, because nothing new comes about.
_URL = "https://example.com/hooks"
_SEED = 16
_OVERVIEW = "/v1/overview?span=7d"
# Until the figures of all that was made have been folded, which is done at half a core.
_FOLDED_S = 600.0
_LOOK_S = 1.0
Question = Callable[[random.Random], tuple[str, str | None]]


def panel(stage: Stage) -> dict[str, float]:
    """B16: lists, search, timelines and the overview."""
    few = stage.size.name == "quick"
    messages, asked = (_FEW, _ASKED_FEW) if few else (_MESSAGES, _ASKED)
    with Installation(stage.scratch) as installation:
        installation.add_endpoints([_URL], ["shop.nothing"])
        began = time.monotonic()
        now_ms = int(installation.ledger.moment().ms)
        seeded = asyncio.run(seed.seed(installation.dsn, messages, now_ms))
        figures = {"seed": time.monotonic() - began}
        _await_figures(installation)
        questions = _questions(seeded, messages)
        for name, question in questions.items():
            figures[name] = _p95(installation, question, asked)
    searches = [value for name, value in figures.items() if name.startswith("search_")]
    return {**figures, "search": max(searches)}


def _await_figures(installation: Installation) -> None:
    """Wait until the overview counts all that was made. Raises BenchError."""
    deadline = time.monotonic() + _FOLDED_S
    while not installation.api("GET", _OVERVIEW)["complete"]:
        if time.monotonic() > deadline:
            raise BenchError("The figures of the overview have not caught up.")
        time.sleep(_LOOK_S)


def _questions(seeded: Seeded, messages: int) -> dict[str, Question]:
    """Return what is asked, by figure: a path, and what its answer has to hold."""

    def one(dice: random.Random) -> int:
        return dice.randrange(messages)

    def listing(**filters: str) -> Question:
        return lambda _: (f"/v1/messages?{urlencode(filters)}", '"data"')

    def search(text: Callable[[int], str], *, exact: bool = True) -> Question:
        def ask(dice: random.Random) -> tuple[str, str | None]:
            number = one(dice)
            path = f"/v1/search?{urlencode({'q': text(number)})}"
            return path, seeded.message(number) if exact else '"message"'

        return ask

    def timeline(dice: random.Random) -> tuple[str, str | None]:
        message = seeded.message(one(dice))
        return f"/v1/messages/{message}/timeline", message

    return {
        "list": listing(),
        "filtered": listing(status="failed,expired"),
        "rare": listing(status="cancelled", channel="whatsapp"),
        "search_id": search(seeded.message),
        "search_provider": search(seed.provider_id),
        "search_reference": search(seed.reference),
        "search_number": search(seed.address, exact=messages < seed.PERSONS),
        "search_digits": search(lambda number: seed.address(number)[-4:], exact=False),
        "timeline": timeline,
        "overview": lambda _: (_OVERVIEW, '"complete":true'),
    }


def _p95(installation: Installation, question: Question, asked: int) -> float:
    """Ask so often over one connection; return p95 in ms. Raises BenchError for a wrong answer."""
    dice = random.Random(_SEED)
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
    headers = {"authorization": f"Bearer {installation.api_key}"}
    took = []
    # The first ones find cold caches and plans that are still to be made.
    for turn in range(-asked // 10, asked):
        path, holds = question(dice)
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        if turn >= 0:
            took.append(time.perf_counter() - began)
        if answer.status != 200 or (holds is not None and holds not in body):
            raise BenchError(f"{path}: {answer.status} {body[:300]}")
    connection.close()
    return spread(took).p95
