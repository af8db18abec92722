"""`ringback emit`: a sample event of any type, told to endpoints as a real one is."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import typer

from ringback.cli import failures, simulate, values
from ringback.cli.declared import Column
from ringback.cli.lives import LIVES
from ringback.cli.session import Session

Json = dict[str, Any]
# Events of one publication, and publications a second when they come at a rate.
TOGETHER = 100
_BEATS_S = 0.1
_PATIENCE_S = 10.0
_COLUMNS = (Column("event", "id", "id"), Column("type", "type"), Column("subject", "subject"))
# What can be chosen of a sample about a message: the field of an event, the simulator's word.
_OF_MESSAGES = {
    "data.message.to": "to", "data.message.from": "from", "data.message.channel": "channel",
    "data.message.reference": "reference", "data.message.content.text": "text",
    "to": "to", "from": "from", "channel": "channel", "reference": "reference", "text": "text",
}  # fmt: skip


def show_types(session: Session) -> None:
    """List the types and how a sample of each is made."""
    columns = (
        Column("type", "name", "id"), Column("how", "how"), Column("description", "description"),
    )  # fmt: skip
    types = session.client.rows("/v1/event-types", paged=False)
    rows = ({**one, "how": "published" if one["own"] else _how(one["name"])} for one in types)
    session.out.rows(rows, columns, "name")
    session.say("And every type of your own, such as shop.order_paid: it is published as it is.")


def _how(name: str) -> str:
    family, _, status = name.partition(".")
    return "simulated" if family == "message" and status in LIVES else "with --endpoint"


def run(
    session: Session,
    name: str,
    *,
    assigned: list[str],
    file: str | None,
    count: int,
    rate: float | None,
    endpoint: str | None,
    connection: str | None,
) -> None:
    """Emit `count` events of a type, `rate` of them a second."""
    family, _, status = name.partition(".")
    known = list(session.client.rows("/v1/event-types", paged=False))
    types = {one["name"] for one in known if not one["own"]}
    families = {one.partition(".")[0] for one in types}
    own = family not in families
    if file is not None and not own:
        raise typer.BadParameter(
            "Only events of your own are read from a file.", param_hint="--file"
        )
    if connection is not None and (own or endpoint is not None):
        raise typer.BadParameter("It is for events of messages.", param_hint="--connection")
    if own:
        body = _body(name, file)
        if file is None and any(one["name"] == name for one in known):
            body = _example(session, body)
        if endpoint is not None:
            body["deliver_to"] = [endpoint]
        _publish(session, body, assigned, count, rate)
        return
    if name not in types:
        near = ", ".join(sorted(one for one in types if one.startswith(f"{family}.")))
        raise typer.BadParameter(f"There is no type {name}. Of this family there are: {near}.")
    if endpoint is not None:
        _sample(session, name, endpoint, count, rate)
    elif family == "message" and status in LIVES:
        _simulated(session, status, assigned, count, rate, connection)
    else:
        raise typer.BadParameter(
            f"{name} is for Ringback to tell. An example of it goes to one endpoint: --endpoint ID."
        )


def _publish(
    session: Session, body: Json, assigned: list[str], count: int, rate: float | None
) -> None:
    if rate is None:
        size, pause = TOGETHER, 0.0
    else:
        size, pause = max(1, min(TOGETHER, round(rate * _BEATS_S))), 0.0
        pause = size / rate
    began, sent = time.monotonic(), 0

    def rows() -> Iterator[Json]:
        nonlocal sent
        while sent < count:
            numbers = range(sent + 1, min(sent + size, count) + 1)
            events = [_numbered(body, assigned, number) for number in numbers]
            answer = session.client.post("/v1/events", events)
            for event, made in zip(events, answer["data"], strict=True):
                yield {**made, "type": event["type"], "subject": event.get("subject")}
            sent += len(events)
            _until(began, sent // size * pause if sent < count else 0)

    session.out.rows(rows(), _COLUMNS)


def _body(name: str, file: str | None) -> Json:
    """Read the event of a file, or its data; without a file it has no data."""
    if file is None:
        return {"type": name, "data": {}}
    found = values.document(file if file == "-" or file.startswith("@") else f"@{file}")
    if not isinstance(found, dict):
        raise typer.BadParameter("An event is a JSON object.", param_hint="--file")
    if not isinstance(found.get("data"), dict):
        found = {"data": found}
    # What an event has when it was read from the API, and nobody says when publishing.
    kept = {"subject", "data", "timestamp", "retry", "deliver_to"}
    return {"type": name, **{field: value for field, value in found.items() if field in kept}}


def _example(session: Session, body: Json) -> Json:
    """Begin with the example of a type that was described."""
    from ringback.client.http import segment

    example = session.client.get(f"/v1/event-types/{segment(body['type'])}")["example"]
    return {**body, "data": example["data"]} if example else body


def _numbered(body: Json, assigned: list[str], number: int) -> Json:
    event: Json = json.loads(json.dumps(body))
    values.assignments([one.replace("{n}", str(number)) for one in assigned], event)
    return event


def _until(began: float, passed: float) -> None:
    left = began + passed - time.monotonic()
    if left > 0:
        time.sleep(left)


def _sample(session: Session, name: str, endpoint: str, count: int, rate: float | None) -> None:
    from ringback.client.http import segment

    path, began = f"/v1/endpoints/{segment(endpoint)}/test", time.monotonic()

    def rows() -> Iterator[Json]:
        for number in range(1, count + 1):
            yield session.client.post(path, {"event_type": name})
            _until(began, number / rate if rate and number < count else 0)

    session.out.rows(rows(), _COLUMNS)


def _simulated(
    session: Session, status: str, assigned: list[str], count: int, rate: float | None,
    connection: str | None,
) -> None:  # fmt: skip
    found, _, statuses = simulate.connection_for(session, connection, LIVES[status])
    given: Json = {"channel": "whatsapp" if found["provider"] == "whatsapp" else "sms"}
    for text in assigned:
        path, equals, value = text.partition("=")
        if not equals or path not in _OF_MESSAGES:
            raise typer.BadParameter(
                f"{text!r}: of a message can be set: to, from, channel, reference, text.",
                param_hint="--set",
            )
        given[_OF_MESSAGES[path]] = value
    began, courses = time.monotonic(), []
    for number in range(1, count + 1):
        ends = ("from", "to") if status == "received" else ("to", "from")
        usual = {ends[0]: simulate.person(number), ends[1]: simulate.OURS}
        fields = {
            name: value.replace("{n}", str(number)) for name, value in (usual | given).items()
        }
        courses += simulate.begin(session, found, statuses, fields)
        _until(began, number / rate if rate and number < count else 0)
    done = simulate.wait(session, courses, _PATIENCE_S)
    events = itertools.chain.from_iterable(
        session.client.rows(
            "/v1/events", {"message": course.message["id"], "type": f"message.{status}"}
        )
        for course in courses
        if course.message is not None
    )
    rows = ({**one, "subject": one["data"]["message"]["id"]} for one in events)
    session.out.rows(rows, _COLUMNS)
    if not done:
        session.say("Not everything had come in time.")
        raise typer.Exit(failures.PARTIAL)
