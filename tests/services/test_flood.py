"""What is listed of a flood, and what is only counted."""

import uuid

import msgspec

from ringback.domain.endpoints import Connection, Mode
from ringback.services.flood import LISTED_PER_HOUR, QUARANTINED_BYTES_PER_HOUR, Flood, Place

HOUR = 3_600_000


class NoConfig(msgspec.Struct):
    """A provider's config without fields."""


def _connection(no: int = 1) -> Connection:
    return Connection(no, uuid.UUID(int=no), 7, Mode.TEST, "p", "n", f"t{no}", NoConfig())


def test_the_first_hundred_an_hour_are_listed() -> None:
    """Rejections beyond the first hundred of a connection's hour are counted, not listed."""
    flood = Flood()
    listed = sum(flood.keep(_connection(), "rejected", 5) for _ in range(250))
    assert listed == LISTED_PER_HOUR
    assert flood.take() == {Place(1, 7, 2, "rejected"): 150}
    assert flood.full(_connection(), "rejected", 5)
    assert not flood.full(_connection(2), "rejected", 5)
    assert not flood.full(_connection(), "duplicate", 5)


def test_another_hour_starts_anew() -> None:
    """The list opens again with the next hour."""
    flood = Flood()
    for _ in range(LISTED_PER_HOUR + 1):
        flood.keep(_connection(), "duplicate", 0)
    assert not flood.keep(_connection(), "duplicate", HOUR - 1)
    assert flood.keep(_connection(), "duplicate", HOUR)


def test_what_matters_is_always_listed() -> None:
    """Accepted, unparsed and unrecognised callbacks have no limit."""
    flood = Flood()
    for outcome in ("accepted", "unparsed", "unrecognised", "unmatched", "quarantined"):
        assert all(flood.keep(_connection(), outcome, 0) for _ in range(300))
    assert flood.take() == {}


def test_counts_that_could_not_be_written_come_back() -> None:
    """Nothing is lost when the database is away for a moment."""
    flood = Flood()
    flood.count(_connection(), "handshake")
    taken = flood.take()
    flood.count(_connection(), "handshake")
    flood.give_back(taken)
    assert flood.take() == {Place(1, 7, 2, "handshake"): 2}


def test_quarantine_has_room_for_so_much_an_hour() -> None:
    """By bytes, each connection for itself, and anew with the next hour."""
    flood, quarter = Flood(), QUARANTINED_BYTES_PER_HOUR // 4
    assert [True] * 4 + [False] == [flood.room(_connection(), quarter, 5) for _ in range(5)]
    assert flood.room(_connection(2), quarter, 5)
    assert not flood.room(_connection(), 1, HOUR - 1)
    assert flood.room(_connection(), quarter, HOUR)
