"""The catalogue and the patterns by which endpoints choose."""

import pytest

from ringback.domain.event_types import (
    CATALOGUE,
    PATTERNS_MAX,
    faults_in_patterns,
    matches,
)


def test_every_type_is_described() -> None:
    """Each type has a name in the form of its family and a sentence."""
    for name, type_ in CATALOGUE.items():
        assert name == type_.name
        assert type_.description.endswith(".")
    assert len(CATALOGUE) == 49


@pytest.mark.parametrize(
    ("patterns", "name", "wanted"),
    [
        (("*",), "message.delivered", True),
        (("message.*",), "message.delivered", True),
        (("message.*",), "messages.delivered", False),
        (("message.delivered",), "message.delivered", True),
        (("message.delivered",), "message.failed", False),
        (("call.*", "message.failed"), "message.failed", True),
        (("order.*",), "order.line.added", True),
        ((), "message.failed", False),
    ],
)
def test_matching(patterns: tuple[str, ...], name: str, wanted: bool) -> None:
    """A whole type, a family with everything below it, or all."""
    assert matches(patterns, name) is wanted


@pytest.mark.parametrize("pattern", ["*", "message.*", "message.read", "shop.order_paid", "shop.*"])
def test_good_patterns(pattern: str) -> None:
    """Our types, and types of a publisher's own, are accepted."""
    assert faults_in_patterns([pattern], "/event_types") == []


@pytest.mark.parametrize(
    "pattern",
    ["", "Message.*", "message.", "*.read", "message.deliverd", "message.x.*", "a b", "é"],
)
def test_bad_patterns_are_refused_at_their_place(pattern: str) -> None:
    """A typing error is named with its index, and the family's real types."""
    faults = faults_in_patterns(["*", pattern], "/event_types")
    assert [fault.pointer for fault in faults] == ["/event_types/1"]
    if pattern == "message.deliverd":
        assert "message.delivered" in faults[0].detail


def test_none_and_too_many() -> None:
    """An endpoint that wants nothing, or more than a hundred patterns, is a mistake."""
    assert [f.pointer for f in faults_in_patterns([], "/event_types")] == ["/event_types"]
    many = faults_in_patterns(["*"] * (PATTERNS_MAX + 1), "/event_types")
    assert [f.pointer for f in many] == ["/event_types"]
