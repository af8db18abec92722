"""Playing recordings: what is made fresh in them, what stays, and how they are proved."""

import msgspec
import pytest

from ringback.domain.http import Callback
from ringback.providers.base import Item
from ringback.providers.playing import CannotPlayError, Recording, played
from ringback.providers.recorded import NOW_MS

from .cases import GENUINE, Case, arrived, config_of

# A while after the recordings were made.
LATER_MS = NOW_MS + 300 * 86_400_000 + 4_711_000
URL = "https://elsewhere.example/in/" + "k" * 32
PLAYED = [case for case in GENUINE if not case.provider.keyed]
# In these something is said that stands by neither an id, a moment nor a long number.
ALIKE = {
    "generic/bearer", "generic/binary", "generic/empty-body", "generic/json-not-strict",
    "generic/json-scalar", "generic/multipart", "generic/multipart-faulty", "link_cool/no-status",
    "link_cool/nothing", "simulator/batch-one-malformed", "simulator/unknown",
    "smsportal/other-json", "smsportal/v3-preset-click-unjoined", "twilio/batch-one-malformed",
    "whatsapp/other-object",
}  # fmt: skip
# What a recording tells of may lie so long before its newest statement.
_DAYS_MS = 4 * 86_400_000


def _play(case: Case, seed: bytes, now_ms: int = LATER_MS) -> Callback:
    recording = Recording(
        case.callback, case.config, case.provider.parse(case.callback, case.config)
    )
    return arrived(played(case.provider, recording, case.config, URL, now_ms, seed))


def _keys(items: tuple[Item, ...]) -> set[tuple[object, ...]]:
    return {(type(item), item.key, item.occurred_at) for item in items}


def test_each_play_says_the_same_and_is_news() -> None:
    """As many items of the same kinds, none known from before, all of the days up to now."""
    alike = set()
    for case in PLAYED:
        before = case.provider.parse(case.callback, case.config)
        made = _play(case, b"one")
        assert "ok" == case.provider.verify(made, case.config, LATER_MS).verdict, case
        parsed = case.provider.parse(made, case.config)
        other = case.provider.parse(_play(case, b"two", LATER_MS + 1000), case.config)
        assert [type(item) for item in before.items] == [type(item) for item in parsed.items], case
        assert [one.reason for one in before.unparsed] == [one.reason for one in parsed.unparsed]
        if _keys(parsed.items) & (_keys(before.items) | _keys(other.items)):
            alike.add(str(case))
        told = [item.occurred_at for item in parsed.items if item.occurred_at is not None]
        assert all(LATER_MS - _DAYS_MS < at <= LATER_MS for at in told), case
    assert ALIKE == alike


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Nothing else decides."""
    for case in PLAYED[:: len(PLAYED) // 20]:
        assert _play(case, b"one") == _play(case, b"one")


def _case(name: str) -> Case:
    (found,) = [case for case in PLAYED if str(case) == name]
    return found


def test_an_id_keeps_its_shape_wherever_it_stands() -> None:
    """Twice in one form, the same both times; numbers, account and reference stay."""
    made = _play(_case("twilio/status-delivered"), b"one")
    fields = dict(pair.split("=") for pair in made.body.decode().split("&"))
    assert fields["SmsSid"] == fields["MessageSid"] != "SM4308fd0b869b03fdabd71567b1eeaff3"
    assert "SM4308fd0b869b03fdabd7" == fields["SmsSid"][:22]
    assert 34 == len(fields["SmsSid"])
    assert ("%2B15550100123", "AC00000000000000000000000000000001") == (
        fields["To"], fields["AccountSid"],
    )  # fmt: skip
    assert f"{URL}?reference=order-48213" == made.url


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("smsportal/v1-status-header", "2%2FMar%2F2026%2011%3A05%3A22", None),
        ("pswin/report-unknown-state", "2026.03.02 10:15:00", "2026.12.27 11:33:31"),
        ("bandwidth/batch", '"2026-03-02T15:01:22.646Z"', '"2026-12-27T10:35:10.646Z"'),
    ],
)
def test_moments_are_written_as_they_were(name: str, before: str, after: str | None) -> None:
    """In words, in a query, with a fraction: moved, in the same form."""
    case = _case(name)
    made = _play(case, b"one")
    assert before in case.callback.url + case.callback.body.decode()
    text = made.url + made.body.decode()
    assert before not in text
    if after is not None:
        assert after in text
    else:
        assert "%2FDec%2F2026%20" in text


def test_what_cannot_be_proved_is_not_played() -> None:
    """The reason is the one for which the connection would refuse it."""
    case = _case("generic/query")
    recording = Recording(
        case.callback, case.config, case.provider.parse(case.callback, case.config)
    )
    with pytest.raises(CannotPlayError, match="does not cover"):
        played(case.provider, recording, config_of(case.provider), URL, LATER_MS, b"one")


def test_a_shared_key_that_a_connection_lacks_is_done_without() -> None:
    """Headers that ask for a proof of another kind are left out then."""
    case = _case("twilio/status-shared-key")
    config = msgspec.structs.replace(case.config, shared_key=None)
    recording = Recording(
        case.callback, case.config, case.provider.parse(case.callback, case.config)
    )
    made = arrived(played(case.provider, recording, config, URL, LATER_MS, b"one"))
    assert "ok" == case.provider.verify(made, config, LATER_MS).verdict
    assert made.header("X-Twilio-Webhooks-Signature-Settings") is None
