"""Every event that anything renders fits the schema of its type, to the last field."""

import json
import uuid
from typing import cast

import msgspec

from ringback.domain.event_types import CATALOGUE
from ringback.providers.base import OutboundMessage
from ringback.services.arrivals import Arrival
from ringback.services.sends import Submitting
from ringback.services.work import Work
from tests.domain.schemas import faults
from tests.providers.cases import CASES
from tests.services.sink import until
from tests.services.stage import Stage
from tests.services.test_decide import CONNECTION, NOW, SECRET, _decide
from tests.services.test_publish import _event, _post


def _events(work: Work) -> list[tuple[str, bytes]]:
    """Return the types and bodies of the events that a work brings about."""
    return [(str(row[3]), cast("bytes", row[9])) for row in _decide(work).rows.events]


def test_what_recordings_bring_about() -> None:
    """The events of all recorded callbacks fit, and most kinds of them occur."""
    seen: set[str] = set()
    for case in CASES:
        connection = msgspec.structs.replace(CONNECTION, provider=case.provider.name)
        parsed = case.provider.parse(case.callback, case.config)
        arrival = Arrival(connection, case.callback, NOW, parsed)
        arrival.prepare(SECRET)
        for type_, body in _events(arrival):
            assert [] == faults(body), case
            seen.add(type_)
    assert {
        "message.submitted", "message.sent", "message.delivered", "message.read", "message.failed",
        "message.received", "provider.unrecognised",
    } <= seen  # fmt: skip
    assert seen <= {name for name, type_ in CATALOGUE.items() if type_.emitted}


def test_a_message_that_is_sent() -> None:
    """So does what we say of a message of our own."""
    message = OutboundMessage("+16505551234", "+15550783881", "sms", "m1", at_ms=NOW)
    work = Submitting(CONNECTION, uuid.UUID(int=7), NOW, message)
    work.prepare(SECRET)
    ((type_, body),) = _events(work)
    assert ("message.queued", []) == (type_, faults(body))


async def test_what_is_said_of_endpoints(stage: Stage) -> None:
    """So do the events about a delivery that was given up and an endpoint that was disabled."""
    await stage.add_endpoint(f"{stage.sink.url}/gone", "shop.*")
    await stage.add_endpoint(f"{stage.sink.url}/ops", "endpoint.*")
    stage.sink.answers.append((410, ""))
    assert 201 == (await _post(stage, _event())).status
    await until(lambda: len(stage.sink.received) == 3)
    told = [request.body for request in stage.sink.received[1:]]
    assert {"endpoint.disabled", "endpoint.delivery_exhausted"} == {
        json.loads(body)["type"] for body in told
    }
    assert [] == [fault for body in told for fault in faults(body)]
