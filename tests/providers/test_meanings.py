"""EVT-09: what providers' words and codes become, held to tables that know nothing of ours.

Each word and code is put into a callback as the provider writes it, and read.
"""

import json
from collections.abc import Callable
from typing import get_args
from urllib.parse import urlencode

import pytest

from ringback.domain.http import Callback
from ringback.domain.messages import ErrorClass
from ringback.providers.base import Inbound, Report
from ringback.providers.error_table import ErrorTable
from ringback.providers.registry import PROVIDERS

from .cases import GENUINE_READ, READERS, config_of
from .meanings import BEYOND, DIFFERENT, FLAGS, MEANINGS, lines

URL = "https://hooks.example/in/example"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON = (("Content-Type", "application/json"),)


def _posted(body: object) -> Callback:
    return Callback("POST", URL, JSON, json.dumps(body).encode())


def _linkmobility(said: str) -> Callback:
    # A code decides whatever the type says, so the type is one that says nothing.
    told = {"type": "other", "code": int(said)} if said.isdigit() else {"type": said}
    status = {"messageId": "m-1", **told}
    return _posted({"eventId": "e-1", "recipient": "+15550100123", "status": status})


def _pswin(said: str) -> Callback:
    told = f"<MSG><ID>1</ID><REF>r-1</REF><RCV>15550100123</RCV><STATE>{said}</STATE></MSG>"
    return Callback("POST", URL, (), f"<MSGLST>{told}</MSGLST>".encode())


def _link_cool(said: str) -> Callback:
    query = urlencode({"status": said, "batchid": "1", "to": "15550100123"})
    return Callback("GET", f"{URL}?{query}", (), b"")


def _smsportal(said: str) -> Callback:
    return _posted({"Status": said, "EventId": 1, "Msisdn": "15550100123", "Received": 1772442322})


def _bandwidth(said: str) -> Callback:
    event: dict[str, object] = {"type": said}
    if said.isdigit():
        event = {"type": "message-failed", "errorCode": int(said)}
    return _posted([{**event, "to": "+15550100123", "message": {"id": "m-1", "direction": "out"}}])


def _whatsapp(said: str) -> Callback:
    status: dict[str, object] = {"status": said}
    if said.isdigit():
        status = {"status": "failed", "errors": [{"code": int(said)}]}
    told = {"id": "wamid.1", "timestamp": "1772442927", "recipient_id": "15550100123", **status}
    value = {"messaging_product": "whatsapp", "statuses": [told]}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return _posted({"object": "whatsapp_business_account", "entry": [entry]})


def _twilio(said: str) -> Callback:
    told = {"MessageStatus": said}
    if said.isdigit():
        told = {"MessageStatus": "failed", "ErrorCode": said}
    told |= {"MessageSid": "SM1", "SmsStatus": told["MessageStatus"], "From": "+15550100900"}
    return Callback("POST", URL, FORM, urlencode({**told, "To": "+15550100123"}).encode())


WRITTEN: dict[str, Callable[[str], Callback]] = {
    "linkmobility": _linkmobility, "pswin": _pswin, "link_cool": _link_cool, "twilio": _twilio,
    "smsportal": _smsportal, "bandwidth": _bandwidth, "whatsapp": _whatsapp,
}  # fmt: skip


def become(name: str, said: str) -> str:
    """Return what a word or a code becomes, in the words of the tables."""
    provider = PROVIDERS[name]
    items = provider.parse(WRITTEN[name](said), config_of(provider)).items
    if any(isinstance(item, Inbound) for item in items):
        return "inbound"
    reports = [item for item in items if isinstance(item, Report)]
    if not reports:
        return "nothing"
    (report,) = reports
    error = report.error
    found = [report.status, "weak" if report.weak else ""]
    if error is not None:
        found[0] = error.stage if report.status == "failed" else report.status
        found.append(error.class_)
        found += ["retry"] * error.retryable + ["opt_out"] * error.opt_out
    return " ".join(word for word in found if word)


def fits(found: str, meaning: str) -> bool:
    """Compare: `failed` is either stage, and no class in a table leaves it open."""
    said, told = found.split(), meaning.split()
    status = said[0] == told[0] or (told[0] == "failed" and said[0] == "undeliverable")
    classes = [word for word in told if word in get_args(ErrorClass)]
    flags = [{word for word in words if word in FLAGS} for words in (said, told)]
    return status and set(classes) <= set(said) and flags[0] == flags[1]


@pytest.mark.parametrize("name", MEANINGS)
def test_every_word_and_code_becomes_what_its_provider_means(name: str) -> None:
    """Status, stage, class, whether to try again, opt-out and weak proof."""
    wrong = {}
    for said, meaning in lines(name).items():
        expected, _ = DIFFERENT.get((name, said), (meaning, ""))
        if not fits(found := become(name, said), expected):
            wrong[said] = (expected, found)
    assert {} == wrong


@pytest.mark.parametrize("name", MEANINGS)
def test_every_row_of_ours_is_held_to_something(name: str) -> None:
    """A row that no documentation speaks of has its reason, and no reason is left over."""
    provider, told = PROVIDERS[name], lines(name)
    table = ErrorTable(provider.ERRORS)
    looked_at = {table.row(said) for said in told}
    left = set(provider.ERRORS) - looked_at
    assert set(BEYOND.get(name, {})) == left
    assert set(provider.STATUS) <= set(told)


@pytest.mark.parametrize("name", [one.name for one in READERS if one.name not in MEANINGS])
def test_who_has_no_table_is_held_to_what_is_recorded(name: str) -> None:
    """Each word that a recording shows became what the adapter declares of it."""
    shown = {
        (item.provider_status, item.status)
        for case in GENUINE_READ
        if case.provider.name == name
        for item in case.provider.parse(case.callback, case.config).items
        if isinstance(item, Report)
    }
    declared = PROVIDERS[name].STATUS
    assert set(declared.items()) <= shown
    assert {(word, declared.get(str(word))) for word, _ in shown} <= shown


def test_every_table_is_of_a_reader() -> None:
    """And each of them has what puts its words and codes into callbacks."""
    assert set(MEANINGS) <= {one.name for one in READERS}
    assert set(WRITTEN) == set(MEANINGS)


def test_no_difference_is_listed_in_vain() -> None:
    """What is listed as different is: the documentation alone would not fit."""
    for (name, said), (ours, reason) in DIFFERENT.items():
        assert reason
        assert not fits(become(name, said), lines(name)[said])
        assert fits(become(name, said), ours)
