"""What a pasted text may name."""

import pytest

from ringback.domain.finding import IDS_MAX, read
from ringback.domain.ids import floor7, show

MESSAGE = show("msg", floor7(1_772_442_927_000))
EVENT = show("evt", floor7(1_772_442_927_001))


@pytest.mark.parametrize(
    "pasted",
    [
        MESSAGE, f"  {MESSAGE}\n", f'"{MESSAGE}",', MESSAGE.upper(),
        f"https://ringback.example/panel/messages/{MESSAGE}?tab=raw", f"message={MESSAGE};",
    ],
)  # fmt: skip
def test_an_id_is_found_in_whatever_was_pasted_with_it(pasted: str) -> None:
    """In quotes, in a URL, in capitals, in a line of a log."""
    wanted = read(pasted)
    assert ((MESSAGE,), ()) == (wanted.ids, wanted.endings)


def test_several_ids_each_once() -> None:
    """In their order, and no more than a few."""
    assert (MESSAGE, EVENT) == read(f"{MESSAGE} {EVENT} {MESSAGE}").ids
    many = " ".join(show("evt", floor7(number)) for number in range(20))
    assert IDS_MAX == len(read(many).ids)


@pytest.mark.parametrize(
    "text", [MESSAGE[:-1], f"{MESSAGE}0", f"x{MESSAGE}", "foo_" + MESSAGE[4:], "msg_"]
)
def test_what_only_looks_like_an_id(text: str) -> None:
    """Too short, too long, or of no kind that there is: a text like any other."""
    assert ((), text) == (read(text).ids, read(text).text)


@pytest.mark.parametrize(
    ("text", "endings"),
    [
        ("0123", ("0123",)), ("+15550123", ("15550123",)), ("+1 (555) 01-23", ("15550123",)),
        ("(555) 0123", ("5550123",)), ("tel:+15550123", ("15550123",)),
        ("whatsapp:+15550123", ("15550123",)), ("0015550123", ("15550123",)),
        ("0555 0123", ("05550123", "5550123")), ("0012", ("0012",)),
        ("123", ()), ("order-0123", ()), ("12:34", ()), ("", ()),
    ],
)  # fmt: skip
def test_numbers_however_they_are_written(text: str, endings: tuple[str, ...]) -> None:
    """With spaces, brackets and prefixes; a national one also without its leading zero."""
    assert endings == read(text).endings


@pytest.mark.parametrize("secret", ["rk_live_aBc", "rk_op_aBc", "whsec_aBc", " rk_test_x "])
def test_secrets_are_no_search(secret: str) -> None:
    """Nothing of them is kept, and it is said what they are."""
    wanted = read(secret)
    assert ("", (), ()) == (wanted.text, wanted.ids, wanted.endings)
    assert wanted.secret


def test_what_no_database_takes_is_left_out() -> None:
    """A text with a NUL is the text without it."""
    assert "order-1" == read("order\0-1").text
