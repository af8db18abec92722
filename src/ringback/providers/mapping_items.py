"""One piece of a callback by the rules of a mapping: which rule holds, and the item it makes."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence

import msgspec

from ringback.domain.messages import Failure, Status
from ringback.providers import mapping_body, reading
from ringback.providers.base import (
    Consent,
    Inbound,
    Item,
    Notice,
    Report,
    Unparsed,
    Unrecognised,
)
from ringback.providers.mapping_body import Getter, Piece, text_of
from ringback.providers.mapping_config import (
    MEDIA_MAX,
    ConsentRule,
    ErrorRow,
    InboundRule,
    LinkRule,
    Numbers,
    Places,
    ReportRule,
    Rule,
    StatusRow,
)
from ringback.providers.mapping_table import Table
from ringback.providers.mapping_times import TimeReader

_SHOWN = 64
# A text with more around it than this many times its limit is not looked at.
_BLANKS = 4
_KEY_MAX = 4096
_SEPARATORS = str.maketrans("", "", " -().\u00a0")
_FAILED: tuple[Status, ...] = ("failed", "expired", "unconfirmed")
_MEDIA_FIELDS = ("id", "content_type", "filename", "sha256", "size", "caption")


class Note(msgspec.Struct, frozen=True):
    """Why something of a piece was not read.

    `piece` is where it stands in the callback, `rule` which rule was tried, from 0, and `field`
    which of its fields; "" for the whole of it. `quotes`: `why` repeats what the callback says.
    """

    piece: str
    rule: int | None
    field: str
    why: str
    quotes: bool = False


Notes = list[Note] | None


class Words(msgspec.Struct, frozen=True):
    """What all rules of a mapping share: how times, numbers and channels are written."""

    times: TimeReader
    numbers: Numbers
    channels: Table[str]

    def number(self, text: str | None) -> str | None:
        """Write a number as E.164 has it; leave short codes, names and ids as they are."""
        if text is None:
            return None
        rules, bare = self.numbers, text.strip()
        for prefix in rules.strip:
            if bare.startswith(prefix) and len(bare) > len(prefix):
                bare = bare[len(prefix) :]
                break
        plain = bare.translate(_SEPARATORS)
        digits = plain.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            return bare or None
        if plain.startswith("+"):
            return plain
        if rules.country is not None:
            trunk = rules.trunk or ""
            national = digits[len(trunk) :] if trunk and digits.startswith(trunk) else digits
            whole = rules.national_digits in (None, len(national))
            if whole and (national != digits or rules.national_digits is not None):
                digits = rules.country + national
        return reading.plus(digits) if rules.plus else digits


class Taken:
    """What a rule finds in a piece, field by field; notes what is there and cannot be used."""

    def __init__(self, rule: "CompiledRule", piece: Piece, notes: Notes) -> None:
        self.rule, self.piece, self._notes = rule, piece, notes

    def raw(self, name: str) -> object:
        """Return what stands at the first of a field's places that holds something."""
        getters = self.rule.getters.get(name)
        return None if getters is None else _first(getters, self.piece)

    def text(self, name: str, limit: int = reading.ID_MAX) -> str | None:
        """Return a field as text of at most `limit` characters."""
        found = self.raw(name)
        if found is None:
            return None
        words = text_of(found)
        # Asked before it is stripped: all pieces may look at the same long text.
        if words is not None and len(words) > _BLANKS * limit:
            self.note(name, f"longer than {limit} characters")
            return None
        bare = "" if words is None else words.strip()
        if not bare:
            self.note(name, "what stands there is no text")
        elif len(bare) > limit:
            self.note(name, f"longer than {limit} characters")
        else:
            return bare
        return None

    def long_text(self, name: str) -> str | None:
        """Return a field as text, cut where it is too long."""
        return self.piece.body.clipped(self.raw(name))

    def number(self, name: str) -> str | None:
        """Return a field as an address."""
        return self.rule.words.number(self.text(name))

    def at(self) -> int | None:
        """Return when it happened."""
        words = self.text("occurred_at")
        if words is None:
            return None
        at = self.rule.words.times.read(words)
        if at is None:
            self.note("occurred_at", "no format of `times` fits, or the time names no zone")
        return at

    def channel(self) -> str | None:
        """Return the channel, in our word where there is one for it."""
        words = self.text("channel", reading.KIND_MAX)
        if words is None:
            return None
        ours = self.rule.words.channels.get(words)
        return ours or words.lower()

    def count(self, name: str) -> int | None:
        """Return a small number."""
        words = self.text(name)
        if words is None:
            return None
        found = reading.count(int(words)) if words.isascii() and words.isdigit() else None
        if found is None:
            self.note(name, "no number from 1 to 255")
        return found

    def key(self, usual: str) -> str:
        """Return what tells this item from others: as configured, where all of that is there."""
        named = [text_of(get(self.piece)) for get in self.rule.key]
        values = [one for one in named if one is not None and len(one) <= _KEY_MAX]
        if values and len(values) == len(named):
            return f"named:{reading.fingerprint(*values)}"
        if named:
            self.note("key", "not all of it is there or short, so the usual one is used")
        return usual

    def note(self, field: str, why: str, *, quotes: bool = False) -> None:
        """Note why a field was not read; `quotes`: in words of the callback's."""
        if self._notes is not None:
            named = field.rstrip("_")
            self._notes.append(Note(self.piece.where, self.rule.index, named, why, quotes))

    def lacks(self, name: str) -> Unparsed:
        """Say that a piece lacks what names a message, or whatever it cannot do without."""
        self.note(name, "nothing is there, and it is needed")
        return Unparsed(f"nothing stands where `{name}` should", self.piece.where, unmatched=True)


class CompiledRule:
    """A rule with its places made functions, and its tables prepared."""

    def __init__(self, index: int, rule: Rule, words: Words) -> None:
        self.index, self.rule, self.words = index, rule, words
        self.conditions = [
            (_getters(one.place), frozenset(one.in_ or ()), one.exists) for one in rule.when
        ]
        self.key = [mapping_body.getter(place) for place in rule.key]
        self.getters: dict[str, tuple[Getter, ...]] = {}
        self.metadata: dict[str, tuple[Getter, ...]] = {}
        self.media: tuple[Getter, ...] = ()
        self.statuses: Table[StatusRow] = Table({})
        self.errors: Table[ErrorRow] = Table({})
        self.consents: Table[str] = Table({})
        fields = getattr(rule, "fields", None)
        for name in fields.__struct_fields__ if fields is not None else ():
            places = getattr(fields, name)
            if isinstance(places, dict):
                self.metadata = {label: _getters(one) for label, one in places.items()}
            elif name == "media":
                self.media = _getters(places)
            elif places is not None:
                self.getters[name] = _getters(places)
        if isinstance(rule, ReportRule):
            self.statuses = Table(
                {
                    word: row if isinstance(row, StatusRow) else StatusRow(status=row)
                    for word, row in rule.statuses.items()
                }
            )
            self.errors = Table(rule.errors)
        elif isinstance(rule, ConsentRule):
            self.consents = Table(rule.words)

    def holds(self, piece: Piece, notes: Notes) -> bool:
        """Say whether the piece meets all conditions."""
        for number, (getters, known, exists) in enumerate(self.conditions):
            found = _first(getters, piece)
            words = text_of(found)
            if (found is not None) is exists and (not known or words in known):
                continue
            if notes is not None:
                shown = "nothing" if found is None else repr((words or "no text")[:_SHOWN])
                why = f"{shown} stands there"
                quotes = found is not None
                notes.append(Note(piece.where, self.index, f"when/{number}", why, quotes))
            return False
        return True

    def read(self, piece: Piece, prefix: str, notes: Notes) -> Item | Unparsed | None:
        """Make the item; None for what is to be ignored."""
        taken = Taken(self, piece, notes)
        if isinstance(self.rule, ReportRule):
            return _report(self.rule, taken, prefix)
        if isinstance(self.rule, InboundRule):
            return _inbound(taken)
        if isinstance(self.rule, ConsentRule):
            return _consent(taken, prefix)
        return _link(self.rule, taken) if isinstance(self.rule, LinkRule) else None


def unrecognised(piece: Piece, kind: str, at: int | None = None) -> Unrecognised:
    """Make an item of a piece that no rule has a word for.

    What the query says beside a body tells it apart, too: it may hold the name of the event.
    """
    fragment, asked = piece.fragment, piece.body.query
    told = [bytes(fragment)]
    if asked and asked is not piece.body.tree:
        told.append(msgspec.json.encode(asked, order="sorted"))
    key = f"{kind}:{reading.fingerprint(*told)}"
    return Unrecognised(kind, key, fragment, at)


def _first(getters: tuple[Getter, ...], piece: Piece) -> object:
    """Return what stands at the first of these places that holds something."""
    for get in getters:
        found = get(piece)
        if found is not None and found != "":
            return found
    return None


def _getters(places: Places | Sequence[str]) -> tuple[Getter, ...]:
    listed = [places] if isinstance(places, str) else places
    return tuple(mapping_body.getter(place) for place in listed)


def _report(rule: ReportRule, taken: Taken, prefix: str) -> Item | Unparsed:
    named, word = taken.text("message_id"), taken.text("status")
    part = taken.count("part") or 0
    if named is not None and rule.part_mark is not None:
        named, _, number = named.partition(rule.part_mark)
        if number.isascii() and number.isdigit() and len(number) <= 3:
            part = reading.count(int(number) + 1 - rule.parts_from) or 0
    if not named:
        return taken.lacks("message_id")
    if word is None:
        return taken.lacks("status")
    row = taken.rule.statuses.get(word)
    at = taken.at()
    if row is None:
        taken.note("status", f"the table has no word {word[:_SHOWN]!r}", quotes=True)
        return unrecognised(taken.piece, f"{prefix}.status", at)
    status, error = _failure(row, taken)
    person = taken.number("recipient")
    key = f"{named}:{word}" + (f":{person}" if person else "") + (f":{part}" if part else "")
    content = taken.long_text("text")
    purpose = taken.text("purpose", reading.KIND_MAX)
    return Report(
        message_id=named,
        status=status,
        key=taken.key(key),
        occurred_at=at,
        recipient=person,
        to=taken.number("to") or person,
        from_=taken.number("from_"),
        channel=taken.channel(),
        reference=taken.text("reference", reading.REFERENCE_MAX),
        error=error,
        provider_status=word[:_SHOWN],
        weak=row.weak,
        part=part,
        parts=taken.count("parts"),
        segments=taken.count("segments"),
        carrier=_carrier(taken),
        cost=_cost(taken),
        purpose=purpose if purpose in ("transactional", "marketing") else None,
        campaign=taken.text("campaign"),
        metadata=_metadata(taken.rule.metadata, taken.piece),
        content=None if content is None else {"kind": "text", "text": content},
    )


def _failure(row: StatusRow, taken: Taken) -> tuple[Status, Failure | None]:
    code = taken.text("error_code")
    known = taken.rule.errors.get(code) if code is not None else None
    status: Status = row.status
    if status not in _FAILED:
        return status, None
    if known is not None and known.status is not None:
        status = known.status
    because = known or row.error
    if because is None and (status != "failed" and code is None):
        return status, None
    because = because or ErrorRow(class_="unknown")
    if known is None and code is not None:
        taken.note("error_code", f"the table has no code {code[:_SHOWN]!r}", quotes=True)
    said = taken.long_text("error_text")
    return status, Failure(
        class_=because.class_,
        code=because.code,
        retryable=because.retryable,
        provider_code=None if code is None else code[:_SHOWN],
        description=None if said is None else said[:500],
        stage=because.stage,
        opt_out=because.opt_out,
    )


def _inbound(taken: Taken) -> Item | Unparsed:
    named, person = taken.text("message_id"), taken.number("from_")
    at = taken.at()
    if person is None:
        return taken.lacks("from")
    # Without an id of its own it is known by all it says; without a time, for a day.
    told = bool(named)
    named = named or reading.fingerprint(bytes(taken.piece.fragment))
    key = taken.key(named)
    unnamed = not told and at is None and key == named
    words, media = taken.long_text("text"), _media(taken)
    content: dict[str, object] = {"kind": "media" if media else "text"}
    if words is not None:
        content["text"] = words
    if media:
        content["media"] = media
    keyword, more = taken.text("keyword"), _metadata(taken.rule.metadata, taken.piece)
    if keyword is not None:
        content["keyword"] = keyword
    if more:
        content["metadata"] = more
    return Inbound(
        message_id=named,
        key=key,
        from_=person,
        to=taken.number("to"),
        content=content,
        channel=taken.channel() or "sms",
        occurred_at=at,
        recipient=taken.number("recipient"),
        reply_to=taken.text("reply_to"),
        reference=taken.text("reference", reading.REFERENCE_MAX),
        segments=taken.count("segments"),
        unnamed=unnamed,
    )


def _consent(taken: Taken, prefix: str) -> Item | Unparsed:
    address, word, at = taken.number("address"), taken.text("word"), taken.at()
    if address is None:
        return taken.lacks("address")
    if word is None:
        return taken.lacks("word")
    meaning = taken.rule.consents.get(word)
    if meaning is None:
        taken.note("word", f"the table has no word {word[:_SHOWN]!r}", quotes=True)
        return unrecognised(taken.piece, f"{prefix}.consent", at)
    evidence = {"provider_word": word[:_SHOWN]}
    for name in ("keyword", "message_id"):
        said = taken.text(name)
        if said is not None:
            evidence[name] = said
    usual = f"consent:{reading.fingerprint(address, word, bytes(taken.piece.fragment))}"
    key = taken.key(usual)
    return Consent(
        address=address,
        word="opted_in" if meaning == "opted_in" else "opted_out",
        key=key,
        occurred_at=at,
        channel=taken.channel(),
        sender=taken.number("sender"),
        purpose=taken.text("purpose", reading.KIND_MAX),
        evidence=evidence,
        unnamed=at is None and key == usual and "message_id" not in evidence,
    )


def _link(rule: LinkRule, taken: Taken) -> Item | Unparsed:
    url = taken.text("url", reading.REFERENCE_MAX * 2)
    if url is None:
        return taken.lacks("url")
    data: dict[str, object] = {"url": url, "source": "provider"}
    person, link = taken.number("recipient"), taken.text("provider_link", 2048)
    if person is not None:
        data["recipient"] = person
    if link is not None:
        data["provider_link"] = link
    usual = f"link:{rule.event}:{reading.fingerprint(url, bytes(taken.piece.fragment))}"
    key, at, about = taken.key(usual), taken.at(), taken.text("message_id")
    return Notice(
        type="link.clicked" if rule.event == "clicked" else "link.previewed",
        key=key,
        data=data,
        occurred_at=at,
        message_id=about,
        recipient=person,
        unnamed=at is None and key == usual and about is None,
    )


def _media(taken: Taken) -> list[dict[str, object]]:
    found: list[object] = []
    for get in taken.rule.media:
        value = get(taken.piece)
        found += value if isinstance(value, list) else [value]
    files: list[dict[str, object]] = []
    for one in found[:MEDIA_MAX]:
        if isinstance(one, dict) and reading.text(one.get("url"), 2048):
            known = {name: one[name] for name in _MEDIA_FIELDS if text_of(one.get(name))}
            files.append({"url": one["url"], **known})
        elif reading.text(one, 2048):
            files.append({"url": one})
        elif one is not None and one != "":
            taken.note("media", "what stands there is neither an address nor has a `url`")
    return files


def _carrier(taken: Taken) -> dict[str, str] | None:
    told: dict[str, str] = {}
    name, both = taken.text("network", _SHOWN), taken.text("mccmnc")
    if both is None:
        mcc, mnc = taken.text("mcc"), taken.text("mnc")
        both = mcc + mnc.rjust(2, "0") if mcc and mnc else None
    if name is not None:
        told["name"] = name
    if both is not None and both.isascii() and both.isdigit() and len(both) in (5, 6):
        told["mccmnc"] = both
    return told or None


def _cost(taken: Taken) -> dict[str, str] | None:
    amount, currency = taken.text("cost"), taken.text("currency")
    if amount is None or currency is None:
        return None
    whole, _, fraction = amount.partition(".")
    decimal = all(piece.isascii() and piece.isdigit() for piece in (whole, fraction or "0"))
    if not decimal or len(whole) > 12 or len(fraction) > 8 or amount.endswith("."):
        taken.note("cost", "no decimal number")
        return None
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        taken.note("currency", "no currency of three letters")
        return None
    return {"amount": amount, "currency": currency.upper()}


def _metadata(places: MappingOf[str, tuple[Getter, ...]], piece: Piece) -> dict[str, str]:
    told: dict[str, str] = {}
    for label, getters in places.items():
        words = next((one for get in getters if (one := text_of(get(piece)))), None)
        if words is not None:
            told[label] = words[: reading.ID_MAX]
    return told
