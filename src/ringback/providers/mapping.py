"""A mapping: what callbacks of a system without an adapter mean, as data.

Its parts are declared in `mapping_config`, places and bodies read in `mapping_body`, items made in
`mapping_items`. A mapping is compiled once, when it is first used, and is pure: bytes in, items
out. `presets` has ready ones.
"""

from functools import cached_property
from typing import Annotated

import msgspec

from ringback.domain.http import Callback
from ringback.providers import mapping_body, reading
from ringback.providers.base import Item, Parsed, Unparsed
from ringback.providers.config_faults import faults
from ringback.providers.mapping_config import (
    PLACE_MAX,
    RULES_MAX,
    WORD_MAX,
    WORDS_MAX,
    ConsentRule,
    Numbers,
    Part,
    ReportRule,
    Rule,
    Times,
    Word,
)
from ringback.providers.mapping_items import CompiledRule, Note, Notes, Words, unrecognised
from ringback.providers.mapping_table import Table, faults_in_table
from ringback.providers.mapping_times import TimeFormatError, TimeReader, zone_of

# How often the pieces of one callback may be looked into, for conditions.
LOOKS_MAX = 100_000
_STARS_MAX = 2


class Mapping(Part, frozen=True, kw_only=True, dict=True):
    """Which pieces of a callback say what: the first rule whose conditions hold is used."""

    items: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=PLACE_MAX,
            description="Where the pieces stand, if a callback holds several: a JSON pointer to a "
            "list, where the step * is each element of a list on the way. Without: the body, or "
            "each element of it if it is a list.",
        ),
    ] | None = None  # fmt: skip
    rules: Annotated[
        list[Rule],
        msgspec.Meta(
            min_length=1, max_length=RULES_MAX,
            description="What pieces mean: the first rule that holds.",
        ),
    ]  # fmt: skip
    channels: Annotated[
        dict[
            Word,
            Annotated[str, msgspec.Meta(max_length=WORD_MAX, pattern=r"^[a-z0-9_]+$(?!\n)")],
        ],
        msgspec.Meta(max_length=WORDS_MAX, description="Their words for channels → ours."),
    ] = msgspec.field(default_factory=dict)
    numbers: Annotated[Numbers, msgspec.Meta(description="How numbers are written.")] = Numbers()
    times: Annotated[Times, msgspec.Meta(description="How times are written.")] = Times()

    @cached_property
    def program(self) -> "Program":
        """The mapping, ready to read. It has no faults."""
        return Program(self)

    def faults(self, at: str = "") -> list[tuple[str, str]]:
        """Return what is wrong with it beyond its types; `at` is the pointer where it stands."""
        found: list[tuple[str, str]] = []
        if self.items is not None:
            steps = mapping_body.pointer_steps(self.items)
            if steps is None or steps.count("*") > _STARS_MAX:
                words = f"must be a JSON pointer such as /events, with * at most {_STARS_MAX} times"
                found.append((f"{at}/items", words))
        found += faults_in_table(self.channels, f"{at}/channels")
        found += _faults_in_times(self.times, f"{at}/times")
        if (self.numbers.trunk or self.numbers.national_digits) and not self.numbers.country:
            found.append((f"{at}/numbers/country", "is required for national numbers"))
        for index, rule in enumerate(self.rules):
            found += _faults_in_rule(rule, f"{at}/rules/{index}")
        return found


class Program:
    """A mapping made functions; `times` reads and writes times as it says."""

    def __init__(self, mapping: Mapping) -> None:
        """Prepare everything that needs preparing; the mapping has no faults."""
        self.times = TimeReader(mapping.times.formats, mapping.times.zone)
        words = Words(self.times, mapping.numbers, Table(mapping.channels))
        self._steps = mapping_body.pointer_steps(mapping.items or "") or []
        places = [one.place for rule in mapping.rules for one in rule.when]
        # How often a piece is looked into before it is known which rule holds.
        self._looks = 1 + sum(1 if isinstance(one, str) else len(one) for one in places)
        self._rules = [CompiledRule(index, rule, words) for index, rule in enumerate(mapping.rules)]

    def read(self, callback: Callback, prefix: str, notes: Notes = None) -> Parsed:
        """Read a verified callback. Raises nothing, whatever it holds.

        `prefix` names the system in the kinds of what is not recognised. Where `notes` is a list,
        why things were not read is added to it.
        """
        try:
            body = mapping_body.read(callback)
        except mapping_body.UnreadableError as error:
            return Parsed(unparsed=(Unparsed(error.reason),))
        items: list[Item] = []
        unparsed: list[Unparsed] = []
        pieces = list(mapping_body.pieces(body, self._steps))
        if not pieces:
            if notes is not None:
                notes.append(Note("", None, "items", "nothing stands there"))
            pieces = [mapping_body.Piece(body.tree, "", body)]
        if len(pieces) > min(reading.PIECES_MAX, LOOKS_MAX // self._looks):
            return Parsed(unparsed=(Unparsed("it holds more pieces than are read"),))
        for piece in pieces:
            found = self._piece(piece, prefix, notes)
            if isinstance(found, Unparsed):
                unparsed.append(found)
            elif found is not None:
                items.append(found)
        return Parsed(tuple(items), tuple(unparsed))

    def _piece(
        self, piece: mapping_body.Piece, prefix: str, notes: Notes
    ) -> Item | Unparsed | None:
        if not piece.sound:
            words = "NUL, a lone surrogate or bytes that are not UTF-8 in a string"
            return Unparsed(words, piece.where)
        for rule in self._rules:
            if rule.holds(piece, notes):
                return rule.read(piece, prefix, notes)
        return unrecognised(piece, f"{prefix}.callback")


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping that is ready to be used, or to begin with.

    `note` says in Markdown where its fields come from and what is to be checked; `verified` whether
    that is the system's own documentation, all of it.
    """

    name: str
    label: str
    note: str
    mapping: Mapping
    documentation: str = ""
    verified: bool = False


def made(raw: dict[str, object]) -> Mapping:
    """Make a mapping of plain values. Raises ValueError with all that is wrong with it."""
    found = faults_of(raw)
    if found:
        raise ValueError("; ".join(f"{pointer}: {words}" for pointer, words in found))
    return msgspec.convert(raw, Mapping)


def faults_of(raw: object, at: str = "") -> list[tuple[str, str]]:
    """Return everything that is wrong with plain values that stand at a pointer."""
    wrong = faults(raw, Mapping, at)
    return wrong or msgspec.convert(raw, Mapping).faults(at)


def _faults_in_times(times: Times, at: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    zone = times.zone
    if zone is not None:
        try:
            zone_of(zone)
        except TimeFormatError as error:
            found.append((f"{at}/zone", str(error)))
            zone = "UTC"
    for index, one in enumerate(times.formats):
        try:
            TimeReader([one], zone)
        except TimeFormatError as error:
            found.append((f"{at}/formats/{index}", str(error)))
    return found


def _faults_in_rule(rule: Rule, at: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for number, condition in enumerate(rule.when):
        here = f"{at}/when/{number}"
        found += _faults_in_places(condition.place, f"{here}/place")
        if condition.in_ is not None and not condition.exists:
            found.append((f"{here}/in", "has no meaning where nothing may stand"))
    found += _faults_in_places(rule.key, f"{at}/key")
    fields = getattr(rule, "fields", None)
    for field in msgspec.structs.fields(fields) if fields is not None else ():
        places = getattr(fields, field.name)
        here = f"{at}/fields/{field.encode_name}"
        if isinstance(places, dict):
            for label, one in places.items():
                found += _faults_in_places(one, f"{here}/{_step(label)}")
        elif places is not None:
            found += _faults_in_places(places, here)
    if isinstance(rule, ReportRule):
        found += faults_in_table(rule.statuses, f"{at}/statuses")
        found += faults_in_table(rule.errors, f"{at}/errors")
    elif isinstance(rule, ConsentRule):
        found += faults_in_table(rule.words, f"{at}/words")
    return found


def _faults_in_places(places: str | list[str], at: str) -> list[tuple[str, str]]:
    listed = [(at, places)] if isinstance(places, str) else [
        (f"{at}/{index}", one) for index, one in enumerate(places)
    ]  # fmt: skip
    return [(where, said) for where, one in listed if (said := mapping_body.fault_in(one))]


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
