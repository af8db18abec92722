"""Messages: shown as they stand, listed, and found by what they carry."""

from typing import Any

from ringback.domain.ids import show
from tests.api.house import House, assert_problem, places

ITEMS = 4


async def found(house: House, **filters: Any) -> list[str]:
    """Return the provider's ids of the messages that fit, newest first."""
    page = await house.get("/v1/messages", **filters)
    return [message["provider_message_id"] for message in page["data"]]


async def test_a_message_as_it_stands(house: House) -> None:
    """The words of its events, its newest event's number, and when it became known."""
    await house.hear("m1", "sent", "delivered", reference="order-1")
    message = await house.message("m1")
    assert message == await house.get(f"/v1/messages/{message['id']}")
    assert (
        "observed", "outbound", "whatsapp", "+15550783881", "+16505551234", "delivered", "m1",
        "order-1", None, 2,
    ) == tuple(
        message[name] for name in (
            "origin", "direction", "channel", "from", "to", "status", "provider_message_id",
            "reference", "error", "sequence",
        )
    )  # fmt: skip
    assert ["sent", "delivered"] == list(message["timestamps"])
    told = (await house.get("/v1/events"))["data"][0]["data"]["message"]
    assert {} == {
        name: (value, message.get(name))
        for name, value in told.items()
        if name not in ("previous_status", "provider_status") and message.get(name) != value
    }


async def test_a_failed_message_says_why(house: House) -> None:
    """The error is in the one vocabulary, with the provider's own code."""
    await house.hear("m1", "failed")
    error = (await house.message("m1"))["error"]
    assert {"class", "code", "provider_code"} <= set(error)
    answer = await house.get(f"/v1/messages/{(await house.message('m1'))['id']}/timeline")
    assert error == answer["message"]["error"]


async def test_what_is_no_message(house: House) -> None:
    """A missing id, another kind's id and no id at all are answered alike."""
    told = set()
    for text in (show("msg", house.new_id()), show("evt", house.new_id()), "x", "msg_", "%20"):
        for path in (f"/v1/messages/{text}", f"/v1/messages/{text}/timeline"):
            problem = assert_problem(await house.call("GET", path), 404, "not_found")
            told.add(problem["detail"])
    assert {"There is no such message."} == told


async def test_messages_are_found_by_what_they_carry(house: House) -> None:
    """By whole addresses, last digits, reference and the provider's id; newest first."""
    for number in range(ITEMS):
        await house.observe(number)
    everything = ["p3", "p2", "p1", "p0"]
    assert everything == await found(house)
    assert ["p2"] == await found(house, to="+15550100002")
    assert ["p2"] == await found(house, to="0002")
    assert ["p2"] == await found(house, to="50100002")
    assert everything == await found(house, **{"from": "+15550009999"})
    assert everything == await found(house, **{"from": "9999"})
    assert ["p3", "p1"] == await found(house, reference="order-1")
    assert ["p1"] == await found(house, provider_message_id="p1")
    assert [] == await found(house, to="+15550100009")
    assert [] == await found(house, to="1555010000")
    assert [] == await found(house, reference="order-")
    assert [] == await found(house, provider_message_id="P1")


async def test_filters_are_all_to_fit(house: House) -> None:
    """Several filters narrow each other down, whichever of them is the rarest."""
    for number in range(ITEMS):
        await house.observe(number)
    both = {"reference": "order-1", "from": "9999"}
    assert ["p3", "p1"] == await found(house, **both)
    assert ["p1"] == await found(house, **both, to="0001")
    assert ["p1"] == await found(house, **both, to="0001", provider_message_id="p1")
    assert [] == await found(house, **both, to="0002")
    assert [] == await found(house, to="0001", **{"from": "+15550009998"})


async def test_a_plus_that_was_not_encoded(house: House) -> None:
    """In a query a bare plus is a space: the address is found all the same."""
    await house.observe(1)
    response = await house.call("GET", "/v1/messages?to=+15550100001")
    assert 1 == len(response.json()["data"])


async def test_addresses_that_are_no_numbers(house: House) -> None:
    """A sender may be a word or a short code; both are found whole."""
    await house.observe(1, **{"from": "ACME"})
    await house.observe(2, **{"from": "12345"})
    assert ["p1"] == await found(house, **{"from": "ACME"})
    assert [] == await found(house, **{"from": "CME"})
    assert ["p2"] == await found(house, **{"from": "12345"})
    assert ["p2"] == await found(house, **{"from": "2345"})


async def test_too_few_digits(house: House) -> None:
    """Fewer than four digits are no search; the fault names the parameter."""
    for parameter in ("to", "from"):
        for text in ("1", "123", ""):
            response = await house.call("GET", "/v1/messages", params={parameter: text})
            assert [parameter] == places(assert_problem(response, 422, "invalid"))


async def test_digits_that_too_many_addresses_end_in(house: House) -> None:
    """More than 1,000 addresses are too many to search by; 1,000 are not."""
    await house.observe(1)
    fill = (
        "insert into search_key select tenant, mode, 1, '8765' || lpad(i::text, 6, '0'), subject "
        "from search_key, generate_series({}) i where kind = 1 and value like '1000%'"
    )
    await house.stage.execute(fill.format("1, 1000"))
    assert 200 == (await house.call("GET", "/v1/messages?to=5678")).status_code
    await house.stage.execute(fill.format("1001, 1001"))
    response = await house.call("GET", "/v1/messages?to=5678")
    assert ["to"] == places(assert_problem(response, 422, "invalid"))
