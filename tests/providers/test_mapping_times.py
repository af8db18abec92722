"""Times as mappings read them: ISO, Unix, patterns; zones by name and by offset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.providers.mapping_times import TimeFormatError, TimeReader, pieces, zone_of

AT = 1_609_502_662_000  # 2021-01-01 12:04:22 UTC


@pytest.mark.parametrize(
    ("format_", "zone", "text", "expected"),
    [
        ("iso", None, "2021-01-01T12:04:22Z", AT),
        ("iso", None, "2021-01-01T12:04:22.5+00:00", AT + 500),
        ("iso", "Africa/Johannesburg", "2021-01-01 14:04:22", AT),
        ("iso", None, "2021-01-01T12:04:22", None),
        ("unix_s", None, "1609502662", AT),
        ("unix_s", None, "1609502662.25", AT + 250),
        ("unix_ms", None, "1609502662000", AT),
        ("unix_s", None, "-5", None),
        ("unix_s", None, "", None),
        ("%d/%b/%Y %H:%M:%S", "+02:00", "1/Jan/2021 14:04:22", AT),
        ("%d/%b/%Y %H:%M:%S", "+02:00", "1/JAN/2021 14:04:22", AT),
        ("%d %B %Y %I:%M:%S %p", "UTC", "01 january 2021 12:04:22 PM", AT),
        ("%Y.%m.%d %H:%M:%S", "Europe/Oslo", "2021.01.01 13:04:22", AT),
        ("%y%m%d%H%M%S", "UTC", "210101120422", AT),
        ("%Y-%m-%dT%H:%M:%S.%f%z", None, "2021-01-01T14:04:22.123456+0200", AT + 123),
        ("%Y-%m-%dT%H:%M:%S%z", None, "2021-01-01T12:04:22Z", AT),
        ("%a, %d %b %Y %H:%M:%S %z", None, "Fri, 01 Jan 2021 12:04:22 +0000", AT),
        ("%d%%%m%%%Y", "UTC", "01%01%2021", 1_609_459_200_000),
        ("%Y-%m-%d", "UTC", "2021-02-30", None),
        ("%Y-%m-%d", "UTC", "2021-01-01 ", 1_609_459_200_000),
        ("%Y-%m-%d", "UTC", "2021-01-01x", None),
        ("%Y-%m-%d", "UTC", "١٢٣٤-01-01", None),
        ("%Y-%m-%d", "UTC", "9" * 70, None),
        ("%d/%b/%Y", "UTC", "1/Foo/2021", None),
        ("%d %b %Y %I %p", "UTC", "1 Jan 2021 13 AM", None),
        ("%Y-%m-%d", "+14:00", "0001-01-01", None),
    ],
)
def test_times(format_: str, zone: str | None, text: str, expected: int | None) -> None:
    """What fits the format is a time; everything else is None."""
    assert expected == TimeReader([format_], zone).read(text)


def test_the_first_format_that_fits_is_used() -> None:
    """Systems write times in more ways than one."""
    reader = TimeReader(["iso", "unix_s", "%d/%m/%Y"], "UTC")
    assert [AT, AT, 1_609_459_200_000, None] == [
        reader.read(text) for text in ("2021-01-01T12:04:22Z", "1609502662", "01/01/2021", "soon")
    ]


@pytest.mark.parametrize(
    "format_",
    ["", "%", "%Q", "%Y", "%Y-%m", "%Y-%m-%d %I", "%Y-%m-%d %H %p %I", "%Y %y %m %d", "%m %b %Y %d",
     "%s", "%c", "%x", "%j", "isoo"],
)  # fmt: skip
def test_formats_that_make_no_time_are_refused(format_: str) -> None:
    """A closed list of directives, of which day, month and year are needed, and none twice."""
    with pytest.raises(TimeFormatError, match="must"):
        pieces(format_)


def test_a_pattern_without_a_zone_needs_one() -> None:
    """Nobody guesses where a time is."""
    with pytest.raises(TimeFormatError, match="zone"):
        TimeReader(["%Y-%m-%d"], None)


@pytest.mark.parametrize("zone", ["", "Nowhere", "../etc/passwd", "+2", "+99:99", "+02:00x", "/"])
def test_zones_that_are_none_are_refused(zone: str) -> None:
    """An offset, UTC, or a name of the time zone database."""
    with pytest.raises(TimeFormatError):
        zone_of(zone)


@pytest.mark.parametrize(
    "format_",
    ["iso", "unix_s", "%d/%b/%Y %H:%M:%S", "%A %d %B %y %I:%M:%S %p", "%Y%m%d%H%M%S.%f%z"],
)
@given(at=st.integers(0, 1_700_000_000).map(lambda second: second * 1000))
def test_what_is_written_is_read_again(format_: str, at: int) -> None:
    """The first format is the one that is written in."""
    reader = TimeReader([format_], "+05:30")
    assert (at or None) == reader.read(reader.write(at))


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text: str) -> None:
    """Nothing raises."""
    reader = TimeReader(["iso", "unix_ms", "%d/%b/%Y %H:%M", "%y%m%d%z"], "Europe/Oslo")
    found = reader.read(text)
    assert found is None or found > 0
