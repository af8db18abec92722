"""`ringback emit` and `ringback simulate` against a server: what they make, and what they show."""

import json
import time
from typing import Any

import pytest

from ringback.domain.scenarios import SCENARIOS
from tests.cli.conftest import Run
from tests.server import LIVE_KEY, Served

# Where a message is in the end.
_ENDS = {
    "delivered": "delivered", "failed": "failed", "expired": "expired", "read-later": "read",
    "duplicate": "delivered", "reordered": "delivered", "early": "delivered", "lost": "sent",
    "refused": "failed", "throttled": "failed", "broken": "submitted",
}  # fmt: skip


def _rows(ringback: Run, *arguments: str, **more: Any) -> list[Any]:
    return [json.loads(line) for line in ringback(*arguments, "-o", "jsonl", **more).lines]


@pytest.mark.parametrize("scenario", _ENDS)
def test_a_scenario_ends_as_it_says(ringback: Run, scenario: str) -> None:
    """The message reaches its status, each fact is told once, and deliveries are shown."""
    (row,) = _rows(ringback, "simulate", scenario)
    status = _ENDS[scenario]
    assert status == row["status"]
    assert len(set(row["events"])) == len(row["events"])
    assert status in {event.removesuffix(" (late)") for event in row["events"]}
    assert row["message"].startswith("msg_")


def test_what_comes_late_is_shown_as_late(ringback: Run) -> None:
    """It is told after what follows it in a message's life, and does not move the status."""
    (row,) = _rows(ringback, "simulate", "late")
    assert "delivered" == row["status"]
    assert row["events"].index("delivered") < row["events"].index("sent (late)")


@pytest.mark.parametrize(("scenario", "text"), [("reply", "Yes, that suits me."), ("stop", "STOP")])
def test_a_person_answers(ringback: Run, scenario: str, text: str) -> None:
    """The answer is a message of its own, from the person to whom the first one went."""
    sent, answer = _rows(ringback, "simulate", scenario, "--to", "+15550177")
    assert ("delivered", "received") == (sent["status"], answer["status"])
    (event,) = _rows(ringback, "events", "list", "--message", answer["message"])
    told = event["data"]["message"]
    assert ("+15550177", text) == (told["from"], told["content"]["text"])


@pytest.mark.parametrize("provider", ["pswin", "link_cool"])
def test_an_answer_without_an_id_is_found_as_often_as_it_is_given(
    ringback: Run, provider: str
) -> None:
    """Said once more on the same day, it is the same message, and found as that."""
    found = []
    for _ in range(2):
        rows = _rows(ringback, "simulate", "reply", "--provider", provider, "--to", "+15550100178")
        assert ["delivered", "received"] == [row["status"] for row in rows]
        found.append(rows[1]["message"])
    assert 1 == len(set(found))


@pytest.mark.parametrize("provider", ["pswin", "link_cool"])
def test_a_message_is_lost_where_nothing_comes_before_its_end(ringback: Run, provider: str) -> None:
    """It stays as the provider's answer left it."""
    (row,) = _rows(ringback, "simulate", "lost", "--provider", provider)
    assert ("submitted", ["queued", "submitted"]) == (row["status"], row["events"])


def test_what_is_forged_is_refused_and_kept(ringback: Run) -> None:
    """No message comes of it; the callback is there to look at."""
    rows = _rows(ringback, "simulate", "forged", "--count", "2")
    assert [("rejected", None)] * 2 == [(row["status"], row["message"]) for row in rows]
    kept = ringback("callbacks", "get", rows[0]["callback"], "-o", "json").json
    assert "signature" in kept["reason"]


def test_a_picture_comes_back(ringback: Run) -> None:
    """The person answers with a file, which is there to fetch."""
    sent, answer = _rows(ringback, "simulate", "media")
    assert ("delivered", "received") == (sent["status"], answer["status"])
    (event,) = _rows(ringback, "events", "list", "--message", answer["message"])
    (file,) = event["data"]["message"]["content"]["media"]
    assert ("image/png", "/ringback/picture.png") == (file["content_type"], file["url"][-21:])


def test_a_batch_is_told_of_in_one_callback(ringback: Run, served: Served) -> None:
    """Three messages, each with a name of its own."""
    rows = _rows(ringback, "simulate", "batch", "--reference", "many")
    assert [("delivered", f"many-{n}") for n in (1, 2, 3)] == [
        (row["status"], row["reference"]) for row in rows
    ]
    callbacks = {
        tuple(
            one["id"]
            for one in served.api("GET", f"/v1/messages/{row['message']}/timeline")["entries"]
            if one["kind"] == "callback"
        )
        for row in rows
    }
    assert [2] == [len(one) for one in callbacks]


@pytest.mark.parametrize(
    ("scenario", "option", "class_", "code"),
    [
        ("failed", ("--error-code", "carrier_down"), "network", "carrier_down"),
        ("failed", ("--error-class", "consent"), "consent", "opted_out"),
        ("refused", ("--error-class", "credit"), "credit", "no_credit"),
        ("refused", ("--error-code", "spam"), "content", "spam"),
    ],
)
def test_a_failure_is_the_one_that_was_asked_for(
    ringback: Run, scenario: str, option: tuple[str, str], class_: str, code: str
) -> None:
    """By the provider's code, or by what it means."""
    (row,) = _rows(ringback, "simulate", scenario, *option)
    message = ringback("messages", "get", row["message"], "-o", "json").json
    assert (class_, code) == (message["error"]["class"], message["error"]["provider_code"])


def test_a_provider_is_tried_with_made_up_credentials(ringback: Run) -> None:
    """Its newest connection is taken, and one is made where there is none."""
    for one in _rows(ringback, "connections", "list"):
        if one["provider"] == "bandwidth":
            ringback("connections", "delete", one["id"], "--yes")
    done = ringback("simulate", "delivered", "--provider", "bandwidth", "-o", "jsonl")
    assert "to Bandwidth, with made-up credentials" in done.err
    assert "delivered" == json.loads(done.lines[0])["status"]
    done = ringback("simulate", "delivered", "--provider", "bandwidth")
    assert "Added" not in done.err
    assert "whatsapp" in ringback("simulate", "delivered", "--provider", "x", code=2).err


def test_a_storm_is_counted(ringback: Run) -> None:
    """Many messages are told as numbers; all of them arrive."""
    done = ringback("simulate", "storm", "--count", "25")
    assert "delivered        25" in done.out


def test_what_cannot_be_simulated_is_said_before_anything_happens(
    ringback: Run, served: Served
) -> None:
    """Live mode, a provider that never reports it, a scenario that there is not."""
    refused = ringback("simulate", "delivered", code=2, RINGBACK_API_KEY=LIVE_KEY)
    assert "test key" in refused.err
    assert [] == served.api("GET", "/v1/connections", key=LIVE_KEY)["data"]
    whatsapp = next(
        one for one in _rows(ringback, "connections", "list") if one["provider"] == "whatsapp"
    )
    refused = ringback("simulate", "expired", "--connection", whatsapp["id"], code=2)
    assert "never reports expired" in refused.err
    (row,) = _rows(ringback, "simulate", "delivered", "--connection", whatsapp["id"])
    assert "delivered" == row["status"]
    assert "storm" in ringback("simulate", "sunshine", code=2).err


def test_a_simulator_is_made_when_there_is_none(ringback: Run) -> None:
    """Somebody who has just begun needs nothing but a test key."""
    for one in _rows(ringback, "connections", "list"):
        if one["provider"] == "simulator":
            ringback("connections", "delete", one["id"], "--yes")
    done = ringback("simulate", "delivered")
    assert "Added the connection con_" in done.err
    assert "messages timeline msg_" in done.err


def test_scenarios_that_take_too_long_end_with_a_code_of_their_own(ringback: Run) -> None:
    """What is known so far is shown."""
    done = ringback("simulate", "read-later", "--wait", "0s", code=7)
    assert "--wait 60s" in done.err
    assert done.out


def test_events_of_ones_own_are_published(ringback: Run) -> None:
    """With fields by path, numbered, from a file, as many as are wanted."""
    made = _rows(
        ringback, "emit", "shop.order_paid", "--set", "subject=order-{n}", "--set",
        "data.total=12", "--set", "data.items=[1]", "--count", "103",
    )  # fmt: skip
    assert 103 == len(made)
    event = ringback("events", "get", made[102]["id"], "-o", "json").json
    assert ("shop.order_paid", "order-103", {"total": 12, "items": [1]}) == (
        event["type"], event["subject"], event["data"],
    )  # fmt: skip
    text = json.dumps({"total": 3})
    (one,) = _rows(ringback, "emit", "shop.order_paid", "--file", "-", text=text)
    assert {"total": 3} == ringback("events", "get", one["id"], "-o", "json").json["data"]


def test_a_rate_is_kept(ringback: Run) -> None:
    """Five at ten a second take at least four tenths."""
    began = time.monotonic()
    assert 5 == len(_rows(ringback, "emit", "shop.tick", "--count", "5", "--rate", "10"))
    assert 0.35 < time.monotonic() - began


def test_a_sample_about_a_message_comes_about_as_a_real_one(ringback: Run) -> None:
    """Through a simulated provider, with what was chosen of it."""
    (event,) = _rows(
        ringback, "emit", "message.failed", "--set", "reference=order-9", "--set", "to=+15550188"
    )
    assert "message.failed" == event["type"]
    assert ("order-9", "+15550188") == (
        event["data"]["message"]["reference"], event["data"]["message"]["to"],
    )  # fmt: skip
    (inbound,) = _rows(ringback, "emit", "message.received", "--set", "text=Hello")
    assert "Hello" == inbound["data"]["message"]["content"]["text"]
    assert "can be set" in ringback("emit", "message.read", "--set", "data.x=1", code=2).err


def test_types_are_listed_and_misspellings_explained(ringback: Run) -> None:
    """A type of a family of ours that there is not is an error with those there are."""
    listed = {row["name"]: row["how"] for row in _rows(ringback, "emit", "--list")}
    assert "simulated" == listed["message.delivered"]
    assert "message.delivered" in ringback("emit", "message.deliverd", code=2).err
    assert "--list" in ringback("emit", code=2).err
    assert "--file" in ringback("emit", "message.read", "--file", "x", code=2).err
    assert "--connection" in ringback("emit", "shop.x", "--connection", "x", code=2).err


def test_every_scenario_is_explained(ringback: Run) -> None:
    """The help tells what each is."""
    text = " ".join(ringback("simulate", "--help").out.split())
    for name, scenario in SCENARIOS.items():
        assert f"{name}: {scenario.what}" in text
