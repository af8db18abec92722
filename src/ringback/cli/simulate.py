"""`ringback simulate`: provider-shaped callbacks through the intake, and what became of them."""

import dataclasses
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import typer

from ringback.cli import failures
from ringback.cli.declared import Column
from ringback.cli.session import Session
from ringback.domain.scenarios import SCENARIOS, Scenario

Json = dict[str, Any]
Statuses = tuple[str, ...]
OURS = "+15550100"
# From so many messages on, a table counts them instead of listing them.
LISTED = 20
# So many of the newest messages of people are looked through for answers.
HEARD = 200
_POLL_S = 0.1
# What a message comes to when the send goes wrong.
_SENT = {"refused": ("failed",), "throttled": ("failed",), "uncertain": ("submitted",)}
_COLUMNS = (
    Column("message", "message", "id"), Column("status", "status", "status"),
    Column("events", "events"), Column("deliveries", "deliveries"),
    Column("callback", "callback", "id", wide=True), Column("to", "to", wide=True),
    Column("reference", "reference", wide=True),
)  # fmt: skip
_COUNTED = (Column("status", "status", "status"), Column("messages", "messages", "number"))


@dataclasses.dataclass(frozen=True)
class Heard:
    """What people have said to a connection, and the newest callback that told nothing new."""

    messages: list[Json]
    repeated: str

    @property
    def newest(self) -> str:
        """The id of the newest message, "" where there is none."""
        return str(self.messages[0]["id"]) if self.messages else ""


@dataclasses.dataclass(frozen=True)
class Answer:
    """A person's message: who it is from, and what had been heard before it."""

    person: str
    before: Heard

    def among(self, heard: Heard, given_id: str) -> Json | None:
        """Find it, also where the provider gives no ids to what people say.

        That is known by what was said to whom on a day: said once more, it is the same message.
        """
        named = [one for one in heard.messages if one["provider_message_id"] == given_id]
        of_person = [one for one in heard.messages if _same(one["from"], self.person)]
        newest = of_person[0] if of_person else None
        new = newest is not None and newest["id"] > self.before.newest
        again = heard.repeated > self.before.repeated
        return named[0] if named else newest if new or again else None


class Course:
    """One message on its course: what was asked for, and what can be seen of it so far."""

    def __init__(self, connection: Json, expects: Statuses) -> None:
        """Take where it runs and what it is to reach."""
        self.connection = connection
        self.expects = expects
        self.message: Json | None = None
        self.callback: Json | None = None
        self.row: Json = {}
        self.provider_id = ""
        self.known: str | None = None
        self.answer: Answer | None = None

    @property
    def reached(self) -> bool:
        """Whether everything that was to come has come."""
        if not self.expects:
            return self.callback is not None
        if self.message is None:
            return False
        if self.message["direction"] == "inbound":
            return True
        return set(self.expects) <= set(self.message["timestamps"])

    def look(self, session: Session, recent: dict[str, Json], heard: Heard | None) -> None:
        """See how far it is; what has been asked for once for all is in `recent` and `heard`."""
        client = session.client
        if self.answer is not None and heard is not None:
            self.message = self.answer.among(heard, self.provider_id)
            return
        if recent:
            self.message = recent.get(self.known or self.provider_id, self.message)
            return
        if self.known is not None:
            self.message = client.get(f"/v1/messages/{self.known}")
            return
        query = {"provider_message_id": self.provider_id}
        self.message = next(client.rows("/v1/messages", query, most=1), None)


def _heard(session: Session, connection: Json) -> Heard:
    about = {"connection": connection["id"]}
    rows = session.client.rows("/v1/messages", {**about, "direction": "inbound"}, most=HEARD)
    return Heard(list(rows), _newest(session, "/v1/callbacks", {**about, "outcome": "duplicate"}))


def _same(address: str | None, person: str) -> bool:
    """Compare addresses: providers write numbers with a plus, or without."""
    return address is not None and address.lstrip("+") == person.lstrip("+")


def connection_for(
    session: Session,
    named: str | None,
    statuses: Statuses,
    provider: str | None = None,
    *,
    silent: bool = False,
) -> tuple[Json, Json, Statuses]:
    """Find a connection to simulate through: it, its provider, which of the statuses it reports.

    Without a name it is the newest of `provider` in test mode; when there is none, one is made.
    Where it reports nothing of what is `silent` in the end, nothing is left to report.
    """
    providers = {one["name"]: one for one in session.client.rows("/v1/providers", paged=False)}
    connection = _connection(session, named, provider or "simulator", providers)
    if connection["mode"] != "test":
        raise typer.BadParameter(
            "Simulation is for test mode: ask with a test key. `ringback keys create --name test "
            "--kind test` makes one."
        )
    found = providers[connection["provider"]]
    can = found["simulates"]
    if statuses and statuses[-1] not in can and not silent:
        raise typer.BadParameter(
            f"{connection['provider']} never reports {statuses[-1]}, only {', '.join(can)}. "
            "A connection of the provider simulator can do it."
        )
    return connection, found, tuple(one for one in statuses if one in can)


def _connection(session: Session, named: str | None, provider: str, providers: Json) -> Json:
    client = session.client
    if named is not None:
        from ringback.client.http import segment

        connection: Json = client.get(f"/v1/connections/{segment(named)}")
        return connection
    if provider not in providers:
        raise typer.BadParameter(
            f"There is no provider {provider}, only {', '.join(providers)}.",
            param_hint="--provider",
        )
    there = client.rows("/v1/connections")
    of_provider = next((one for one in there if one["provider"] == provider), None)
    if of_provider is not None:
        return of_provider
    if client.get("/v1/whoami")["mode"] != "test":
        return {"id": "con_none", "provider": provider, "mode": "live"}
    config = providers[provider]["example_config"]
    if provider == "simulator":
        config = {"secret": secrets.token_hex(16)}
    label = providers[provider]["label"]
    connection = client.post(
        "/v1/connections", {"provider": provider, "name": label, "config": config}
    )
    session.say(f"Added the connection {connection['id']} to {label}, with made-up credentials.")
    return connection


def begin(session: Session, connection: Json, statuses: Statuses, fields: Json) -> list[Course]:
    """Start one simulation; 429 is waited for by the client. A batch has several messages."""
    path = f"/v1/connections/{connection['id']}/simulate"
    asked = {"statuses": list(statuses), **fields} if statuses else fields
    made = session.client.post(path, asked)
    several = fields.get("batch", 1) > 1
    courses = []
    for number, one in enumerate([made, *made["others"]], 1):
        expects = _SENT.get(one["outcome"], statuses or ("submitted",))
        course = Course(connection, () if fields.get("forged") else expects)
        course.provider_id, course.known = one["provider_message_id"] or "", one["message"]
        reference = fields.get("reference")
        named = f"{reference}-{number}" if reference and several else reference
        course.row = {"to": fields["to"], "reference": named}
        courses.append(course)
    return courses


def wait(session: Session, courses: list[Course], seconds: float) -> bool:
    """Wait until every course has reached what it is to reach; False when the time was over."""
    deadline = time.monotonic() + seconds
    open_ = [course for course in courses if course.expects]
    while True:
        recent = _recent(session, 2 * len(open_)) if len(open_) > LISTED else {}
        answered = next((course.connection for course in open_ if course.answer), None)
        heard = _heard(session, answered) if answered else None
        for course in open_:
            course.look(session, recent, heard)
        open_ = [course for course in open_ if not course.reached]
        if not open_:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)


def _recent(session: Session, most: int) -> dict[str, Json]:
    """Return the newest messages, by both of their ids."""
    found = {}
    for one in session.client.rows("/v1/messages", most=most):
        found[one["id"]] = found[str(one["provider_message_id"])] = one
    return found


@dataclasses.dataclass(frozen=True)
class Asked:
    """What was asked for on the command line, beside the scenario."""

    connection: str | None = None
    provider: str | None = None
    count: int | None = None
    to: str | None = None
    channel: str | None = None
    reference: str | None = None
    text: str | None = None
    error_code: str | None = None
    error_class: str | None = None
    patience_s: float = 15.0


def run(session: Session, name: str, asked: Asked) -> None:
    """Play a scenario and show what became of it; exit code 7 when it is not over in time."""
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise typer.BadParameter(
            f"There is no scenario {name}, only {', '.join(SCENARIOS)}.", param_hint="SCENARIO"
        )
    found, provider, statuses = chosen(session, scenario, asked)
    rejected = {"connection": found["id"], "outcome": "rejected"}
    mark = _newest(session, "/v1/callbacks", rejected) if scenario.forged else ""
    more = more_of(scenario, provider, asked)
    stem = asked.reference or f"sim-{secrets.token_hex(3)}"
    courses: list[Course] = []
    total = asked.count or scenario.count
    for number in range(1, total + 1):
        fields = {
            **more, "from": OURS, "to": asked.to or person(number),
            "reference": stem if total == 1 else f"{stem}-{number}",
        }  # fmt: skip
        courses += begin(session, found, statuses, fields)
    patience_s = asked.patience_s
    done = wait(session, courses, patience_s)
    if scenario.forged:
        done = _wait_rejected(session, found, courses, mark, patience_s) and done
    if scenario.answer and done:
        people = [course.row["to"] for course in courses]
        courses += answers(session, found, scenario, people, more["channel"])
        done = wait(session, courses, patience_s)
    _show(session, courses)
    if not done:
        session.say(f"Not everything had come after {patience_s:g} s: --wait 60s waits longer.")
        raise typer.Exit(failures.PARTIAL)


def chosen(session: Session, scenario: Scenario, asked: Asked) -> tuple[Json, Json, Statuses]:
    """Find what can play a scenario: the connection, its provider, the statuses it reports.

    Raises:
        BadParameter: the provider has no way to play it, or there is no such provider.

    """
    found, provider, statuses = connection_for(
        session, asked.connection, scenario.statuses, asked.provider, silent=scenario.silent
    )
    _check(scenario, provider)
    return found, provider, statuses


def person(number: int) -> str:
    """Return a number that belongs to nobody, another one for each message of a run."""
    return f"+1555010{number % 10_000:04}"


def _check(scenario: Scenario, provider: Json) -> None:
    """Refuse a scenario that this provider has no way to play."""
    label, can = provider["label"], provider["simulates"]
    if scenario.outcome != "accepted" and not provider["sends"]:
        raise typer.BadParameter(f"Nothing can be sent through {label} yet: it cannot refuse.")
    if dict(scenario.more).get("batch") and not provider["batches"]:
        raise typer.BadParameter(f"{label} tells of every message by itself, never of several.")
    if scenario.silent and not provider["sends"] and not {*scenario.statuses} & {*can}:
        raise typer.BadParameter(f"Nothing can be sent through {label} yet, or be lost.")
    if scenario.answer and "received" not in can:
        raise typer.BadParameter(f"Nobody answers through {label}: it reports no such thing.")


def more_of(scenario: Scenario, provider: Json, asked: Asked) -> Json:
    """Say what is the same for every message of a run, as the API calls it."""
    usual = next(iter(provider["channels"]), "sms")
    # Where nothing is reported before the silence, all that is reported is lost.
    unheard = scenario.silent and not {*scenario.statuses} & {*provider["simulates"]}
    fields = {
        **dict(scenario.more), "channel": asked.channel or usual, "text": asked.text,
        "error_code": asked.error_code, "error_class": asked.error_class,
        "outcome": scenario.outcome if scenario.outcome != "accepted" else None,
        "loss": 1 if unheard else None,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def answers(
    session: Session, connection: Json, scenario: Scenario, people: list[str], channel: str
) -> list[Course]:
    """Let each of these people answer once."""
    media: Json = {"media": [{}]} if scenario.picture else {}
    before = _heard(session, connection)
    courses = []
    for who in dict.fromkeys(people):
        fields = {"from": who, "to": OURS, "text": scenario.answer, "channel": channel, **media}
        (course,) = begin(session, connection, ("received",), fields)
        course.answer = Answer(who, before)
        courses.append(course)
    return courses


def _newest(session: Session, path: str, query: Json) -> str:
    """Return the id of the newest row, "" where there is none; later ones come after it."""
    return str(next((one["id"] for one in session.client.rows(path, query, most=1)), ""))


def _rejected(session: Session, connection: Json) -> Iterator[Json]:
    query = {"connection": connection["id"], "outcome": "rejected"}
    return session.client.rows("/v1/callbacks", query, most=200)


def _wait_rejected(
    session: Session, connection: Json, courses: list[Course], mark: str, seconds: float
) -> bool:
    """Wait until a callback of each course was refused."""
    deadline = time.monotonic() + seconds
    while True:
        new = [one for one in _rejected(session, connection) if one["id"] > mark]
        for course, callback in zip(courses, new, strict=False):
            course.callback = callback
        if len(new) >= len(courses):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)


def _show(session: Session, courses: list[Course]) -> None:
    if len(courses) > LISTED and session.out.format == "table":
        counted = Counter(_status(course) for course in courses)
        rows = [{"status": status, "messages": many} for status, many in counted.most_common()]
        session.out.rows(rows, _COUNTED)
        session.say(
            f"ringback messages list --reference … finds each; -o csv lists all {len(courses)}."
        )
        return
    session.out.rows((_row(session, course) for course in courses), _COLUMNS, "message")
    if len(courses) == 1 and courses[0].message is not None:
        session.say(f"ringback messages timeline {courses[0].message['id']} tells all of it.")


def _status(course: Course) -> str:
    if course.callback is not None:
        return str(course.callback["outcome"])
    if course.message is None:
        return "unknown"
    return str(course.message["status"] or "received")


def _row(session: Session, course: Course) -> Json:
    """Tell what became of one message: its status, its events in order, how telling went."""
    row: Json = {"message": None, "status": _status(course), "events": [], "deliveries": [],
                 "callback": None, **course.row}  # fmt: skip
    if course.callback is not None:
        row["callback"] = course.callback["id"]
    if course.message is None:
        return row
    story = session.client.get(f"/v1/messages/{course.message['id']}/timeline")["entries"]
    events = [one for one in story if one["kind"] == "event"]
    ends = Counter(str(one["final"]) for one in story if one["kind"] == "attempt" and one["final"])
    ends.update(one["status"] for one in story if one["kind"] == "delivery")
    return {
        **row,
        "message": course.message["id"],
        "events": [_short(one) for one in sorted(events, key=lambda one: one["sequence"])],
        "deliveries": [f"{many} {end}" for end, many in ends.most_common()],
        "to": course.message["to"],
        "reference": course.message["reference"],
    }


def _short(event: Json) -> str:
    name = str(event["type"]).removeprefix("message.")
    return f"{name} (late)" if event["late"] else name
