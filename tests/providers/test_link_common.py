"""LINK's Common API by its ready mapping: reports part by part, codes, and messages."""

from typing import Any

import pytest

from ringback.providers.presets import PRESETS

from .mapped import only, posted

PRESET = PRESETS["link_common"]


def report(code: int, name: str = "Dcshuhod0PMAAAFQ") -> dict[str, Any]:
    """Make a delivery report as it is described."""
    return {
        "refId": "order-48213", "id": name, "operator": "no.simtel", "resultCode": code,
        "sentTimestamp": "2026-03-02T09:15:24Z", "timestamp": "2026-03-02T09:15:27Z",
        "operatorResultCode": "000", "segments": 2, "gateCustomParameters": {},
        "customParameters": {"campaign": "spring"},
    }  # fmt: skip


def test_a_report_of_a_part_belongs_to_the_message() -> None:
    """The id is cut at its `$`; what comes after is the part, counted from none."""
    item = only(PRESET.mapping, posted(report(1001, "Dcshuhod0PMAAAFQ$1")))
    assert (item["message_id"], item["part"], item["parts"]) == ("Dcshuhod0PMAAAFQ", 2, 2)
    assert (item["status"], item["reference"]) == ("delivered", "order-48213")
    assert item["occurred_at"] == 1_772_442_927_000
    assert item["carrier"] == {"name": "no.simtel"}


@pytest.mark.parametrize(
    ("codes", "status", "class_"),
    [
        ((1000, 1005, 1008, 1011, 1012, 1013), "submitted", None),
        ((1001, 1007), "delivered", None),
        ((1002,), "expired", "network"),
        ((4, 5, 1010, 4000), "unconfirmed", "network"),
        ((3,), "failed", "throttled"),
        ((1004, 2104, 2105, 2106, 2107), "failed", "recipient"),
        ((0, 1, 1003), "failed", "network"),
        ((2200, 2203, 2207), "failed", "credit"),
        ((3000, 3002, 4001, 4007), "failed", "content"),
        ((2, 6, 104, 105, 1006, 1009), "failed", "unknown"),
    ],
)
def test_every_code_has_its_meaning(
    codes: tuple[int, ...], status: str, class_: str | None
) -> None:
    """Codes decide about status and error; what nobody will ever know is no failure."""
    for code in codes:
        item = only(PRESET.mapping, posted(report(code)))
        assert (status, class_) == (item["status"], item.get("error", {}).get("class")), code


@pytest.mark.parametrize("code", [0, 1])
def test_a_routing_failure_may_pass(code: int) -> None:
    """Sending again later may do."""
    error = only(PRESET.mapping, posted(report(code)))["error"]
    assert (error["code"], error["retryable"]) == ("routing", True)


def test_a_code_that_is_not_listed_changes_nothing() -> None:
    """It is passed on, and the message stays what it was."""
    assert only(PRESET.mapping, posted(report(7777)))["item"] == "unrecognised"


def test_a_form_is_read_as_well() -> None:
    """LINK can send keys and values instead of JSON."""
    form = b"refId=order-48213&id=Dcshuhod0PMAAAFQ&resultCode=1001&timestamp=2026-03-02T09:15:27Z"
    item = only(PRESET.mapping, posted(form, "application/x-www-form-urlencoded"))
    assert (item["message_id"], item["status"]) == ("Dcshuhod0PMAAAFQ", "delivered")


def test_a_message_from_a_person() -> None:
    """Who wrote what to which number; the destination stays as LINK names it."""
    body = {
        "messageId": "mo-1", "source": "+15550100123", "destination": "NO-2333",
        "subNumber": None, "timestamp": "2026-03-02T09:20:11Z", "operator": "no.simtel",
        "content": {"type": "TEXT", "userData": "YES 14:30", "encoding": "GSM"},
        "route": {"keyword": "YES"}, "customParameters": {},
    }  # fmt: skip
    item = only(PRESET.mapping, posted(body))
    assert (item["from"], item["to"]) == ("+15550100123", "NO-2333")
    assert item["content"] == {
        "kind": "text", "text": "YES 14:30", "keyword": "YES",
        "metadata": {"operator": "no.simtel"},
    }  # fmt: skip


@pytest.mark.parametrize("root", ["deliveryReport", "message", "x"])
def test_xml_is_read_as_well(root: str) -> None:
    """With the names of JSON, whatever the outermost element is called."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in report(1001, "m$0").items())
    item = only(PRESET.mapping, posted(f"<{root}>{inner}</{root}>".encode(), "text/xml"))
    assert (item["message_id"], item["status"], item["parts"]) == ("m", "delivered", 2)
    said = "<source>+15550100123</source><content><userData>Ja</userData></content>"
    body = f"<{root}>{said}</{root}>"
    item = only(PRESET.mapping, posted(body.encode(), "application/xml"))
    assert (item["from"], item["content"]) == ("+15550100123", {"kind": "text", "text": "Ja"})


def test_it_is_marked_as_unverified() -> None:
    """Its fields were put together, and not seen: whoever uses it is told."""
    assert not PRESET.verified
    assert "check" in PRESET.note
