"""Opt-outs that a provider tells of, from its send API and its callbacks to the suppression."""

from typing import Any

import httpx

from ringback.domain.http import HttpRequest
from ringback.providers.config import load_config
from ringback.providers.registry import PROVIDERS
from ringback.services import catalogue
from tests.cli.test_scenarios import connect, until
from tests.server import Served

TWILIO = PROVIDERS["twilio"]
OURS, THEIRS = "+15550100900", "+15550107610"


def suppressed(served: Served, who: str) -> list[Any]:
    """Return the suppressions of a person."""
    found: list[Any] = served.api("GET", f"/v1/suppressions?address={who[1:]}")["data"]
    return found


def events(served: Served, type_: str, suppression: Any) -> list[Any]:
    """Return the events of a type that a suppression is owed to."""
    found = served.api("GET", f"/v1/events?type={type_}")["data"]
    return [event for event in found if event["id"] == suppression["event"]]


def test_a_refused_send_is_a_suppression(served: Served) -> None:
    """CON-09: Twilio's API refuses with 21610, over HTTP; any other refusal says no such thing."""
    connection = connect(served, TWILIO)
    made = {}
    for who, code in ((THEIRS, "21610"), ("+15550107611", "21211")):
        body = {"from": OURS, "to": who, "outcome": "refused", "error_code": code}
        made[code] = served.api("POST", f"/v1/connections/{connection['id']}/simulate", body)
    assert {"21610": "refused", "21211": "refused"} == {k: v["outcome"] for k, v in made.items()}
    until(lambda: bool(suppressed(served, THEIRS)))
    (one,) = suppressed(served, THEIRS)
    assert ({"kind": "phone", "value": THEIRS}, "error") == (one["contact"], one["source"])
    assert "21610" == one["evidence"]["provider_code"]
    assert (made["21610"]["message"], "sms", OURS) == (
        one["message"], one["channel"], one["sender"],
    )  # fmt: skip
    assert 1 == len(events(served, "contact.opted_out", one))
    refused = [served.api("GET", f"/v1/messages/{one['message']}") for one in made.values()]
    assert ["consent", "recipient"] == [message["error"]["class"] for message in refused]
    assert [] == suppressed(served, "+15550107611")


def test_twilios_word_for_stop_is_a_suppression_until_start(served: Served) -> None:
    """A rightly signed callback with OptOutType counts; with START it is lifted."""
    connection = connect(served, TWILIO)
    raw: Any = catalogue.example_config("twilio")
    who = "+15550107612"

    def say(word: str, number: int) -> None:
        form = {
            "MessageSid": f"SM{number:032x}", "SmsMessageSid": f"SM{number:032x}",
            "SmsStatus": "received", "AccountSid": "AC" + "0" * 31 + "1", "From": who, "To": OURS,
            "Body": word, "NumMedia": "0", "NumSegments": "1", "OptOutType": word,
        }  # fmt: skip
        body = httpx.QueryParams(form)
        kind = (("Content-Type", "application/x-www-form-urlencoded"),)
        plain = HttpRequest("POST", connection["callback_url"], kind, str(body).encode())
        config = load_config(TWILIO.Config, raw)
        proved = TWILIO.authenticate(plain, config, 0)
        got = httpx.post(proved.url, content=proved.body, headers=dict(proved.headers))
        assert 200 == got.status_code

    say("STOP", 0x57)
    until(lambda: bool(suppressed(served, who)))
    (one,) = suppressed(served, who)
    assert {"kind": "phone", "value": who} == one["contact"]
    assert 1 == len(events(served, "contact.opted_out", one))
    say("START", 0x58)
    until(lambda: not suppressed(served, who))
    told = served.api("GET", "/v1/events?type=contact.opted_in")["data"]
    assert [who] == [event["data"]["contact"]["value"] for event in told]
