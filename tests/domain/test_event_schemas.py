"""The schemas and examples of the types that there are."""

import json

import jsonschema_rs
import pytest

from ringback.domain.event_examples import example
from ringback.domain.event_schemas import definitions, schema, schema_path, versions
from ringback.domain.event_types import CATALOGUE
from scripts import events as page
from tests.domain.schemas import faults


@pytest.mark.parametrize("type_", CATALOGUE)
def test_every_type_has_a_schema_and_an_example_that_fits(type_: str) -> None:
    """The schema is sound, says what it is of, and the example has no field that it lacks."""
    found = schema(type_)
    jsonschema_rs.meta.validate(found)
    assert (type_, schema_path(type_), CATALOGUE[type_].description, {"const": type_}) == (
        found["title"], found["$id"], found["description"], found["properties"]["type"],
    )  # fmt: skip
    assert [] == faults(example(type_))
    assert type_ == json.loads(example(type_))["type"]


def test_a_body_that_does_not_fit_is_found() -> None:
    """A field that is missing, unknown or of the wrong kind is a fault with its place."""
    event = json.loads(example("message.delivered"))
    event["data"]["message"]["status"] = "arrived"
    event["data"]["colour"] = "blue"
    del event["data"]["late"]
    event["timestamp"] = "yesterday"
    said = " ".join(faults(json.dumps(event).encode()))
    for place in ("['data', 'message', 'status']", "'colour'", '"late"', "['timestamp']"):
        assert place in said


def test_the_examples_of_messages_tell_one_life() -> None:
    """An example is what the merge makes of its facts: numbered, with the times of its past."""
    read = json.loads(example("message.read"))["data"]
    assert (5, "read", "delivered") == (
        read["sequence"], read["message"]["status"], read["message"]["previous_status"],
    )  # fmt: skip
    assert ["queued", "submitted", "sent", "delivered", "read"] == list(
        read["message"]["timestamps"]
    )
    failed = json.loads(example("message.failed"))["data"]
    assert failed["error"] == failed["message"]["error"]
    assert {"message", "how"} == set(json.loads(example("message.received"))["data"]["in_reply_to"])


def test_versions_and_names() -> None:
    """What does not exist has no versions; no two structs describe bodies under one name."""
    assert [] == versions("shop.order_paid")
    assert [1] == versions("message.sent")
    assert {"MessageEvent", "EventMessage", "Failure", "EndpointEvent"} <= set(
        definitions("#/{name}", *CATALOGUE)
    )


def test_the_page_is_up_to_date() -> None:
    """docs/events.md is as the catalogue is; `make docs` writes it anew."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()
