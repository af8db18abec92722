"""The small parts that adapters are made of: fields, error tables, recorded requests."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.providers import reading
from ringback.providers.base import ErrorRule
from ringback.providers.error_table import UNKNOWN, ErrorTable
from ringback.providers.recorded import read_request


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-02T15:01:22.646Z", 1_772_463_682_646),
        ("2026-03-02T15:01:22Z", 1_772_463_682_000),
        ("2026-03-02T16:01:22+01:00", 1_772_463_682_000),
        ("2026-03-02T15:01:22.646999Z", 1_772_463_682_646),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59Z", None),
        ("2026-03-02T15:01:22", None),
        ("2026-03-02", None),
        ("2026-02-30T15:01:22Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("now", None),
        ("", None),
        (None, None),
        (5, None),
        ("2026-03-02T15:01:22Z" * 100, None),
    ],
)
def test_iso_times(value: object, expected: int | None) -> None:
    """Only a time that names its zone is one; everything else is None."""
    assert expected == reading.iso_ms(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1772442927", 1_772_442_927_000),
        ("1772442927123", 1_772_442_927_123),
        (1_772_442_927, 1_772_442_927_000),
        (1_772_442_927_123, 1_772_442_927_123),
        ("0", None),
        (-5, None),
        ("-5", None),
        ("1.5", None),
        (1.5, None),
        (True, None),
        ("٣٣٣٣٣٣٣٣٣٣", None),
        ("²", None),
        ("9" * 16, None),
        (2**60, None),
        ("", None),
        (None, None),
    ],
)
def test_unix_times(value: object, expected: int | None) -> None:
    """Seconds and milliseconds are told apart by their size."""
    assert expected == reading.unix_ms(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("15550100123", "+15550100123"),
        ("+15550100123", "+15550100123"),
        ("US.13491208655302741918", "US.13491208655302741918"),
        ("12345", "12345"),
        ("1555010012312345", "1555010012312345"),
        ("٣٣٣٣٣٣٣٣", "٣٣٣٣٣٣٣٣"),
        ("ACME", "ACME"),
        ("", ""),
        (None, None),
    ],
)
def test_only_whole_numbers_get_a_plus(value: str | None, expected: str | None) -> None:
    """Short codes, names, user ids and group ids are left alone."""
    assert expected == reading.plus(value)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=30), st.integers(), st.none()))
def test_odd_fields_are_none_and_never_an_error(value: object) -> None:
    """Every reader takes every value."""
    assert reading.text(value) in (value, None)
    assert reading.clipped(value, 5) in (None, str(value)[:5])
    assert reading.count(value) is None or 0 < reading.count(value) <= 255  # type: ignore[operator]
    assert reading.kind_of("x", value).startswith("x.")
    reading.iso_ms(value)
    reading.unix_ms(value)


def test_unrecognised_kinds_hold_no_markup() -> None:
    """A word of the provider's is shown only if it is a plain word."""
    assert reading.kind_of("whatsapp", "account_update") == "whatsapp.account_update"
    for word in ("<b>", "a b", "", "x" * 65, "é", None, 5, "\n"):
        assert reading.kind_of("whatsapp", word) == "whatsapp.unknown"


def test_fingerprints_tell_pieces_apart() -> None:
    """`ab` and `c` are not `a` and `bc`, and the value stays what it was."""
    assert reading.fingerprint("ab", "c") != reading.fingerprint("a", b"bc")
    assert reading.fingerprint("a", "bc") == reading.fingerprint("a", b"bc")
    assert reading.fingerprint("a") == "e3b060c3e1a6d35e614ea14ccec329b0"


def test_a_code_beats_a_range_and_a_narrow_range_a_wide_one() -> None:
    """The order of the rows does not matter; a code without a row is unknown."""
    rows = {
        "4000-4999": ErrorRule("platform", "wide"),
        "4720": ErrorRule("recipient", "single"),
        "4700-4799": ErrorRule("network", "narrow"),
        "word": ErrorRule("credit", "word"),
    }
    for table in (ErrorTable(rows), ErrorTable(dict(reversed(rows.items())))):
        found = [table.rule(code).code for code in ("4720", "4721", "4000", "word")]
        assert found == ["single", "narrow", "wide", "word"]
        assert table.rule("5000") is table.rule(None) is UNKNOWN
        assert table.row("4799") == "4700-4799"
        assert table.row("04720") is None


@pytest.mark.parametrize("row", ["5-4", "4-4", "1-99999"])
def test_a_range_that_is_none_is_refused_at_import(row: str) -> None:
    """A slip in a table is found when the program starts."""
    with pytest.raises(ValueError, match="not a range"):
        ErrorTable({row: UNKNOWN})


@pytest.mark.parametrize("code", [None, True, {"a": 1}, "x" * 500, "", 10**50])
def test_odd_codes_and_endless_descriptions_are_bounded(code: object) -> None:
    """Whatever stands where the code should: a canonical error of bounded size."""
    rule, failure = ErrorTable({}).failure(code, "d" * 9_999)
    assert rule is UNKNOWN
    assert len(failure.provider_code or "") <= 32
    assert len(failure.description or "") == 500


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"POST / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\nHost: x\n\n",
        b"POST / HTTP/1.0\r\nHost: x\r\n\r\n",
        b"POST http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\nab",
        b"POST  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 65 + b"\r\n",
    ],
)
def test_a_recording_that_is_no_request_is_refused(raw: bytes) -> None:
    """A slip in a recorded file is found when it is read."""
    with pytest.raises(ValueError):
        read_request(raw)
