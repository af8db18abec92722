"""What a mapping makes of callbacks: where it looks, what it makes of words, codes and numbers."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.domain.http import Callback
from ringback.domain.messages import Status
from ringback.providers.base import CannotSimulateError, OutboundMessage, Report
from ringback.providers.mapping import Mapping, faults_of, made
from ringback.providers.mapping_items import Note
from ringback.providers.mapping_writing import write
from ringback.providers.reading import PIECES_MAX
from ringback.providers.recorded import plain
from tests.sizes import SIZES

from .mapped import STATUSES, URL, mapping, only, posted, read, report
from .sound import assert_sound

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
FORM = "application/x-www-form-urlencoded"
PARTS = (
    b"--b\r\nContent-Disposition: form-data; name=id\r\n\r\n7\r\n"
    b"--b\r\nContent-Disposition: form-data; name=status\r\n\r\nDELIVRD\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    "callback",
    [
        posted({"id": 7, "status": "DELIVRD"}),
        posted({"id": "7", "status": " delivrd "}, "text/plain"),
        posted(b'\n[{"id": 7, "status": "DELIVRD"}]'),
        posted(b"id=7&status=DELIVRD", FORM),
        posted(PARTS, "multipart/form-data; boundary=b"),
        Callback("GET", f"{URL}?id=7&status=DELIVRD", (), b""),
        Callback("POST", f"{URL}?id=7&status=DELIVRD", (), b" \n"),
    ],
)
def test_one_mapping_reads_json_forms_and_queries(callback: Callback) -> None:
    """A pointer names a place, whatever the callback is written in; words count in any case."""
    item = only(mapping(report()), callback)
    assert ("report", "7", "delivered") == (item["item"], item["message_id"], item["status"])


def test_an_xml_path_is_a_pointer() -> None:
    """Elements are steps, attributes begin with @, and one element is a list of one."""
    fields = {"message_id": "/REF", "status": "/STATE", "to": "/@to", "reference": "body:/MSGS/ID"}
    how = mapping(report(fields), items="/MSGS/MSG")
    one = b'<MSG to="4791234567"><REF>a</REF><STATE code="1">DELIVRD</STATE></MSG>'
    two = one.replace(b">a<", b">b<")
    for body, ids in ((one, ["a"]), (one + two, ["a", "b"])):
        items = read(how, posted(b"<MSGS><ID>9</ID>" + body + b"</MSGS>", "text/xml"))
        assert ids == [item["message_id"] for item in items]
        assert ["+4791234567"] * len(ids) == [item["to"] for item in items]
        assert "9" == items[0]["reference"]


def test_places_beside_the_body() -> None:
    """Query, form field, header and a text of one's own; the first place that holds something."""
    fields = {
        "message_id": ["/nothing", "query:mid"], "status": "form:state.word",
        "channel": "const:rcs", "reference": "header:x-event",
        "metadata": {"who": "const:me", "not": "/not"},
    }  # fmt: skip
    item = only(mapping(report(fields)), posted(b"state.word=SENT", FORM, "?mid=m%201"))
    assert ("m 1", "sent", "rcs", "dlr", {"who": "me"}) == tuple(
        item[name] for name in ("message_id", "status", "channel", "reference", "metadata")
    )


def test_lists_in_lists_are_taken_apart() -> None:
    """`*` is each element of a list on the way; a bad piece costs only itself."""
    how = mapping(report(), items="/entry/*/changes")
    one, two = b'{"id": 1, "status": "SENT"}', b'{"id": 2, "status": "SENT"}'
    faulty, nameless = b'{"id": "\\u0000"}', b'{"status": "SENT"}'
    lists = [b"[%s, %s]" % (one, faulty), two, b"[%s]" % nameless]
    entries = [b'{"changes": %s}' % changes for changes in lists]
    body = b'{"entry": [%s, {"x": 1}, %s, %s]}' % tuple(entries)
    parsed = how.program.read(posted(body), "generic")
    assert_sound(parsed)
    told = plain(parsed)
    assert isinstance(told["items"], list)
    assert ["1", "2"] == [item["message_id"] for item in told["items"]]
    assert ["/entry/0/changes/1", "/entry/3/changes/0"] == [one.pointer for one in parsed.unparsed]
    assert [False, True] == [one.unmatched for one in parsed.unparsed]


def test_the_first_rule_that_holds_is_used() -> None:
    """Conditions look for words and for presence; what no rule holds for is passed on whole."""
    how = mapping(
        {"item": "ignore", "when": [{"place": "/type", "in": ["ping"]}]},
        report(when=[{"place": "/type", "in": ["dlr", "status"]}, {"place": "/id"}]),
        {"item": "inbound", "fields": {"from": "/from", "text": "/text"},
         "when": [{"place": ["/text", "/body"]}, {"place": "/status", "exists": False}]},
    )  # fmt: skip
    assert [] == read(how, posted({"type": "ping"}))
    assert "report" == only(how, posted({"type": "dlr", "id": 1, "status": "SENT"}))["item"]
    assert "inbound" == only(how, posted({"text": "Hi", "from": "+15550123"}))["item"]
    other: list[dict[str, object]] = [
        {"type": "dlr", "status": "SENT"}, {"text": "Hi", "status": "?"}, {"type": {}},
    ]  # fmt: skip
    for body in other:
        item = only(how, posted(body))
        assert ("unrecognised", "generic.callback", body) == tuple(
            item[name] for name in ("item", "kind", "fragment")
        )


def test_words_codes_and_ranges() -> None:
    """A word can say more than a status, and a code more than the word; narrow ranges win."""
    how = mapping(
        report(
            {"error_code": "/err", "error_text": "/why"},
            statuses={
                "OK": "delivered", "GONE": {"status": "sent", "weak": True}, "100-199": "submitted",
                "KO": "failed", "BLIST": {"status": "failed", "error": {
                    "class": "consent", "code": "opted_out", "stage": "rejected", "opt_out": True}},
            },
            errors={
                "1-999": {"class": "network", "code": "some", "retryable": True},
                "100-199": {"class": "recipient", "code": "gone"},
                "150": {"class": "network", "code": "expired", "status": "expired"},
                "E-1": {"class": "sender", "code": "sender"},
            },
        )
    )  # fmt: skip

    def said(status: str | int, err: object = None) -> Any:
        return only(how, posted({"id": 1, "status": status, "err": err, "why": "No."}))

    assert "error" not in said("OK", "150")
    assert True is said("GONE")["weak"]
    assert "submitted" == said(150)["status"]
    assert ("unrecognised", "generic.status") == (said("HUH")["item"], said("HUH")["kind"])
    expected = {"class": "consent", "code": "opted_out", "stage": "rejected", "opt_out": True}
    assert expected | {"description": "No."} == said("BLIST")["error"]
    codes = {None: "unknown", "77": "some", 120: "gone", "150": "expired", "e-1": "sender",
             "9999": "unknown"}  # fmt: skip
    assert codes == {code: said("KO", code)["error"]["code"] for code in codes}
    assert ("expired", "150") == (
        said("KO", 150)["status"], said("KO", 150)["error"]["provider_code"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "theirs", "ours"),
    [
        ({}, "27821234567", "+27821234567"),
        ({}, "+27 82 123-4567", "+27821234567"),
        ({}, "12345", "12345"),
        ({}, "ACME", "ACME"),
        ({"plus": False}, "27821234567", "27821234567"),
        ({"strip": ["whatsapp:", "00"]}, "whatsapp:+4791234567", "+4791234567"),
        ({"strip": ["whatsapp:", "00"]}, "004791234567", "+4791234567"),
        ({"country": "27", "trunk": "0"}, "082 123 4567", "+27821234567"),
        ({"country": "27", "trunk": "0"}, "27821234567", "+27821234567"),
        ({"country": "1", "national_digits": 10}, "(555) 010-0123", "+15550100123"),
        ({"country": "1", "national_digits": 10}, "15550100123", "+15550100123"),
        ({"country": "1", "national_digits": 10}, "55512", "55512"),
    ],
)
def test_numbers_become_e164(numbers: dict[str, Any], theirs: str, ours: str) -> None:
    """Prefixes go, national numbers get their country; short codes and names stay."""
    how = mapping(report({"to": "/to"}), numbers=numbers)
    assert ours == only(how, posted({"id": 1, "status": "SENT", "to": theirs}))["to"]


def test_parts_of_an_id() -> None:
    """What follows the mark is the part's number; the id is the message's."""
    how = mapping(report({"parts": "/n"}, part_mark="$", parts_from=0))
    items = [only(how, posted({"id": f"m{end}", "status": "SENT", "n": 3})) for end in ("$0", "$2")]
    assert [("m", 1, 3), ("m", 3, 3)] == [
        (item["message_id"], item["part"], item["parts"]) for item in items
    ]
    assert 2 == len({item["key"] for item in items})
    whole = only(how, posted({"id": "m", "status": "SENT"}))
    assert ("m", 0) == (whole["message_id"], whole.get("part", 0))


def test_all_that_a_report_may_say() -> None:
    """Everything that a report can hold has a field."""
    names = (
        "from to recipient reference segments text part parts purpose campaign network mcc mnc "
        "cost currency"
    )
    fields = {name: f"/{name}" for name in names.split()}
    body = {
        "id": "m1", "status": "SENT", "from": "ACME", "to": "4791234567", "recipient": "4791234567",
        "reference": "order-1", "segments": 2, "text": "Hi", "part": "1", "parts": 2,
        "purpose": "marketing", "campaign": "spring", "network": "Acme Mobile", "mcc": 242,
        "mnc": 1, "cost": 0.05, "currency": "nok", "at": 1772442927,
    }  # fmt: skip
    how = mapping(report({**fields, "occurred_at": "/at"}), times={"formats": ["unix_s"]})
    assert {
        "item": "report", "message_id": "m1", "status": "sent", "key": "m1:SENT:+4791234567:1",
        "occurred_at": 1_772_442_927_000, "recipient": "+4791234567", "to": "+4791234567",
        "from": "ACME", "reference": "order-1", "provider_status": "SENT", "part": 1, "parts": 2,
        "segments": 2, "carrier": {"name": "Acme Mobile", "mccmnc": "24201"},
        "cost": {"amount": "0.05", "currency": "NOK"}, "purpose": "marketing",
        "campaign": "spring", "content": {"kind": "text", "text": "Hi"},
    } == only(how, posted(body))  # fmt: skip


def test_messages_from_people() -> None:
    """Text, files, what it answers; without an id a message is known by all it says."""
    fields = {
        "from": "/from", "to": "/to", "text": "/text", "message_id": "/id", "reply_to": "/re",
        "media": ["/media", "/more"],
    }  # fmt: skip
    how = mapping({"item": "inbound", "fields": fields}, channels={"WA": "whatsapp"})
    media = [{"url": "https://files.example/1.jpg", "content_type": "image/jpeg", "x": 1}, 5]
    body = {"id": 5, "from": "15550100123", "to": "2012", "text": "Yes", "re": "m1",
            "media": media, "more": "https://files.example/2.jpg"}  # fmt: skip
    notes: list[Note] = []
    item = only(how, posted(body), notes)
    assert {
        "item": "inbound", "message_id": "5", "key": "5", "from": "+15550100123", "to": "2012",
        "channel": "sms", "reply_to": "m1", "content": {
            "kind": "media", "text": "Yes", "media": [
                {"url": "https://files.example/1.jpg", "content_type": "image/jpeg"},
                {"url": "https://files.example/2.jpg"}]},
    } == item  # fmt: skip
    assert ["media"] == [note.field for note in notes]
    same, other = ({"from": "+15550123", "text": text} for text in ("a", "b"))
    ids = [only(how, posted(one))["message_id"] for one in (same, same, other)]
    assert ids[0] == ids[1] != ids[2]


def test_wishes_and_links() -> None:
    """Opt-outs in their words, and clicks that the provider counted."""
    how = mapping(
        {"item": "consent", "when": [{"place": "/optout"}], "words": {"1": "opted_out",
         "0": "opted_in"}, "fields": {"address": "/msisdn", "word": "/optout", "sender": "/to",
         "keyword": "/text", "message_id": "/id"}},
        {"item": "link", "fields": {"url": "/url", "provider_link": "/short", "message_id": "/id",
         "recipient": "/msisdn"}, "event": "previewed"},
    )  # fmt: skip
    item = only(how, posted({"msisdn": "15550100123", "optout": 1, "text": "STOP", "to": "2012"}))
    assert ("consent", "+15550100123", "opted_out", "2012") == tuple(
        item[name] for name in ("item", "address", "word", "sender")
    )
    assert {"provider_word": "1", "keyword": "STOP"} == item["evidence"]
    assert "generic.consent" == only(how, posted({"msisdn": "1555", "optout": "x"}))["kind"]
    clicked = {"url": "https://shop.example/a", "short": "https://s.example/1", "id": "m1",
               "msisdn": "15550100123"}  # fmt: skip
    item = only(how, posted(clicked))
    assert ("notice", "link.previewed", "m1") == (item["item"], item["type"], item["message_id"])
    assert {
        "url": "https://shop.example/a", "provider_link": "https://s.example/1",
        "source": "provider", "recipient": "+15550100123",
    } == item["data"]  # fmt: skip


def test_a_key_of_ones_own() -> None:
    """All of its places name the item; where one is missing the usual key does."""
    how = mapping(report(key=["/event", "/n"]))
    one, two, bare = (
        only(how, posted({"id": 1, "status": "SENT", **more}))["key"]
        for more in ({"event": "e", "n": 1}, {"event": "e", "n": 2}, {"event": "e"})
    )
    assert (True, True, "1:SENT") == (one != two, one.startswith("named:"), bare)


def test_what_is_not_read_is_told() -> None:
    """Notes name piece, rule and field, and say why; nothing else is lost by it."""
    fields = {"occurred_at": "/at", "part": "/part", "cost": "/cost", "currency": "/cost"}
    how = mapping(report({**fields, "to": "/to"}, when=[{"place": "/t", "in": ["a"]}]))
    notes: list[Note] = []
    body = [{"t": "b"}, {"t": "a", "id": 1, "status": "SENT", "at": "yesterday", "part": 0,
                         "cost": "free", "to": {}}]  # fmt: skip
    assert 2 == len(read(how, posted(body), notes))
    assert [
        Note("/0", 0, "when/0", "'b' stands there", quotes=True),
        Note("/1", 0, "part", "no number from 1 to 255"),
        Note("/1", 0, "occurred_at", "no format of `times` fits, or the time names no zone"),
        Note("/1", 0, "to", "what stands there is no text"),
        Note("/1", 0, "cost", "no decimal number"),
    ] == notes


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"{", "application/json", "neither JSON nor XML nor a form"),
        (b"[" * 200, "application/json", "nested deeper"),
        (b"<!DOCTYPE a><a/>", "text/xml", "DOCTYPE"),
        (b"a=%00", FORM, "a form that is not whole"),
        (b"x", "multipart/form-data; boundary=b", "a form that is not whole"),
    ],
)
def test_what_cannot_be_read_is_unparsed(body: bytes, kind: str, reason: str) -> None:
    """One reason for the whole of it, and no exception."""
    parsed = mapping(report()).program.read(posted(body, kind), "generic")
    (one,) = parsed.unparsed
    assert ((), True) == (parsed.items, reason in one.reason)


def test_a_callback_of_more_pieces_than_are_read_costs_little() -> None:
    """The more conditions there are to look at, the fewer pieces are read; the rest is unparsed."""
    one = {"place": ["/a", "/b", "/c", "/d"], "in": ["x"]}
    costly, cheap = mapping(*[report(when=[one] * 8)] * 16), mapping(report())
    for how, most in ((cheap, PIECES_MAX), (costly, 194)):
        body = b"[%s]" % b",".join([b'{"id":1,"status":"SENT"}'] * most)
        assert most == len(how.program.read(posted(body), "generic").items)
        more = how.program.read(posted(body[:-1] + b",{}]"), "generic")
        assert ((), 1) == (more.items, len(more.unparsed))
    parsed = costly.program.read(posted(b"[%s]" % b",".join([b"{}"] * 400_000)), "generic")
    assert 1 == len(parsed.unparsed)


@pytest.mark.parametrize(
    ("raw", "pointer", "words"),
    [
        ({}, "/rules", "is required"),
        ({"rules": []}, "/rules", "length"),
        ({"rules": [{"item": "x"}]}, "/rules/0/item", "must be one of: report, inbound"),
        ({"rules": [{"item": "inbound", "fields": {}}]}, "/rules/0/fields/from", "is required"),
        ({"rules": [report({"to": "to"})]}, "/rules/0/fields/to", "must be a JSON pointer"),
        ({"rules": [report({"to": ["/a", "query:"]})]}, "/rules/0/fields/to/1", "needs something"),
        ({"rules": [report({"to": "header:a b"})]}, "/rules/0/fields/to", "names a header"),
        ({"rules": [report({"to": "header:Cookie"})]}, "/rules/0/fields/to", "never read"),
        ({"rules": [report({"too": "/to"})]}, "/rules/0/fields/too", "no such field"),
        ({"rules": [report({"metadata": {"a/b": "x"}})]}, "/rules/0/fields/metadata/a~1b", "must"),
        ({"rules": [report(statuses={"A": "gone"})]}, "/rules/0/statuses/A", "must be one of: sch"),
        ({"rules": [report(statuses={"A": "sent", "a ": "sent"})]}, "/rules/0/statuses/a ", "twic"),
        ({"rules": [report(errors={"9-1": {"class": "unknown"}})]}, "/rules/0/errors/9-1", "range"),
        ({"rules": [report(errors={"9": {}})]}, "/rules/0/errors/9/class", "is required"),
        ({"rules": [report(when=[{"place": "/a", "in": ["a"], "exists": False}])]},
         "/rules/0/when/0/in", "no meaning"),
        ({"rules": [report(key=["id"])]}, "/rules/0/key/0", "must be a JSON pointer"),
        ({"rules": [report()], "items": "events"}, "/items", "must be a JSON pointer"),
        ({"rules": [report()], "items": "/*/*/*"}, "/items", "at most 2"),
        ({"rules": [report()], "times": {"zone": "Mars/Base"}}, "/times/zone", "no zone"),
        ({"rules": [report()], "times": {"formats": ["iso", "%Q"]}}, "/times/formats/1", "made of"),
        ({"rules": [report()], "numbers": {"trunk": "0"}}, "/numbers/country", "is required"),
        ({"rules": [report()] * 17}, "/rules", "length"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_mapping_is_said_where_it_is(
    raw: object, pointer: str, words: str
) -> None:
    """Every fault has its JSON pointer, and says what would be right."""
    assert [(pointer, True)] == [(at, words in said) for at, said in faults_of(raw)]


def test_the_example_on_its_page_reads_as_the_page_says() -> None:
    """docs/mapping.md shows a callback, what it means, and what follows."""
    found = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    body, raw, table = (json.loads(text) for text in found)
    assert [] == faults_of({"rules": [report(statuses=table)]})
    items = read(made(raw), posted(body))
    assert [
        ("report", "48213", "order-1001", "+27821234567", 1_772_442_927_000),
        ("report", "48214", "order-1002", "+27821234568", 1_772_442_928_000),
        ("inbound", "990", None, "31245", 1_772_442_962_000),
    ] == [
        (item["item"], item["message_id"], item.get("reference"), item["to"], item["occurred_at"])
        for item in items
    ]
    assert ["delivered", "failed"] == [item["status"] for item in items[:2]]
    assert ("recipient", "unavailable") == (items[1]["error"]["class"], items[1]["error"]["code"])


@pytest.mark.parametrize("status", ["delivered", "failed", "expired", "sent", "received"])
@pytest.mark.parametrize("where", ["/a/%s", "form:%s", "query:%s", "header:X-%s", "body:/b/%s"])
def test_what_is_written_is_read_back(status: Status, where: str) -> None:
    """A callback that is simulated fills the places of the mapping, and reads as what it is for."""
    names = ("message_id", "status", "to", "from", "text", "error_code")
    fields = {name: where % name.replace("_", "-") for name in names}
    words = {"OK": "delivered", "KO": "failed", "UP": {"status": "sent"}}
    how = mapping(
        report(
            {**fields, "channel": "const:sms"}, when=[{"place": fields["status"]}], statuses=words,
            errors={"50-60": {"class": "network", "code": "expired", "status": "expired"}},
        ),
        {"item": "inbound", "fields": {"from": fields["from"], "text": fields["text"]},
         "when": [{"place": fields["status"], "exists": False}]},
    )  # fmt: skip
    message = OutboundMessage("+15550100123", "+15550100900", "sms", "Hi", "m-1", at_ms=1)
    request = write(how, message, status, URL, "generic")
    callback = Callback(request.method, request.url, request.headers, request.body)
    item = only(how, callback)
    assert (status, "+15550100900") == (item.get("status", "received"), item["from"])
    assert status != "expired" or item["error"]["provider_code"] == "50"
    with pytest.raises(CannotSimulateError):
        write(how, message, "read", URL, "generic")


HOW: Mapping = mapping(
    report({"occurred_at": "/at", "to": "/to", "error_code": "/err"}, when=[{"place": "/status"}]),
    {"item": "consent", "when": [{"place": "/word"}],
     "fields": {"address": "/to", "word": "/word"}},
    {"item": "link", "fields": {"url": "/url"}, "when": [{"place": "/url"}]},
    {"item": "inbound", "fields": {"from": "/to", "text": "/text", "media": ["/media"]}},
    items="/events", times={"formats": ["iso", "unix_s", "%d/%m/%Y"], "zone": "+02:00"},
    numbers={"country": "47", "national_digits": 8, "strip": ["00"]},
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([*STATUSES, "opted_out", "x" * 600, "\x00", "\ud800", "", 1e308, 2**70, None]),
    st.text(max_size=10), st.integers(), st.booleans(), st.floats(),
    st.sampled_from([[], {}, [[]], {"url": "u"}, [{"url": "u", "size": 3}], {"#text": "a"}]),
)  # fmt: skip
NAMES = st.sampled_from(
    ["id", "status", "to", "text", "at", "err", "url", "word", "media", "events"]
)


@settings(deadline=None, max_examples=SIZES.fuzzed_bodies)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=8), max_size=4), st.booleans())
def test_any_values_give_a_typed_result(events: list[dict[str, object]], bare: bool) -> None:
    """Mistyped, missing and faulty values are never too much."""
    body = json.dumps(events if bare else {"events": events}).encode("utf-8", "surrogatepass")
    assert_sound(HOW.program.read(posted(body), "generic"))


@settings(deadline=None, max_examples=SIZES.fuzzed_bodies)
@given(st.binary(max_size=60), st.sampled_from([FORM, "text/xml", "application/json", ""]))
def test_any_bytes_give_a_typed_result(body: bytes, kind: str) -> None:
    """So are bytes that are no text at all."""
    assert_sound(HOW.program.read(posted(body, kind, "?id=1&status=SENT"), "generic"))


def test_a_long_text_that_many_pieces_say_is_there_once() -> None:
    """It is cut once for all of them, and not kept once for each."""
    looks = report({"text": "body:/account", "error_text": "body:/account"})
    how = mapping(looks, items="/events")
    events = [{"id": str(number), "status": "SENT"} for number in range(1000)]
    callback = posted({"events": events, "account": "long" * 250_000})
    found = [one for one in how.program.read(callback, "generic").items if isinstance(one, Report)]
    texts = [one.content["text"] for one in found if one.content is not None]
    assert [65_536] * 1000 == [len(str(text)) for text in texts]
    assert 1 == len(set(map(id, texts)))


def test_a_long_text_beside_many_pieces_costs_no_time() -> None:
    """All pieces may look at the same megabyte, for fields and for keys: it is not gone through."""
    place = "body:/account"
    looks = report({"from": place, "campaign": place, "metadata": {"a": place}}, key=[place, "/id"])
    how = mapping(looks, items="/events")
    events = [{"id": str(number), "status": "SENT"} for number in range(1000)]
    callback = posted({"events": events, "account": " " * 1_000_000})
    read(how, callback)
    begun = time.process_time()
    notes: list[Note] = []
    items = how.program.read(callback, "generic", notes).items
    assert (1000, True) == (len(items), time.process_time() - begun < 0.2)
    assert {"from", "campaign", "key"} <= {note.field for note in notes}
