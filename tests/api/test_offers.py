"""An address proves nothing: what somebody known is offered, and what links are worth then."""

import asyncio

import pytest

from ringback.domain.roles import Role
from ringback.storage import people
from tests.api.house import KEY, LIVE_KEY, House, Json, assert_problem, places
from tests.api.people import PASSWORD, Browser, link, person, signed_in
from tests.api.test_people import token_of

CEO = "ceo@b.example"


async def offered(browser: Browser, role: Role, email: str = CEO) -> Json:
    """Invite somebody who is known; return the answer."""
    body = {"email": email, "name": "The one I mean", "role": role}
    answer = await browser.call("POST", "/v1/people", json=body)
    assert 201 == answer.status_code, answer.text
    found: Json = answer.json()
    assert found["offered"]
    return found


async def roles(house: House, email: str = CEO) -> tuple[bool, dict[int, Role]]:
    """Return whether somebody is an owner, and their roles by tenant, as every worker has them."""
    found = house.engine.configuration.snapshot.people.values()
    one = next(one for one in found if one.email == email)
    return one.owner, one.roles


async def test_an_address_somebody_made_up_gives_nothing(house: House) -> None:
    """Whoever knows the made-up account's password gets nowhere without the link that is given."""
    admin = await signed_in(house, "admin", tenant=2)
    await person(house, "developer", CEO)
    crook = Browser(house)
    await crook.sign_in(email=CEO, password=PASSWORD)
    made = await offered(admin, "admin")
    assert (None, False, "The one I mean") == (
        made["last_seen_at"], made["password_set"], made["name"],
    )  # fmt: skip
    assert (False, {1: "developer"}) == await roles(house)
    elsewhere = {"ringback-tenant": "other"}
    assert_problem(await crook.call("GET", "/v1/session", headers=elsewhere), 404, "not_found")
    there = (await admin.call("GET", "/v1/people")).json()["data"]
    assert ["admin2@example.com"] == [row["email"] for row in there]
    # Nor is the link alone enough, for whoever finds it.
    for body in ({}, {"password": "a new one of mine"}, {"current_password": "wrong"}):
        answer = await Browser(house).call(
            "POST", "/v1/session", json={"token": token_of(made["link"]), **body}
        )
        assert ["/current_password"] == places(assert_problem(answer, 422, "invalid"))
    assert (False, {1: "developer"}) == await roles(house)


@pytest.mark.parametrize("signed", [True, False])
async def test_an_offer_is_accepted_once(house: House, *, signed: bool) -> None:
    """By the session of the one it is for, or by their password; then the role counts."""
    admin = await signed_in(house, "admin", tenant=2)
    await person(house, "developer", CEO)
    made = await offered(admin, "agent")
    browser = Browser(house)
    if signed:
        await browser.sign_in(email=CEO, password=PASSWORD)
    body = {"token": token_of(made["link"])}
    await browser.sign_in(**body, **({} if signed else {"current_password": PASSWORD}))
    assert (False, {1: "developer", 2: "agent"}) == await roles(house)
    answer = await Browser(house).call("POST", "/v1/session", json=body)
    assert_problem(answer, 401, "link_spent")
    log = (await admin.call("GET", "/v1/audit-log", params={"action": "person.joined"})).json()
    assert [(made["id"], {"role": "agent"})] == [(r["actor"], r["detail"]) for r in log["data"]]


async def test_somebody_elses_session_accepts_nothing(house: House) -> None:
    """The inviter who tries the link is asked for the password, too."""
    admin = await signed_in(house, "admin", tenant=2)
    await person(house, "developer", CEO)
    made = await offered(admin, "agent")
    answer = await admin.call("POST", "/v1/session", json={"token": token_of(made["link"])})
    assert ["/current_password"] == places(assert_problem(answer, 422, "invalid"))


async def test_who_never_came_chooses_a_password_with_an_offer(house: House) -> None:
    """And the invitation that was there before is worth nothing then."""
    ceo = await person(house, "developer", CEO, password=None)
    before = await link(house, ceo, "invitation")
    made = await offered(await signed_in(house, "admin", tenant=2), "agent")
    await Browser(house).sign_in(token=token_of(made["link"]), password=PASSWORD)
    assert (False, {1: "developer", 2: "agent"}) == await roles(house)
    body = {"token": before, "password": "another one of mine"}
    answer = await Browser(house).call("POST", "/v1/session", json=body)
    assert_problem(answer, 401, "link_spent")


async def test_nobody_known_owns_the_installation_unasked(house: House) -> None:
    """To be an owner is offered as well, and counts once it is accepted."""
    owner = await signed_in(house, "owner")
    ceo = await person(house, "developer", CEO)
    reset, first = await link(house, ceo, "reset"), await link(house)
    made = await offered(owner, "owner")
    assert (False, {1: "developer"}) == await roles(house)
    await Browser(house).sign_in(token=token_of(made["link"]), current_password=PASSWORD)
    assert (True, {1: "developer"}) == await roles(house)
    for spent in (reset, first):
        body = {"token": spent, "password": "another one of mine"}
        answer = await Browser(house).call("POST", "/v1/session", json=body)
        assert_problem(answer, 401, "link_spent")


async def test_earlier_links_do_not_outlive_what_changes(house: House) -> None:
    """Another tenant, to own or not to own, another address, a new password: each ends them."""
    owner = await signed_in(house, "owner")
    admin = await signed_in(house, "admin", tenant=2)

    async def join(email: str) -> None:
        made = await offered(admin, "agent", email)
        await Browser(house).sign_in(token=token_of(made["link"]), current_password=PASSWORD)

    async def changed(who: str, **body: str) -> None:
        answer = await owner.call("PATCH", f"/v1/people/{who}", json=body)
        assert 200 == answer.status_code, answer.text

    async def password(email: str) -> None:
        browser = Browser(house)
        await browser.sign_in(email=email, password=PASSWORD)
        body = {"password": "another one of mine", "current_password": PASSWORD}
        assert 200 == (await browser.call("PATCH", "/v1/session", json=body)).status_code

    ways = {
        "join@x.de": join, "role@x.de": lambda email: changed(email, role="owner"),
        "mail@x.de": lambda email: changed(email, email="other@x.de"), "word@x.de": password,
    }  # fmt: skip
    for email, way in ways.items():
        one = await person(house, "developer", email)
        secret = await link(house, one, "reset")
        await way(email)
        body = {"token": secret, "password": "what I chose long ago"}
        answer = await Browser(house).call("POST", "/v1/session", json=body)
        assert_problem(answer, 401, "link_spent")


async def test_a_printed_link_ends_with_an_owners_password(house: House) -> None:
    """Whoever kept the link of the first start does not become an owner by it later."""
    printed = await link(house)
    owner = await signed_in(house, "owner")
    answer = await owner.call("PATCH", "/v1/session", json={"password": PASSWORD})
    assert 200 == answer.status_code, answer.text
    answer = await Browser(house).call("POST", "/v1/session", json={"token": printed})
    assert_problem(answer, 401, "link_spent")


async def test_nobody_takes_on_an_address(house: House) -> None:
    """It is said while there is none; whoever manages people changes it afterwards."""
    await person(house, "developer", "ada@example.com")
    browser = Browser(house)
    await browser.sign_in(email="ada@example.com", password=PASSWORD)
    body = {"email": CEO, "current_password": PASSWORD}
    answer = await browser.call("PATCH", "/v1/session", json=body)
    assert ["/email"] == places(assert_problem(answer, 422, "invalid"))
    same = {"email": "ADA@example.com", "name": "Ada"}
    assert 200 == (await browser.call("PATCH", "/v1/session", json=same)).status_code
    first = Browser(house)
    await first.sign_in(token=await link(house))
    assert 200 == (await first.call("PATCH", "/v1/session", json={"email": CEO})).status_code


async def test_offers_end_with_their_tenant_and_stand_beside_each_other(house: House) -> None:
    """A reset made in one tenant takes no offer of another away; the tenant's end does."""
    admin, own = await signed_in(house, "admin", tenant=2), await signed_in(house, "admin")
    owner = await signed_in(house, "owner")
    await person(house, "developer", CEO)
    made = await offered(admin, "agent")
    assert 200 == (await own.call("POST", f"/v1/people/{CEO}/reset")).status_code
    assert 2 == await house.stage.value(
        "select count(*) from sign_in_link where person is not null"
    )
    assert 204 == (await owner.call("DELETE", "/v1/tenants/other")).status_code
    body = {"token": token_of(made["link"]), "current_password": PASSWORD}
    assert_problem(await Browser(house).call("POST", "/v1/session", json=body), 401, "link_spent")


async def test_sessions_of_who_works_elsewhere_are_not_an_admins(house: House) -> None:
    """Seen and ended are those of the tenant's own people, and one's own; a test key ends none."""
    ceo = await person(house, "developer", CEO)
    browser = Browser(house)
    await browser.sign_in(email=CEO, password=PASSWORD)
    admin = await signed_in(house, "admin")
    rows = (await admin.call("GET", "/v1/sessions")).json()["data"]
    theirs = next(row["id"] for row in rows if row["name"] == "ceo")
    answer = await house.call("DELETE", f"/v1/sessions/{theirs}", key=KEY)
    assert_problem(answer, 403, "not_yours")
    async with house.engine.configuration.change() as connection:
        await people.join(connection, ceo, 2, "read_only")
    assert ["admin1"] == [
        row["name"] for row in (await admin.call("GET", "/v1/sessions")).json()["data"]
    ]
    assert_problem(await admin.call("DELETE", f"/v1/sessions/{theirs}"), 404, "not_found")
    answer = await house.call("DELETE", f"/v1/sessions/{theirs}", key=LIVE_KEY)
    assert_problem(answer, 404, "not_found")
    assert 1 == len((await browser.call("GET", "/v1/sessions")).json()["data"])
    assert 200 == (await browser.call("GET", "/v1/session")).status_code


async def test_who_is_managed_is_looked_at_under_the_lock(house: House) -> None:
    """Somebody who becomes an owner while an admin's request waits is an owner for it."""
    admin = await signed_in(house, "admin")
    ceo = await person(house, "developer", CEO)
    requests = [("PATCH", "", {"role": "agent"}), ("POST", "/reset", None), ("DELETE", "", None)]
    database = house.engine.database
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await people.change(connection, ceo, people.Change(owner=True))
        tasks = [
            asyncio.create_task(admin.call(method, f"/v1/people/{CEO}{more}", json=body))
            for method, more, body in requests
        ]
        waiting = (
            "select count(*) < 3 from pg_stat_activity "
            "where wait_event_type = 'Lock' and datname = current_database()"
        )
        while await house.stage.value(waiting):
            await asyncio.sleep(0.02)
        await transaction.commit()
    for answer in await asyncio.gather(*tasks):
        assert_problem(answer, 404, "not_found")
    assert 1 == await house.stage.value("select count(*) from membership where role = 'developer'")
