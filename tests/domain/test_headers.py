"""Outgoing headers: names, values, reserved names and sizes (T28, the pure half)."""

import pytest

from ringback.domain.headers import (
    FRAMING,
    MAX_CUSTOM,
    InvalidHeader,
    check_custom_headers,
    check_header,
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Token", "abc"),
        ("authorization", "Bearer a.b-c_d~e+f/g="),
        ("X_y.z", ""),
        ("X-Tab", "a\tb c"),
        ("X-Quotes", "\"'<>{}[]\\|^`"),
    ],
)
def test_accepted(name: str, value: str) -> None:
    """Token names with visible ASCII values pass, for custom headers as well."""
    check_header(name, value)
    check_custom_headers(((name, value),))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("X Y", "x"),
        ("X:", "x"),
        ("X\r\nY", "x"),
        ("X\x00", "x"),
        ("Ünicode", "x"),
        ("X" * 257, "x"),
        ("X", "a\r\nEvil: 1"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\x00b"),
        ("X", "a\x0bb"),
        ("X", "a\x7f"),
        ("X", " a"),
        ("X", "a "),
        ("X", "\t"),
        ("X", "caf\u00e9"),
        ("X", "a\u010ab"),
        ("X", "a\u2028b"),
    ],
)
def test_refused(name: str, value: str) -> None:
    """Nothing that could begin a second line, or is read differently by someone, passes."""
    with pytest.raises(InvalidHeader):
        check_header(name, value)


@pytest.mark.parametrize("name", sorted(FRAMING))
def test_framing_headers_belong_to_the_client(name: str) -> None:
    """The headers that frame a request cannot be set by anyone, in any case."""
    with pytest.raises(InvalidHeader):
        check_header(name.title(), "1")


@pytest.mark.parametrize(
    "name", ["webhook-id", "Webhook-Signature", "webhook-anything", "Signature", "content-type"]
)
def test_signing_headers_are_not_custom(name: str) -> None:
    """What receivers verify can be sent by us, but not set by an endpoint's owner."""
    check_header(name, "x")
    with pytest.raises(InvalidHeader):
        check_custom_headers(((name, "x"),))


def test_custom_headers_are_bounded() -> None:
    """At most 20 headers and 4 KiB, and no name twice."""
    twenty = tuple((f"X-{n}", "v") for n in range(MAX_CUSTOM))
    check_custom_headers(twenty)
    for headers in (
        (*twenty, ("X-one-more", "v")),
        (("X-Long", "v" * 4097),),
        (("X-A", "1"), ("x-a", "2")),
    ):
        with pytest.raises(InvalidHeader):
            check_custom_headers(headers)


def test_message_never_repeats_the_value() -> None:
    """A refused value may be a secret: the message names the header only."""
    with pytest.raises(InvalidHeader) as refusal:
        check_header("X-Token", "CANARY\n")
    assert "CANARY" not in str(refusal.value)
