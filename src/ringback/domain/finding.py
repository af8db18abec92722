"""What a text that somebody pastes into a search box may name: ids, addresses, words. Pure."""

import re

import msgspec

from ringback.domain.ids import PREFIXES

TEXT_MAX = 256
IDS_MAX = 5
DIGITS_MIN = 4
# Shorter texts stand for a value of their own, longer ones also for what begins with them.
BEGINNING_MIN = 4
_ID = re.compile(r"(?<![0-9a-z])([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}(?![0-9a-z])", re.IGNORECASE)
_NUMBER = re.compile(r"(?:[a-z]{2,10}:)?(\+?[0-9(][0-9 ().\-/\u00a0]{2,30}[0-9])", re.IGNORECASE)
# A national number without its leading zero has at least so many digits.
_NATIONAL_MIN = 7
_WRAPPING = " \t\r\n\"'`<>,;"
_SECRETS = {
    "rk_live_": "an API key", "rk_test_": "an API key", "rk_op_": "an operator's key",
    "whsec_": "a signing secret",
}  # fmt: skip


class Wanted(msgspec.Struct, frozen=True):
    """What to look for. `text` is what was pasted, without what wraps it.

    `ids` are those of ours within it; `endings` the digits that an address may end in, `secret`
    what it is when it is nothing that anybody should search by.
    """

    text: str
    ids: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    secret: str | None = None

    @property
    def beginning(self) -> bool:
        """Whether values may also begin with the text."""
        return len(self.text) >= BEGINNING_MIN


def read(pasted: str) -> Wanted:
    """Find out what a text may name."""
    text = pasted.replace("\0", "").strip(_WRAPPING)
    for prefix, what in _SECRETS.items():
        if text.startswith(prefix):
            return Wanted("", secret=what)
    ids = tuple(dict.fromkeys(
        found[0].lower() for found in _ID.finditer(text) if found[1].lower() in PREFIXES
    ))  # fmt: skip
    if ids:
        return Wanted(text, ids[:IDS_MAX])
    return Wanted(text, endings=_endings(text))


def _endings(text: str) -> tuple[str, ...]:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return ()
    digits = re.sub(r"[^0-9]", "", found[1])
    if len(digits) < DIGITS_MIN:
        return ()
    if digits.startswith("00"):
        rest = digits.lstrip("0")
        return (rest,) if len(rest) >= DIGITS_MIN else (digits,)
    if digits.startswith("0") and len(digits) > _NATIONAL_MIN:
        return digits, digits[1:]
    return (digits,)
