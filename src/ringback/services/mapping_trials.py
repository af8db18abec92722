"""Trying a mapping: what callbacks would become with it, and why the rest of them would not.

Nothing is stored and nothing is emitted. A callback that was kept is read as it was kept.
"""

import uuid
from typing import Literal

import msgspec

from ringback.domain.http import Callback
from ringback.domain.ids import show
from ringback.domain.masking import HIDDEN
from ringback.errors import Fault, Invalid
from ringback.providers import config as configs
from ringback.providers import recorded, registry
from ringback.providers.base import (
    CallReport,
    Consent,
    Inbound,
    Item,
    Notice,
    OrderReport,
    Parsed,
    Report,
    Unrecognised,
)
from ringback.providers.mapped_config import MappedConfig
from ringback.providers.mapping import Mapping, faults_of
from ringback.providers.mapping_items import Note
from ringback.providers.presets import PRESETS
from ringback.storage import callbacks
from ringback.storage.database import Database
from ringback.storage.lists import Scope, Window

SAMPLES_MAX = 20
LAST = 10
NOTES_MAX = 100
ITEMS_MAX = 100
# What those who see masks are not shown stands under these names in every answer.
_RENAMED = {"fragment": "raw"}
# Nobody is told by a trial what came in with callbacks that they may only look at.
_REFUSED = frozenset(("rejected", "quarantined"))


class Sample(msgspec.Struct, frozen=True):
    """A callback to try a mapping on; `id` is that of one which was stored."""

    callback: Callback
    id: uuid.UUID | None = None


class Reading(msgspec.Struct, frozen=True):
    """What became of one thing that a sample holds: its item, and the event that would follow."""

    item: str
    event: str
    says: dict[str, object]


class Tried(msgspec.Struct, frozen=True):
    """What a mapping made of one sample.

    `verdict`: all of it is `read`; it is read `in_part`; all of it is `ignored`, as a rule says; or
    it is `not_read`.
    """

    sample: Sample
    verdict: Literal["read", "in_part", "ignored", "not_read"]
    readings: list[Reading]
    unparsed: list[tuple[str, str]]
    notes: list[Note]


def chosen(
    provider: str, config: dict[str, object], mapping: dict[str, object] | None, preset: str | None
) -> Mapping:
    """Return the mapping that is to be tried: the one given, a preset, or a connection's own.

    Raises Invalid with all that is wrong with it, and where there is none.
    """
    if mapping is not None and preset is not None:
        raise Invalid(Fault("/preset", "Name a preset or write a mapping, not both."))
    if mapping is not None:
        found = faults_of(mapping, "/mapping")
        if found:
            raise Invalid(*(Fault(at, _sentence(words)) for at, words in found))
        return msgspec.convert(mapping, Mapping)
    if preset is not None:
        if preset not in PRESETS:
            raise Invalid(Fault("/preset", f"There are: {', '.join(sorted(PRESETS))}."))
        return PRESETS[preset].mapping
    own = of_connection(provider, config)
    if own is None:
        raise Invalid(Fault("/mapping", "Write a mapping, or name a preset."))
    return own


def of_connection(provider: str, raw: dict[str, object]) -> Mapping | None:
    """Return the mapping of a stored connection, or None."""
    found = registry.PROVIDERS.get(provider)
    if found is None or not issubclass(found.Config, MappedConfig):
        return None
    try:
        config = configs.load_config(found.Config, raw)
    except configs.ConfigError:
        return None
    return config.how


async def stored(database: Database, scope: Scope, ids: list[uuid.UUID]) -> list[Sample]:
    """Return callbacks that were kept.

    Raises Invalid for those that there are none of, and for those that were refused: who posted
    them is not known, so no more than their proofs is ever read.
    """
    samples: list[Sample] = []
    for place, id_ in enumerate(ids):
        raw = await callbacks.get(database, scope, id_)
        if raw is None:
            raise Invalid(Fault(f"/callbacks/{place}", "There is no such callback."))
        if raw.callback.outcome in _REFUSED:
            words = "It was refused, and what it says is not read."
            raise Invalid(Fault(f"/callbacks/{place}", words))
        callback = Callback(raw.callback.method, raw.url, raw.headers, raw.body, raw.peer)
        samples.append(Sample(callback, id_))
    return samples


async def last(database: Database, scope: Scope, connection: uuid.UUID) -> list[Sample]:
    """Return the last callbacks of a connection that were not refused, the newest first."""
    found = await callbacks.filtered(
        database, scope, Window(LAST), connection=connection, outcome=None
    )
    ids = [one.id for one in found.rows if one.outcome not in _REFUSED]
    return await stored(database, scope, ids)


def tried(mapping: Mapping, samples: list[Sample], prefix: str, *, masked: bool) -> list[Tried]:
    """Read samples by a mapping; `prefix` is how the provider is called.

    `masked`: whoever asks sees masks. A mapping may put any text under any name, so nothing that
    callbacks say is told, if they were kept; what was written down for the trial is known anyway.
    """
    found = [_tried(mapping, sample, prefix) for sample in samples]
    return [_hidden(one) if masked and one.sample.id is not None else one for one in found]


def check(
    provider: str,
    config: dict[str, object],
    samples: list[Sample],
    *,
    masked: bool,
    force: bool = False,
) -> bool | None:
    """Make sure that a config's mapping reads at least one of some callbacks; say whether it does.

    `masked`: whoever asks sees masks, so what callbacks that were kept say is not told. `force`:
    it is taken whatever it reads. Where there is no mapping the answer is None; where there are no
    callbacks there is nothing to test it by, so it is not tested.

    Raises Invalid, which says of each callback why it is not read.
    """
    mapping = of_connection(provider, config)
    if mapping is None:
        return None
    if not samples:
        return False
    found = tried(mapping, samples, provider, masked=masked)
    if any(one.verdict != "not_read" for one in found):
        return True
    if force:
        return False
    faults = [Fault("/config/mapping", "It reads none of the samples. `force` saves it anyway.")]
    faults += [Fault(f"/samples/{place}", _why(one)) for place, one in enumerate(found)]
    raise Invalid(*faults)


def _tried(mapping: Mapping, sample: Sample, prefix: str) -> Tried:
    notes: list[Note] = []
    parsed = mapping.program.read(sample.callback, prefix, notes)
    told = recorded.plain(msgspec.structs.replace(parsed, items=parsed.items[:ITEMS_MAX]))["items"]
    assert isinstance(told, list)
    readings = [
        Reading(_word(item), event_of(item), _says(item, plain))
        for item, plain in zip(parsed.items, told, strict=False)
    ]
    unparsed = [(piece.pointer, piece.reason) for piece in parsed.unparsed[:ITEMS_MAX]]
    return Tried(sample, _verdict(parsed), readings, unparsed, notes[:NOTES_MAX])


def _hidden(one: Tried) -> Tried:
    """Leave of what was read the names of the fields, and of the notes what quotes nothing."""
    readings = [
        msgspec.structs.replace(got, says=dict.fromkeys(got.says, HIDDEN)) for got in one.readings
    ]
    notes = [
        msgspec.structs.replace(note, why="something else stands there") if note.quotes else note
        for note in one.notes
    ]
    return msgspec.structs.replace(one, readings=readings, notes=notes)


def _verdict(parsed: Parsed) -> Literal["read", "in_part", "ignored", "not_read"]:
    if not parsed.items and not parsed.unparsed:
        return "ignored"
    good = [item for item in parsed.items if not isinstance(item, Unrecognised)]
    if not good:
        return "not_read"
    return "read" if len(good) == len(parsed.items) and not parsed.unparsed else "in_part"


def event_of(item: Item) -> str:
    """Return the type of the event that an item brings about when it is new."""
    match item:
        case Report():
            return f"message.{item.status}"
        case Inbound():
            return "message.received"
        case Consent():
            return f"contact.{item.word}"
        case Notice():
            return item.type
        case CallReport():
            return f"call.{item.word}"
        case OrderReport():
            return f"number_order.{item.status}"
        case Unrecognised():
            return "provider.unrecognised"


def _word(item: Item) -> str:
    return "link" if isinstance(item, Notice) else type(item).__name__.lower()


def _says(item: Item, plain: dict[str, object]) -> dict[str, object]:
    says = {_RENAMED.get(name, name): value for name, value in plain.items() if name != "item"}
    if isinstance(item, Consent):
        # As events have it, and in the shape in which it can be masked.
        for name in ("address", "kind"):
            says.pop(name, None)
        says["contact"] = {"kind": item.kind, "value": item.address}
    return says


def _why(one: Tried) -> str:
    named = "" if one.sample.id is None else f"{show('cbk', one.sample.id)}: "
    reasons = [f"{at or 'the whole'}: {words}" for at, words in one.unparsed]
    reasons += [
        f"{note.piece or 'the whole'}: rule {note.rule}, {note.field}: {note.why}"
        for note in one.notes
    ]
    return named + ("; ".join(reasons[:4]) or "no rule holds for it") + "."


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:].rstrip(".") + "."
