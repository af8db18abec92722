"""What happens in a data set, one thing after the other: pure, and the same for the same seed.

A story begins at a time and goes on for ever. Everything in it has two times: when it happened, and
when it is told, which is later for a report that is late and in another order for two that cross.
"""

import heapq
import random
from collections.abc import Iterator
from typing import Any

import msgspec

from ringback.services.demo.plan import (
    PEOPLE,
    Course,
    DemoSet,
    Incident,
    Life,
    Person,
    Trouble,
)
from ringback.services.demo.wire import Fact, message_id

# Seconds from one report to the next, from and to.
_GAPS: dict[str, tuple[float, float]] = {
    "scheduled": (0, 0), "queued": (0, 0.1), "submitted": (0.1, 0.6), "sent": (0.4, 2.5),
    "delivered": (0.8, 8), "read": (6, 90), "failed": (0.8, 14), "expired": (60, 150),
    "cancelled": (15, 50), "unconfirmed": (60, 150),
}  # fmt: skip
_ANSWER_S = (5.0, 70.0)
# Of 100 messages: whose reports cross, who has a late one, and of which one comes twice.
_CROSSED, _LATE, _TWICE = 5, 3, 5
_LATE_S = (45.0, 160.0)
_QUIET_MS = 400


class Step(msgspec.Struct, frozen=True, order=True):
    """One thing to tell, at a time (milliseconds since 1970). `no` keeps steps apart.

    Steps of one `lane` are told one after the other. What it is: a fact for a connection, one with
    something wrong about it, items as they are, or an event of the tenant's own.
    """

    at_ms: int
    no: int
    lane: str
    connection: str = ""
    fact: Fact | None = None
    trouble: Trouble | None = None
    items: tuple[dict[str, Any], ...] = ()
    send: dict[str, Any] | None = None
    event: tuple[str, dict[str, Any]] | None = None


class Story:
    """An endless supply of steps, in the order in which they are told."""

    def __init__(
        self, plan: DemoSet, providers: dict[str, str], seed: int, begin_ms: int, pace: float
    ) -> None:
        """Take what happens, which provider a connection has, and `pace`, messages a second."""
        self._plan = plan
        self._providers = providers
        self._dice = random.Random(f"{plan.name} {seed}")  # noqa: S311 - a story, not a secret
        self._seed = f"{plan.name} {seed} {begin_ms}"
        self._begin_ms = begin_ms
        self._pace = pace
        # References of one run are not those of the next.
        self._number = plan.first_number + 100 * self._dice.randrange(400)
        self._steps: list[Step] = []
        self._no = 0
        self._weights = [course.weight for course in plan.courses]
        self._begins = heapq.merge(
            self._messages(), *self._bursts(), *self._incidents(), *self._events(), *self._lives(),
            key=lambda one: one[0],
        )  # fmt: skip
        self._next = next(self._begins)

    def __iter__(self) -> Iterator[Step]:
        """Go through the steps."""
        return self

    def __next__(self) -> Step:
        """Return the step that comes next."""
        while not self._steps or self._next[0] <= self._steps[0].at_ms:
            at_ms, what = self._next
            self._start(at_ms, what)
            self._next = next(self._begins)
        return heapq.heappop(self._steps)

    # --- when something begins ---

    def _messages(self) -> Iterator[tuple[int, Any]]:
        # Each kind of message once, so that nothing is missing however short the story is.
        at = float(self._begin_ms)
        for course in self._plan.courses:
            yield int(at), course
            at += 700 / max(self._pace, 0.1)
        while True:
            yield int(at), self._dice.choices(self._plan.courses, self._weights)[0]
            at += 1000 * self._dice.expovariate(self._pace)

    def _bursts(self) -> Iterator[Iterator[tuple[int, Any]]]:
        for burst in self._plan.bursts:
            yield self._repeat(burst.at_s, burst.for_s, burst.rate * self._pace, burst.course)

    def _repeat(
        self, at_s: float, for_s: float, rate: float, course: Course
    ) -> Iterator[tuple[int, Any]]:
        start = at_s
        while True:
            for place in range(int(for_s * rate)):
                yield self._begin_ms + int(1000 * (start + place / rate)), course
            start += 1800

    def _incidents(self) -> Iterator[Iterator[tuple[int, Any]]]:
        for incident in self._plan.incidents:
            yield self._every(incident.first_s, incident.every_s, incident)

    def _events(self) -> Iterator[Iterator[tuple[int, Any]]]:
        for place, type_ in enumerate(self._plan.types):
            yield self._every(5 + 7 * place, type_.every_s, type_)

    def _lives(self) -> Iterator[Iterator[tuple[int, Any]]]:
        for place, life in enumerate(self._plan.lives):
            yield self._every(3 + 11 * place, life.every_s, life)

    def _every(self, first_s: float, every_s: float, what: object) -> Iterator[tuple[int, Any]]:
        at = first_s
        while True:
            yield self._begin_ms + int(1000 * at), what
            at += every_s

    # --- what follows from it ---

    def _start(self, at_ms: int, what: Any) -> None:
        self._number += 1
        person = self._dice.choice(PEOPLE)
        if isinstance(what, Course):
            self._message(at_ms, what, person)
        elif isinstance(what, Incident):
            self._incident(at_ms, what, person)
        elif isinstance(what, Life):
            self._life(at_ms, what, person)
        else:
            data = {**what.example, what.subject: self._named(what.subject)}
            self._tell(at_ms, f"{what.tenant} {what.name}", event=(what.name, data))

    def _named(self, stem: str) -> str:
        return f"{stem}-{self._number}"

    def _tell(self, at_ms: int, lane: str, **what: Any) -> None:
        self._no += 1
        heapq.heappush(self._steps, Step(at_ms, self._no, lane, **what))

    def _message(self, at_ms: int, course: Course, person: Person) -> None:
        id_ = self._id(course.connection)
        named = course.reference if course.campaign else self._named(course.reference)
        if not course.path:
            self._writes(at_ms, course, person, self._text(course.texts, person, named), None)
            return
        text = self._text(course.texts, person, named)
        if course.ours:
            said = {
                "to": person.number, "channel": course.channel, "statuses": course.path,
                "reference": named, "text": text or "", "delay_ms": 900, "answer_ms": 120,
            }  # fmt: skip
            self._tell(at_ms, id_, connection=course.connection, send=said)
            return
        facts, at = [], float(at_ms)
        for place, status in enumerate(course.path):
            # What is only planned is not yet under way: the first word comes at once.
            low, high = _GAPS[status] if place else (0.0, 0.2)
            slow = 8.0 if place and course.path[place - 1] == "scheduled" else 1.0
            at += 1000 * slow * (low + (high - low) * self._dice.random() ** 2)
            failing = course.error if place == len(course.path) - 1 else None
            facts.append(Fact(
                id=id_, status=status, at_ms=int(at), person=person.number, name=person.name,
                reference=named, channel=course.channel, text=text, error=failing,
                purpose=course.purpose, campaign=course.campaign, tags=course.tags,
                first=not place,
            ))  # fmt: skip
        for when, fact in self._told(facts):
            self._tell(when, id_, connection=course.connection, fact=fact)
        ended = course.path[-1] in ("delivered", "read")
        if ended and self._dice.random() * 100 < course.answered:
            low, high = _ANSWER_S
            later = int(at + 1000 * (low + (high - low) * self._dice.random()))
            words = self._text(course.answers, person, named)
            self._writes(later, course, person, words, id_)

    def _told(self, facts: list[Fact]) -> list[tuple[int, Fact]]:
        """Say when each fact is told: as it happens, in most lives."""
        told = [(fact.at_ms + self._dice.randrange(40, 260), fact) for fact in facts]
        luck = self._dice.random() * 100
        if len(told) > 1 and luck < _CROSSED:
            (first, a), (second, b) = told[-2:]
            told[-2:] = [(second + _QUIET_MS, a), (min(first + _QUIET_MS, second), b)]
        elif len(told) > 1 and luck < _CROSSED + _LATE:
            low, high = _LATE_S
            when, fact = told[-2]
            told[-2] = (when + int(1000 * self._dice.uniform(low, high)), fact)
        if self._dice.random() * 100 < _TWICE:
            when, fact = told[-1]
            told.append((when + self._dice.randrange(1500, 9000), fact))
        return told

    def _writes(
        self, at_ms: int, course: Course, person: Person, text: str | None, reply_to: str | None
    ) -> None:
        id_ = self._id(course.connection)
        fact = Fact(
            id=id_, status="received", at_ms=at_ms, person=person.number, name=person.name,
            reference=None, channel=course.channel, text=text, reply_to=reply_to,
        )  # fmt: skip
        self._tell(at_ms + 150, id_, connection=course.connection, fact=fact)

    def _incident(self, at_ms: int, incident: Incident, person: Person) -> None:
        generic = self._providers[incident.connection] == "generic"
        depot = self._dice.choice(("Bristol", "Kassel", "Lyon", "Newark"))
        fact = Fact(
            id=self._id(incident.connection), status="delivered", at_ms=at_ms,
            person=person.number, name=person.name, reference=self._named("order"),
            channel="sms", text=depot if generic else None,
        )  # fmt: skip
        self._tell(at_ms, incident.connection, connection=incident.connection, fact=fact,
                   trouble=incident.trouble)  # fmt: skip

    def _life(self, at_ms: int, life: Life, person: Person) -> None:
        id_ = f"{life.prefix}-{self._id(life.connection).removeprefix('m-')}"
        about = {"person": person.number, "no": str(self._number)}
        for after_s, item in life.items:
            when = at_ms + int(1000 * after_s)
            said = {
                name: value.format(**about) if isinstance(value, str) else value
                for name, value in item.items()
            }
            said |= {"id": id_, "at": when}
            self._tell(when, id_, connection=life.connection, items=(said,))

    def _id(self, connection: str) -> str:
        self._no += 1
        return message_id(self._providers[connection], f"{self._seed} {self._no}")

    def _text(self, texts: tuple[str, ...], person: Person, named: str) -> str | None:
        if not texts:
            return None
        words = {name: self._dice.choice(some) for name, some in self._plan.words.items()}
        return self._dice.choice(texts).format(name=person.name, reference=named, **words)
