"""Opt-outs within a Messaging Service of Twilio's: of the number, and of the service."""

from typing import NamedTuple
from urllib.parse import urlencode

from ringback.domain.consent import CODE
from ringback.domain.http import Callback, HttpRequest
from ringback.providers.base import Consent, Report
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.services.statements import refused_by
from tests.providers.cases import arrived, config_of, raw_config
from tests.services.stage import BASE_URL, Stage

TWILIO = PROVIDERS["twilio"]
SERVICE = "MG" + "0" * 31 + "2"
PERSON, OURS = "+15550100123", "+15550100900"


class Told(NamedTuple):
    """What is in force of one reach."""

    channel: str
    sender: str
    word: int


def _posted(url: str = f"{BASE_URL}/in/x", **form: str) -> Callback:
    """Make a signed form about a message between the person and us."""
    head = (("Content-Type", "application/x-www-form-urlencoded"),)
    body = urlencode({"AccountSid": "AC1", "NumMedia": "0", **form}).encode()
    made = TWILIO.authenticate(HttpRequest("POST", url, head, body), config_of(TWILIO), NOW_MS)
    return arrived(made)


def _inbound(sid: str, body: str, **more: str) -> dict[str, str]:
    said = {"MessageSid": sid, "SmsStatus": "received", "From": PERSON, "To": OURS, "Body": body}
    return {**said, "MessagingServiceSid": SERVICE, **more}


def _failed(sid: str, code: str, **more: str) -> dict[str, str]:
    return {"MessageSid": sid, "MessageStatus": "failed", "ErrorCode": code, "To": PERSON,
            "From": OURS, "MessagingServiceSid": SERVICE, **more}  # fmt: skip


def test_a_word_is_about_the_number_and_the_service() -> None:
    """Heard or judged by Twilio, each with a key of its own; without a service, once."""
    for more in ({}, {"OptOutType": "STOP"}):
        items = TWILIO.parse(_posted(**_inbound("SM1", "Stop", **more)), config_of(TWILIO)).items
        told = [item for item in items if isinstance(item, Consent)]
        assert [OURS, SERVICE] == [one.sender for one in told]
        assert ["SM1:opted_out", "SM1:opted_out:service"] == [one.key for one in told]
        assert {SERVICE} == {one.evidence["messaging_service"] for one in told}
        bare = _inbound("SM1", "Stop", **more) | {"MessagingServiceSid": ""}
        items = TWILIO.parse(_posted(**bare), config_of(TWILIO)).items
        assert [OURS] == [one.sender for one in items if isinstance(one, Consent)]


def test_an_error_is_about_the_number_and_the_service() -> None:
    """Whichever of them is named; another error says nothing of the service."""
    for code, more, senders in (
        ("21610", {}, [OURS, SERVICE]),
        ("63014", {"From": ""}, [SERVICE]),
        ("21610", {"MessagingServiceSid": ""}, [OURS]),
    ):
        (item,) = TWILIO.parse(_posted(**_failed("SM1", code) | more), config_of(TWILIO)).items
        assert isinstance(item, Report)
        assert senders == [one.sender for one in refused_by(item, "twilio")]
    (item,) = TWILIO.parse(_posted(**_failed("SM1", "30003")), config_of(TWILIO)).items
    assert isinstance(item, Report)
    assert {} == item.metadata


async def test_stop_and_start_reach_the_service(stage: Stage) -> None:
    """An MMS that is refused, START by SMS, STOP: each told once of both, whatever comes again."""
    connection = await stage.connect("twilio", raw_config(TWILIO))

    async def say(form: dict[str, str]) -> tuple[set[Told], object]:
        callback = _posted(f"{BASE_URL}/in/{connection.token}", **form)
        for _ in range(2):
            assert 200 == (await stage.receive(callback, connection.token)).status
        rows = await stage.rows("select channel, sender, word from suppression")
        told = {Told(*row) for row in rows}
        assert len(told) == len(rows)
        return told, await stage.value("select count(*) from suppression_entry")

    out, back = ({Told("sms", sender, CODE[word]) for sender in (OURS, SERVICE)}
                 for word in ("opted_out", "opted_in"))  # fmt: skip
    assert (out, 2) == await say(_failed("MM1", "21610"))
    assert (out, 2) == await say(_failed("SM2", "21610"))
    assert (back, 4) == await say(_inbound("SM3", "Unstop", OptOutType="START"))
    assert (out, 6) == await say(_inbound("SM4", "Arr\u00eat"))
