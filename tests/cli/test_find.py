"""`ringback find` against a server."""

import json

from tests.cli.conftest import Run


def test_what_is_at_hand_finds_it(ringback: Run) -> None:
    """By a reference and by last digits; the table for people, ids for programs."""
    more = ("--to", "+15550167", "--reference", "find-me-1")
    made = json.loads(ringback("simulate", "delivered", *more, "-o", "jsonl").out)
    assert [made["message"]] == ringback("find", "find-me", "-o", "id").lines
    (hit,) = ringback("find", "555", "0167", "-o", "json").json
    assert ("message", made["message"], "To +15550167") == (hit["kind"], hit["id"], hit["title"])
    shown = ringback("find", made["message"])
    assert made["message"] in shown.out
    assert "" == shown.err


def test_nothing_found_says_what_was_looked_for(ringback: Run) -> None:
    """On standard error, with an exit code of its own."""
    nothing = ringback("find", "no-such-thing", "-o", "json", code=4)
    assert [] == nothing.json
    assert "messages where the reference begins with no-such-thing: 0" in nothing.err
