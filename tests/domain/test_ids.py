"""Ids: what is written can be read, what comes later sorts later, and hashes never change."""

import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.domain import ids

ENTROPY = bytes(range(10))
MOMENTS = st.integers(0, 2**48 - 2)
NONZERO_MS = 1_772_442_927_123


@settings(deadline=None)
@given(st.sampled_from(sorted(ids.PREFIXES)), st.uuids())
def test_what_is_shown_can_be_read_again(prefix: ids.Prefix, identifier: uuid.UUID) -> None:
    """An id is its prefix and 26 lower-case Crockford characters, and reads back exactly."""
    shown = ids.show(prefix, identifier)
    assert len(shown) == 30
    assert identifier == ids.read(prefix, shown)
    assert shown == shown.lower()


@settings(deadline=None)
@given(st.uuids(), st.uuids())
def test_shown_ids_sort_like_their_values(one: uuid.UUID, other: uuid.UUID) -> None:
    """People may sort ids as text."""
    assert (one < other) == (ids.show("msg", one) < ids.show("msg", other))


def test_known_spellings() -> None:
    """The spelling is public and stays as it is."""
    smallest, largest = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)
    assert ids.show("msg", smallest) == "msg_" + "0" * 26
    assert ids.show("evt", largest) == "evt_7" + "z" * 25
    made = ids.uuid7(NONZERO_MS, ENTROPY)
    assert str(made) == "019cadd4-c013-7001-8203-040506070809"
    assert ids.show("msg", made) == "msg_01kjpx9g0ke00r40r40m30e209"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "msg_",
        "evt_" + "0" * 26,
        "msg_" + "0" * 25,
        "msg_" + "0" * 27,
        "msg_8" + "0" * 25,
        "msg_" + "0" * 25 + "u",
        "msg_" + "0" * 25 + "O",
        "msg_" + "0" * 25 + "A",
        "msg-" + "0" * 26,
        "msg_" + "0" * 25 + "\n",
        "msg_" + "0" * 25 + "٣",
        "MSG_" + "0" * 26,
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    """Another prefix, length, case or alphabet, and values beyond 128 bits, are refused."""
    assert ids.read("msg", text) is None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_reading_never_raises(text: str) -> None:
    """Any text is an id or None."""
    found = ids.read("msg", text)
    assert found is None or text == ids.show("msg", found)
    parsed = ids.read_delivery_id(text)
    assert parsed is None or text == ids.delivery_id(*parsed)


@settings(deadline=None)
@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_uuid7_carries_its_time_version_and_variant(at_ms: int, entropy: bytes) -> None:
    """RFC 9562: time in front, version 7, variant 10, the rest from the entropy."""
    made = ids.uuid7(at_ms, entropy)
    assert at_ms == ids.time_of(made)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert ids.floor7(at_ms) <= made < ids.floor7(at_ms + 1)


@settings(deadline=None)
@given(MOMENTS, st.binary(min_size=10, max_size=10), st.integers(2, 600))
def test_a_sequence_ascends_within_its_millisecond(at_ms: int, entropy: bytes, length: int) -> None:
    """All ids of a batch carry its time, ascend strictly, and are valid UUIDv7."""
    sequence = ids.IdSequence(at_ms, entropy)
    made = [sequence.next() for _ in range(length)]
    assert sorted(set(made)) == made
    assert {at_ms} == {ids.time_of(identifier) for identifier in made}
    assert {(7, uuid.RFC_4122)} == {(one.version, one.variant) for one in made}
    assert sorted(ids.show("evt", one) for one in made) == [ids.show("evt", one) for one in made]


def test_a_sequence_of_the_largest_entropy_does_not_overflow() -> None:
    """A million ids from the worst start still carry the batch's time."""
    sequence = ids.IdSequence(NONZERO_MS, b"\xff" * 10)
    previous = sequence.next()
    for _ in range(100_000):
        found = sequence.next()
        assert previous < found
        previous = found
    assert ids.time_of(previous) == NONZERO_MS


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_delivery_ids_round_trip(endpoint: int, ord_: int) -> None:
    """A delivery's id names its endpoint and its place in the feed."""
    shown = ids.delivery_id(endpoint, ord_)
    assert (endpoint, ord_) == ids.read_delivery_id(shown)


def test_a_delivery_id_beyond_its_range_is_none() -> None:
    """An endpoint number has at most 32 bits."""
    beyond = ids.show("dlv", uuid.UUID(int=1 << 96))
    assert ids.read_delivery_id(beyond) is None


PARTS = st.lists(st.text(max_size=12), max_size=4)


@settings(deadline=None)
@given(PARTS, PARTS)
def test_two_lists_of_parts_never_read_alike(one: list[str], other: list[str]) -> None:
    """`ab` + `c` is another key than `a` + `bc`: the parts are told apart."""
    same = ids.hashed_key(b"secret", *one) == ids.hashed_key(b"secret", *other)
    assert (one == other) == same


def test_key_and_fact_hashes_are_what_they_were() -> None:
    """The database hangs on these values: a change here would lose every subject."""
    key = ids.hashed_key(b"a fixed secret", "con_1", "message", "wamid.1", "+15550100123")
    assert str(key) == "3ccc1336-12bf-e9d5-d894-3cf1e187950c"
    assert ids.hashed_key(b"another secret", "con_1", "message", "wamid.1", "+15550100123") != key
    assert ids.fact_hash("wamid.1:delivered", NONZERO_MS) == 7_302_491_934_842_775_776
    assert ids.fact_hash("wamid.1:delivered", None) == 4_284_390_191_306_620_662


@settings(deadline=None)
@given(st.text(), st.one_of(st.none(), st.integers(0, 2**60)))
def test_a_fact_hash_has_63_bits(key: str, occurred_at: int | None) -> None:
    """It fits a signed 64-bit column, and the time is part of it."""
    found = ids.fact_hash(key, occurred_at)
    assert 0 <= found < 2**63
    assert found != ids.fact_hash(key, 2**61)


def test_lone_surrogates_do_not_stop_a_hash() -> None:
    """What a parser let through must not raise here."""
    assert ids.hashed_key(b"s", "\ud800") != ids.hashed_key(b"s", "\udc00")
    assert ids.fact_hash("\ud800", None) != ids.fact_hash("\udc00", None)
