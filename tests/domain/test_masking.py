"""What is personal in an answer, and what is left of it for roles that see masks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.domain.masking import HIDDEN, masked, masked_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+4915112344821", "+49 151 ••• 4821"),
        ("4915112344821", "49 151 ••• 4821"),
        ("+15550104821", "+1 555 ••• 4821"),
        ("+49 (151) 1234-4821", "+49 151 ••• 4821"),
        ("15550104", "••• 04"),
        ("12345", "12345"),
        ("HarbourCli", "HarbourCli"),
        ("ada@example.com", "a•••@•••"),
        ("DE.1234567890123456", HIDDEN),
        ("2026-03-02T15:01:22.646Z", "2026-03-02T15:01:22.646Z"),
    ],
)
def test_an_address_loses_its_middle(address: str, shown: str) -> None:
    """Of a number the country, three digits and the last four are left; senders' names stay."""
    assert shown == masked_address(address)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (
            {"id": "msg_01hz0q2yz7m3x8k5n4v6b9c1d0", "to": "+4915112344821", "segments": 2},
            {"id": "msg_01hz0q2yz7m3x8k5n4v6b9c1d0", "to": "+49 151 ••• 4821", "segments": 2},
        ),
        (
            {"content": {"type": "text", "text": "Hi Ada", "buttons": [{"title": "Yes"}]}},
            {"content": {"type": "text", "text": HIDDEN, "buttons": [{"title": HIDDEN}]}},
        ),
        (
            {"body": {"text": "a", "base64": None, "size": 1, "masked": False}},
            {"body": {"text": None, "base64": None, "size": 1, "masked": True}},
        ),
        (
            {"peer": "10.0.0.1", "url": "http://x/in/a?to=1", "headers": [["x-to", "+4915"]]},
            {"peer": "10.0.0.1", "url": "http://x/in/a", "headers": [["x-to", HIDDEN]]},
        ),
        ({"parsed": {"a": "b"}, "headers": []}, {"parsed": None, "headers": []}),
        (
            {"error": {"class": "recipient", "description": "15550104821 is no mobile"}},
            {"error": {"class": "recipient", "description": "1 555 ••• 4821 is no mobile"}},
        ),
        ({"metadata": {"whatsapp_user_id": "US.13491208655302741918", "order": "7"}},
         {"metadata": {"whatsapp_user_id": HIDDEN, "order": "7"}}),
        ({"contact": {"kind": "email", "value": "ada@x.de"}},
         {"contact": {"kind": "email", "value": "a•••@•••"}}),
        ({"kind": "shop", "value": "19.90"}, {"kind": "shop", "value": "19.90"}),
        ({"numbers": ["+4915112344821"]}, {"numbers": ["+49 151 ••• 4821"]}),
        ({"data": {"note": "call +49 151 12344821 back"}},
         {"data": {"note": "call +49 151 ••• 4821 back"}}),
        ({"provider_message_id": "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI="},
         {"provider_message_id": "wamid.•••GBI="}),
        (
            {"action": "endpoint.changed", "actor": "key_1", "detail": {"from": "ab", "to": "cd"}},
            {"action": "endpoint.changed", "actor": "key_1", "detail": {"from": "ab", "to": "cd"}},
        ),
        ({"at": "2026-03-02T15:01:22.646Z", "sequence": 12345678901},
         {"at": "2026-03-02T15:01:22.646Z", "sequence": 12345678901}),
        ({"raw": {"who": ["+49", 4915112344821, True, None]}},
         {"raw": {"who": [HIDDEN, HIDDEN, True, None]}}),
    ],
)  # fmt: skip
def test_what_is_personal_is_known_by_its_name(answer: Any, shown: Any) -> None:
    """Numbers are masked, texts and raw bodies hidden; what is no personal data stays."""
    assert shown == masked(answer)


@pytest.mark.parametrize(
    "number",
    [
        "+1 (555) 123-4567", "+49 (151) 1234567", "+49/151/1234567", "+49\u00a0151\u00a012345678",
        "+49 \u2011 151 12345678", "+49.151.1234567", "+ 49 151 1234567", "0151/12345678",
        "0049 151 1234567", "(555) 123-4567", "555-123-4567", "whatsapp:15551234567",
        "whatsapp:+15551234567", "tel:+49-151-1234567", "lisa@example.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["to", "phone_number", "phoneNumber", "mobile", "msisdn", "email"])
def test_however_it_is_spelled(number: str, name: str) -> None:
    """In a field of its own, in the middle of words, and as the name of a field."""
    told = masked({name: number, "title": f"To {number}", "data": {number: 1}, "list": [
        {"description": f"{number}, no answer"},
    ]})  # fmt: skip
    assert number not in str(told)
    assert HIDDEN in told[name]
    assert HIDDEN in told["title"]
    assert HIDDEN in next(iter(told["data"]))
    assert HIDDEN in told["list"][0]["description"]


def test_a_number_that_is_written_as_a_number() -> None:
    """Under the name of an address it is one; a short code and any other number stay."""
    answer = {"phone": 4915112344821, "from": 12345, "bytes": 4915112344821, "mobile": True}
    shown = {"phone": "49 151 ••• 4821", "from": 12345, "bytes": 4915112344821, "mobile": True}
    assert shown == masked(answer)


@pytest.mark.parametrize(
    "text",
    [
        "msg_01hz0q2yz7m3x8k5n4v6b9c1d0", "see msg_01hz0q2yz7m3x8k5n4v6b9c1d0 of 12",
        "SM0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef01234567",
        "01951234-5678-7123-9abc-0123456789ab", "on 2026-03-02 15:01:22, 02/03/2026",
        "10.0.0.17:8080 took 12.345 ms", "https://x.example/in/7f3a15551234567",
    ],
)  # fmt: skip
def test_what_is_no_number_stays_whole(text: str) -> None:
    """Ids, digests, times and addresses of machines, in words as in fields of their own."""
    answer = {"provider_message_id": text, "detail": text, "title": text, text: text}
    assert answer == masked(answer)


@given(st.from_regex(r"\+[1-9][0-9]{10,14}", fullmatch=True), st.text(max_size=20))
def test_a_whole_number_is_never_shown(number: str, words: str) -> None:
    """Wherever it stands: in a field of its own, in a list, or in the middle of a text."""
    answer = {"to": number, "any": [f"a {number} b", {"deep": number}], "text": words + number}
    assert number not in str(masked(answer))
    assert number.lstrip("+") not in str(masked(answer))


def test_what_people_wrote_is_masked_in_evidence_and_labels() -> None:
    """The keyword of an opt-out is a text; words of providers and labels may hold numbers."""
    evidence = {"keyword": "STOP 1", "provider_word": "refused by 4915112344821"}
    answer = {"evidence": evidence, "metadata": {"who": "4915112344821", "shop": "Berlin"}}
    assert masked(answer) == {
        "evidence": {"keyword": HIDDEN, "provider_word": "refused by 49 151 ••• 4821"},
        "metadata": {"who": "49 151 ••• 4821", "shop": "Berlin"},
    }
