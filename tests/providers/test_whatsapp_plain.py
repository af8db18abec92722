"""Most of Meta's callbacks hold nothing but plain statuses, and are read in one go."""

import random

import msgspec
import pytest

from ringback.domain.http import Callback
from ringback.providers.whatsapp_items import PLAIN_MAX, Items

from .cases import GENUINE
from .mutations import mutated
from .whatsapp_stage import WHATSAPP

OURS = {case.name: case for case in GENUINE if case.provider is WHATSAPP}
SENT = OURS["status-sent"].callback.body


class _Walking(Items):
    """Reads every body piece by piece."""

    def _plain(self, body: bytes) -> bool:
        del body
        return False


class _Reading(Items):
    """Notes whether a body was read in one go."""

    plain: bool | None = None

    def _plain(self, body: bytes) -> bool:
        self.plain = super()._plain(body)
        return self.plain


def _both_ways(body: bytes) -> bool:
    reader = _Reading()
    assert _Walking().read(body) == reader.read(body)
    return bool(reader.plain)


def test_one_go_and_the_walk_make_the_same_of_every_callback() -> None:
    """Recordings, and each of them spoiled in forty ways: the same items, keys and complaints."""
    dice = random.Random("plain")
    plain = 0
    for case in OURS.values():
        plain += _both_ways(case.callback.body)
        for _ in range(40):
            plain += _both_ways(mutated(case.callback, dice).body)
    assert plain > 40


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"sent"', b'"sent"'), (b'"sent"', b'"never heard of"'), (b'"id":"wamid', b'"di":"wamid'),
        (b'"statuses":[', b'"errors":[{"code":1}],"statuses":['), (b'"messages"', b'"calls"'),
        (b'"statuses":[{', b'"statuses":[{"type":"call",'), (b'"statuses":[{', b'"statuses":[7,{'),
        (b'"timestamp":"', b'"conversation":[],"timestamp":"'), (b'"sent"', b'"se\\ud800nt"'),
    ],
)  # fmt: skip
def test_whatever_is_not_plain_is_walked(old: bytes, new: bytes) -> None:
    """A word without a meaning, no id, a call, another field, a wrong type, a lone surrogate."""
    body = msgspec.json.format(SENT, indent=-1)
    assert old in body
    assert (old == new) == _both_ways(body.replace(old, new, 1))


def test_more_statuses_than_are_read_at_once_are_walked() -> None:
    """The walk counts every piece; it is told of all of them, too."""
    document = msgspec.json.decode(SENT)
    value = document["entry"][0]["changes"][0]["value"]
    for count, plain in ((PLAIN_MAX, True), (PLAIN_MAX + 1, False)):
        many = [{**value["statuses"][0], "id": f"wamid.{number}"} for number in range(count)]
        value["statuses"] = many
        body = msgspec.json.encode(document)
        assert plain == _both_ways(body)
        callback = Callback("POST", "http://127.0.0.1/in/x", (), body, "127.0.0.1")
        assert count == len(WHATSAPP.parse(callback, OURS["status-sent"].config).items)
