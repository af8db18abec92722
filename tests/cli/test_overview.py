"""`ringback overview` against a server."""

from tests.cli.conftest import Run


def test_the_overview_is_told_in_a_few_lines(ringback: Run) -> None:
    """For people in words, for programs whole."""
    ringback("simulate", "delivered")
    found = ringback("overview", "--span", "1h", "-o", "json").json
    accepted = found["tiles"]["accepted"]["value"]
    assert accepted >= 1
    told = ringback("overview", "--span", "1h").out
    assert f"of {accepted}" in told
    assert "backlog" in told
