"""What a person of WhatsApp's refused goes with them: to their id, to another number, another id.

Signed callbacks through a whole engine, and what the API then lists.
"""

import itertools
import json
from typing import NamedTuple

from ringback.domain.http import Callback
from ringback.providers.registry import PROVIDERS
from tests.api.house import House, Json
from tests.services.stage import BASE_URL

WHATSAPP = PROVIDERS["whatsapp"]
# In seconds since 1970, as WhatsApp tells times; long gone for any engine.
AT = 1_772_463_000
_numbers = itertools.count(1)
Value = dict[str, object]


class Who(NamedTuple):
    """A person's two identities, which nobody has used before."""

    number: str
    user_id: str

    @property
    def both(self) -> set[str]:
        """Return them as they stand in lists."""
        return {f"+{self.number}", self.user_id}


def who() -> Who:
    """Make a person up."""
    one = next(_numbers)
    return Who(f"1555010{one:04}", f"US.{one:020}")


def text(person: Who, words: str, at: int) -> Value:
    """Say something, with the id beside the number."""
    return {
        "contacts": [{"wa_id": person.number, "user_id": person.user_id}],
        "messages": [
            {"from": person.number, "id": f"wamid.{next(_numbers)}", "timestamp": str(at),
             "type": "text", "text": {"body": words}},
        ],
    }  # fmt: skip


def moved(old: Who, new: Who, at: int) -> Value:
    """Tell of another number, with which another id comes."""
    system = {
        "type": "user_changed_number", "wa_id": new.number, "user_id": new.user_id,
        "previous_user_id": old.user_id, "body": "Ada has another number",
    }  # fmt: skip
    return {
        "messages": [
            {"from": old.number, "from_user_id": old.user_id, "id": f"wamid.{next(_numbers)}",
             "timestamp": str(at), "type": "system", "system": system},
        ]
    }  # fmt: skip


def stopped_marketing(person: Who, at: int) -> Value:
    """Tell what somebody set in WhatsApp's menus."""
    wish = {
        "wa_id": person.number, "user_id": person.user_id, "category": "marketing_messages",
        "value": "stop", "timestamp": at,
    }  # fmt: skip
    return {"user_preferences": [wish]}


async def post(house: House, *values: Value) -> None:
    """Post one callback of all of these, rightly signed."""
    changes = [
        {
            "field": "user_preferences" if "user_preferences" in value else "messages",
            "value": {"metadata": {"display_phone_number": "15550100900"}, **value},
        }
        for value in values
    ]
    said = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    body = json.dumps(said).encode()
    connection = house.stage.connection()
    signed = WHATSAPP.sign(body, connection.config, 0)
    url = f"{BASE_URL}/in/demo-whatsapp"
    answer = await house.stage.receive(Callback("POST", url, signed, body, "127.0.0.1"))
    assert 200 == answer.status


async def listed(house: House) -> dict[tuple[str, str | None], Json]:
    """Return the opt-outs in force, by whose they are and what of."""
    found = (await house.get("/v1/suppressions", limit="100"))["data"]
    return {(one["contact"]["value"], one["purpose"]): one for one in found}


async def told(house: House, type_: str = "contact.opted_out") -> list[str]:
    """Return of whom events of a type are, sorted."""
    found = (await house.get("/v1/events", type=type_, limit="100"))["data"]
    return sorted(one["data"]["contact"]["value"] for one in found)


async def test_a_word_is_about_the_number_and_the_id_that_came_with_it(house: House) -> None:
    """STOP suppresses both, START lifts both; each is told of once, however often it comes."""
    ada = who()
    stop, start = text(ada, "STOP", AT), text(ada, "Start", AT + 1)
    await post(house, stop)
    await post(house, stop)
    found = await listed(house)
    assert {(one, None) for one in ada.both} == found.keys()
    assert {"phone", "whatsapp"} == {one["contact"]["kind"] for one in found.values()}
    assert 1 == len({one["message"] for one in found.values()})
    assert sorted(ada.both) == await told(house)
    await post(house, start)
    assert {} == await listed(house)
    assert sorted(ada.both) == await told(house, "contact.opted_in")


async def test_an_error_is_about_the_number_and_the_id_that_came_with_it(house: House) -> None:
    """A message that was refused because the person stops marketing names both in its report."""
    ada = who()
    status = {
        "id": "wamid.refused", "status": "failed", "timestamp": str(AT),
        "recipient_id": ada.number, "recipient_user_id": ada.user_id,
        "errors": [{"code": 131050, "title": "stopped"}],
    }  # fmt: skip
    again = {**status, "id": "wamid.again", "timestamp": str(AT + 1)}
    await post(house, {"statuses": [status]}, {"statuses": [again]})
    await post(house, {"statuses": [{**again, "id": "wamid.later"}]})
    assert {(one, "marketing") for one in ada.both} == (await listed(house)).keys()
    assert sorted(ada.both) == await told(house)


async def test_opt_outs_go_with_whoever_moves(house: House) -> None:
    """To the new number and the new id, from the move on, told once; nothing else goes anywhere."""
    ada, new, bo, later = who(), who(), who(), who()
    await post(house, text(ada, "STOP", AT), stopped_marketing(ada, AT + 1))
    before = await listed(house)
    move, other = moved(ada, new, AT + 60), moved(bo, later, AT + 60)
    await post(house, move, other)
    await post(house, move)
    found = await listed(house)
    expected = {(one, of) for one in ada.both | new.both for of in (None, "marketing")}
    assert expected == found.keys()
    one = found[f"+{new.number}", None]
    assert ("provider", "whatsapp", "+15550100900") == (
        one["source"], one["channel"], one["sender"],
    )  # fmt: skip
    origins = {before[name, None]["id"] for name in ada.both}
    assert one["evidence"]["suppression"] in origins
    assert one["evidence"]["moved"] == one["callback"]
    message = await house.get(f"/v1/messages/{one['message']}")
    assert ("system", f"+{new.number}") == (
        message["content"]["kind"], message["content"]["moved"]["current"]["number"],
    )  # fmt: skip
    event = await house.get(f"/v1/events/{one['event']}")
    assert one["since"] == event["timestamp"] == message["timestamps"]["received"]
    assert 8 == len(await told(house))
    history = (await house.get(f"/v1/suppressions/{one['id']}"))["history"]
    assert ["opted_out", "opted_out"] == [past["word"] for past in history]


async def test_a_word_from_after_the_move_holds(house: House) -> None:
    """Whoever wants messages at the new number gets them, in whatever order it is told."""
    ada, new = who(), who()
    move = moved(ada, new, AT + 60)
    await post(house, text(ada, "STOP", AT))
    await post(house, text(new, "START", AT + 61))
    await post(house, move)
    assert {(one, None) for one in ada.both} == (await listed(house)).keys()
    assert sorted(ada.both) == await told(house)
    bo, other = who(), who()
    # Of somebody who had the number before, or of a person who has it now, nothing is taken over.
    await post(house, text(other, "START", AT - 9))
    await post(house, text(bo, "STOP", AT), moved(bo, other, AT + 60))
    assert {(one, None) for one in ada.both | bo.both | other.both} == (await listed(house)).keys()
    await post(house, text(other, "START", AT + 61))
    carl, third = who(), who()
    await post(house, text(carl, "STOP", AT + 61), moved(carl, third, AT + 60))
    assert {(one, None) for one in ada.both | bo.both | carl.both} == (await listed(house)).keys()


async def test_an_opt_out_from_before_a_move_may_come_after_it(house: House) -> None:
    """It finds its way, over several moves, from the last of each; once, whatever else follows."""
    ada, second, third, last = who(), who(), who(), who()
    await post(house, moved(third, last, AT + 10))
    await post(house, moved(second, third, AT + 90))
    await post(house, moved(ada, second, AT + 60))
    stop = text(ada, "STOP", AT)
    await post(house, stop)
    await post(house, stop)
    everywhere = ada.both | second.both | third.both
    found = await listed(house)
    assert {(one, None) for one in everywhere} == found.keys()
    one = found[f"+{second.number}", None]
    assert found[f"+{ada.number}", None]["id"] == one["evidence"]["suppression"]
    assert sorted(everywhere) == await told(house)
    # Of two moves from one number the newer counts, whichever comes first.
    carl, nowhere, here = who(), who(), who()
    await post(house, moved(carl, nowhere, AT + 60))
    await post(house, moved(carl, here, AT + 70))
    await post(house, text(carl, "STOP", AT), moved(carl, nowhere, AT + 50))
    everywhere |= carl.both | here.both | nowhere.both
    assert sorted(everywhere) == await told(house)
    # A move that comes after later ones is gone on from likewise.
    bo, there, then = who(), who(), who()
    await post(house, moved(there, then, AT + 90))
    await post(house, text(bo, "STOP", AT), moved(bo, there, AT + 60))
    everywhere |= bo.both | there.both | then.both
    assert sorted(everywhere) == await told(house)


async def test_another_id_alone_leaves_the_number(house: House) -> None:
    """What was refused by the number is refused by the id that the person has from now on."""
    ada = who()
    await post(house, text(ada._replace(user_id=""), "STOP", AT))
    system = {"type": "user_changed_user_id", "user_id": ada.user_id, "wa_id": ada.number}
    message = {
        "from": ada.number, "id": "wamid.new-id", "timestamp": str(AT + 1), "type": "system",
        "system": system,
    }  # fmt: skip
    await post(house, {"messages": [message]})
    assert {(one, None) for one in ada.both} == (await listed(house)).keys()
    assert sorted(ada.both) == await told(house)
