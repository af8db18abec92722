"""Opt-outs that a provider tells of, from its send API and its callbacks to the suppression."""

from typing import Any

import httpx
import pytest

from ringback.domain.http import HttpRequest
from ringback.providers.config import load_config
from ringback.providers.registry import PROVIDERS
from ringback.services import catalogue
from tests.cli.test_scenarios import connect, until
from tests.server import Served

TWILIO = PROVIDERS["twilio"]
OURS = "+15550100900"


def suppressed(served: Served, who: str) -> list[Any]:
    """Return the suppressions of a person."""
    found: list[Any] = served.api("GET", f"/v1/suppressions?address={who[1:]}")["data"]
    return found


def events(served: Served, type_: str, suppression: Any) -> list[Any]:
    """Return the events of a type that a suppression is owed to."""
    found = served.api("GET", f"/v1/events?type={type_}")["data"]
    return [event for event in found if event["id"] == suppression["event"]]


@pytest.mark.parametrize(
    ("provider", "opt_out", "other", "who", "of"),
    [
        ("twilio", "21610", "21211", "+15550107610", OURS),
        ("smsportal", "optedOuts", "noNetwork", "+15550107620", None),
        ("simulator", "opted_out", "spam", "+15550107630", OURS),
    ],
)
def test_a_refused_send_is_a_suppression(
    served: Served, provider: str, opt_out: str, other: str, who: str, of: str | None
) -> None:
    """CON-09: the API refuses for an opt-out, over HTTP; any other refusal says no such thing.

    It is about our sender, or about the account where the provider has one list for all of it.
    """
    connection = connect(served, PROVIDERS[provider])
    made, next_ = {}, f"{who[:-1]}1"
    for person, code in ((who, opt_out), (next_, other)):
        body = {"from": OURS, "to": person, "outcome": "refused", "error_code": code}
        made[code] = served.api("POST", f"/v1/connections/{connection['id']}/simulate", body)
    assert ["refused", "refused"] == [one["outcome"] for one in made.values()]
    until(lambda: bool(suppressed(served, who)))
    (one,) = suppressed(served, who)
    assert ({"kind": "phone", "value": who}, "error") == (one["contact"], one["source"])
    assert opt_out == one["evidence"]["provider_code"]
    assert (made[opt_out]["message"], "sms", of) == (
        one["message"], one["channel"], one["sender"],
    )  # fmt: skip
    (event,) = events(served, "contact.opted_out", one)
    assert (who, "error") == (event["data"]["contact"]["value"], event["data"]["source"])
    refused = [served.api("GET", f"/v1/messages/{one['message']}") for one in made.values()]
    assert ["failed", "failed"] == [message["status"] for message in refused]
    assert "consent" == refused[0]["error"]["class"] != refused[1]["error"]["class"]
    assert [] == suppressed(served, next_)


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
