"""T13 and S3: whatever a verified body holds, reading it gives a typed result and a 2xx."""

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringback.providers.base import Inbound, Parsed, Provider, Report, Unparsed, Unrecognised
from ringback.providers.reading import PIECES_MAX
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from tests.sizes import SIZES

from .cases import GENUINE, READ, READERS, Case, config_of, signed
from .sound import assert_sound

QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    max_examples=SIZES.fuzzed_bodies,
)


def read(provider: Provider, body: bytes) -> Parsed:
    """Take a body the whole way: sign, verify, parse, answer with a 2xx."""
    config = config_of(provider)
    callback = signed(provider, config, body)
    verification = provider.verify(callback, config, NOW_MS)
    assert verification.verdict == "ok"
    parsed = provider.parse(callback, config)
    assert_sound(parsed)
    assert provider.reply(callback, config, verification).status in (200, 204)
    return parsed


@pytest.mark.parametrize("case", READ, ids=str)
def test_a_body_cut_anywhere_gives_a_typed_result(case: Case) -> None:
    """Every seventh length, and nothing at all, reads as unparsed and still gets its 2xx."""
    for length in range(0, len(case.callback.body), 7):
        parsed = read(case.provider, case.callback.body[:length])
        assert parsed.items == ()
        assert parsed.unparsed


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True),
    st.sampled_from(["", "\x00", "\ud800", "x" * 600, "1772442927", "2026-03-02T15:01:22Z", "é"]),
    st.text(max_size=20),
    st.sampled_from([[], {}, [[]], [{}], [None], {"": None}, {"type": "status"}, "[", 1e308]),
    st.integers(60, 80).map(lambda depth: json.loads("[" * depth + "]" * depth)),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path]
    if isinstance(value, dict | list):
        for key, one in inner:
            found += _places(one, (*path, key)) if isinstance(one, dict | list) else [(*path, key)]
    return found


def _mutated(document: Any, data: st.DataObject) -> Any:
    """Replace, drop, double or rename some places of a JSON document."""
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path for path in _places(document) if path] if document else []
        if not places:
            return copy.deepcopy(data.draw(JUNK))
        path = data.draw(st.sampled_from(places))
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        how = data.draw(st.sampled_from(["replace", "replace", "drop", "wrap", "double"]))
        if how == "drop":
            del holder[path[-1]]
        elif how == "wrap":
            holder[path[-1]] = [holder[path[-1]]]
        elif how == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[path[-1]]))
        else:
            # A copy: Hypothesis hands out the same list twice, and the next round may change it.
            holder[path[-1]] = copy.deepcopy(data.draw(JUNK))
    return document


def _document(case: Case) -> Any:
    try:
        return json.loads(case.callback.body)
    except ValueError:
        return None


DOCUMENTS = [case for case in GENUINE if isinstance(_document(case), dict | list)]


@QUIET
@given(st.sampled_from(DOCUMENTS), st.data())
def test_mistyped_bodies_give_a_typed_result(case: Case, data: st.DataObject) -> None:
    """Recorded callbacks with pieces replaced, dropped, wrapped or doubled are never too much."""
    document = _mutated(_document(case), data)
    read(case.provider, json.dumps(document).encode("utf-8", "surrogatepass"))


def _words(provider: Provider) -> dict[str, list[Any]]:
    """Collect the keys that a provider's recordings are made of, and the values they have."""
    found: dict[str, list[Any]] = {}
    for case in DOCUMENTS:
        if case.provider is provider:
            document = _document(case)
            for path in _places(document):
                one = document
                for key in path:
                    one = one[key]
                if path and isinstance(path[-1], str) and one not in found.get(path[-1], []):
                    found.setdefault(path[-1], []).append(one)
    return found


ODD: list[Any] = [
    None, True, -1, 0, 1.5, 1e308, 2**70, "", "\x00", "\ud800", "x" * 600, "é", [], {}, [[]],
    [None], {"": None}, "1772442927", "2026-03-02T15:01:22Z", 1772442927, 1772442927000,
]  # fmt: skip


class Writer:
    """Writes documents of a provider's own words, in places where they may not belong."""

    def __init__(self, provider: Provider, dice: random.Random) -> None:
        self.name, self.dice = provider.name, dice
        self.words = _words(provider)
        self.keys = sorted(self.words)

    def value(self, key: str, depth: int) -> Any:
        """Make a value: mostly one that stands at this key, else another key's or an odd one."""
        kind = self.dice.random()
        if kind < 0.7:
            return self.dice.choice(self.words[key])
        if kind < 0.8 or not depth:
            return self.dice.choice(ODD)
        if kind < 0.9:
            return [self.value(self.dice.choice(self.keys), depth - 1) for _ in range(2)]
        return self.thing(depth - 1)

    def thing(self, depth: int) -> Any:
        """Make an object of known keys, most of the time with those that name things."""
        keys = self.dice.sample(self.keys, self.dice.randrange(min(10, len(self.keys))))
        keys += [
            key
            for key in ("id", "type", "status", "message", "reply", "data")
            if self.dice.random() < 0.7
        ]
        return {key: self.value(key, depth) for key in keys if key in self.words}

    def things(self) -> Any:
        """Make a list of objects, which now and then is something else."""
        if self.dice.random() < 0.05:
            return self.value(self.keys[0], 3)
        return [self.thing(3) for _ in range(self.dice.randrange(4))]

    def document(self) -> Any:
        """Make a whole body of the provider's outer shape."""
        if self.dice.random() < 0.05:
            return self.value(self.keys[-1], 4)
        if self.name == "linkmobility":
            return self.thing(3) if self.dice.random() < 0.7 else self.things()
        if self.name != "whatsapp":
            alone = self.dice.random() < 0.1
            own = self.thing(2) if alone else self.things()
            return own if self.name in ("bandwidth", "twilio") else {"items": own}
        names = (
            "statuses", "messages", "contacts", "metadata", "errors", "calls", "message_echoes",
            "user_preferences",
        )  # fmt: skip
        value = {name: self.things() for name in names if self.dice.random() < 0.7}
        field = self.dice.choice(["messages", "messages", "messages", "calls", *ODD])
        change = {"field": field, "value": value if self.dice.random() < 0.9 else self.things()}
        if self.dice.random() < 0.3:
            known = self.dice.choice([one for found in self.words["changes"] for one in found])
            change = dict(known) if isinstance(known, dict) else change
            if isinstance(change.get("value"), dict) and change["value"]:
                change["value"] = dict(change["value"])
                key = self.dice.choice(sorted(change["value"]))
                change["value"][key] = self.value(key, 3)
        return {"entry": [{"id": self.value("id", 0), "changes": [change, self.thing(2)]}]}


@pytest.mark.parametrize(
    "provider",
    # Those that read JSON: what others do with words in odd places is told by tests of their own.
    [one for one in READERS if any(case.provider is one for case in DOCUMENTS)],
    ids=lambda one: one.name,
)
def test_any_words_in_any_place_give_a_typed_result(provider: Provider) -> None:
    """T13: validly signed bodies of known words in unknown places all get their 2xx."""
    writer, kinds = Writer(provider, random.Random(13)), set[type]()
    for _ in range(SIZES.fuzzed_bodies):
        body = json.dumps(writer.document()).encode("utf-8", "surrogatepass")
        parsed = read(provider, body)
        kinds |= {type(one) for one in (*parsed.items, *parsed.unparsed)}
    # The bodies are near enough to the real ones to reach most of the adapter.
    assert {Report, Inbound, Unrecognised, Unparsed} <= kinds


@pytest.mark.parametrize("provider", READERS, ids=lambda one: one.name)
def test_bytes_that_are_no_json_are_unparsed_as_a_whole(provider: Provider) -> None:
    """Forms, XML, noise, other encodings and bombs: one reason, no item, and a 2xx."""
    bodies = [
        b"", b"null\x00", b"a=b&c=d", b"<a/>", b"\xff\xfe\x00", b"\xef\xbb\xbf[]", b"NaN", b"'",
        b"[" * 200_000, b'{"a":' * 200_000, b"9" * 5_000, bytes(range(256)), b'"', b"[{]}",
        '[{"a":"é"}]'.encode("utf-16"),
    ]  # fmt: skip
    for body in bodies:
        parsed = read(provider, body)
        assert parsed.items == ()
        assert len(parsed.unparsed) == 1


def test_a_faulty_string_costs_only_its_own_item() -> None:
    """NUL, a lone surrogate or broken UTF-8 in one of many items leaves the others alone."""
    provider = PROVIDERS["bandwidth"]
    event = '{"type":"message-sent","to":"+15550100123","message":{"id":"m%d","tag":"%s"}}'
    for fault in ("\\u0000", "\\ud800", "\\udc00", "\udcff"):
        tags = ["a", fault, "\\\\u0000", "\\ud83d\\ude00", "é"]
        items = ",".join(event % (number, tag) for number, tag in enumerate(tags))
        parsed = read(provider, f"[{items}]".encode("utf-8", "surrogateescape"))
        ids = [item.message_id for item in parsed.items if isinstance(item, Report)]
        assert ids == ["m0", "m2", "m3", "m4"]
        assert [one.pointer for one in parsed.unparsed] == ["/1"]


def test_a_large_batch_is_read_whole() -> None:
    """32,768 statuses in one body of Meta's are as many reports, in order; one more is too many."""
    provider = PROVIDERS["whatsapp"]

    def batch(size: int) -> Parsed:
        statuses = [{"id": f"wamid.{n}", "status": "sent"} for n in range(size)]
        value = {"messaging_product": "whatsapp", "statuses": statuses}
        body = {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
        return read(provider, json.dumps(body).encode())

    ids = [item.message_id for item in batch(PIECES_MAX).items if isinstance(item, Report)]
    assert [f"wamid.{n}" for n in range(PIECES_MAX)] == ids
    crowded = batch(PIECES_MAX + 1)
    assert crowded.items == ()
    assert [one.reason for one in crowded.unparsed] == [
        f"more than {PIECES_MAX} items in one callback"
    ]
