"""Signing in and out: by password, by link, and what a session is good for."""

import asyncio
import re
from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from fastapi import Request

from ringback.api.session import address_of
from ringback.domain.networks import LOOPBACK
from ringback.domain.people import LINK_S
from ringback.domain.roles import POWERS, ROLES
from ringback.services import first_run
from ringback.services.passwords import WAITING_MAX
from ringback.services.sign_in import FREE_PER_PERSON
from ringback.storage.database import connect
from ringback.storage.vault import Vault
from tests.api.house import KEY, OPERATOR_KEY, House, assert_problem, places
from tests.api.people import PASSWORD, Browser, link, person, signed_in
from tests.api.streamed import Stream, front_of
from tests.services.stage import BASE_URL
from tests.storage.dump import dump, leaked

ADA = "ada@example.com"


async def test_the_first_link_signs_in_the_owner_once(house: House) -> None:
    """Whoever comes first with it owns the installation; a second time it is spent."""
    secret = await link(house)
    browser = Browser(house)
    view = await browser.sign_in(token=secret)
    assert ("owner", "Default", "live", False, True, None) == (
        view["role"], view["tenant"]["name"], view["mode"], view["masked"], view["may_reveal"],
        view["person"]["email"],
    )  # fmt: skip
    assert view["first"]
    assert {"Default", "Other"} == {one["name"] for one in view["tenants"]}
    assert view == (await browser.call("GET", "/v1/session")).json()
    again = await Browser(house).call("POST", "/v1/session", json={"token": secret})
    assert_problem(again, 401, "link_spent")


async def test_a_start_makes_a_link_until_there_is_a_password(house: House) -> None:
    """Each start takes the last one's link back; with a password only where one is asked for."""
    stage = house.stage

    async def start(*, link: bool = False) -> str | None:
        vault = Vault(stage.secret_key)
        started = await first_run.prepare(stage.dsn, vault, BASE_URL, sign_in_link=link)
        return started.sign_in

    first, second = await start(), await start()
    assert first is not None
    answer = await Browser(house).call("POST", "/v1/session", json={"token": first})
    assert_problem(answer, 401, "link_spent")
    await Browser(house).sign_in(token=second, email=ADA, password=PASSWORD)
    assert await start() is None
    view = await Browser(house).sign_in(token=await start(link=True))
    assert ADA == view["person"]["email"]


async def test_the_first_owner_chooses_a_password(house: House) -> None:
    """With the link an address, a name and a password; then these sign in, and others do not."""
    said = {"email": " Ada@Example.com ", "name": "Ada", "password": PASSWORD}
    view = await Browser(house).sign_in(token=await link(house), **said)
    assert (ADA, "Ada", True) == (
        view["person"]["email"], view["person"]["name"], view["person"]["password_set"],
    )  # fmt: skip
    again = await Browser(house).sign_in(email="ADA@example.com", password=PASSWORD)
    assert view["person"] == again["person"]
    for wrong in ({"email": ADA, "password": PASSWORD + "!"}, {"email": "b@x.de", "password": "x"}):
        refused = await Browser(house).call("POST", "/v1/session", json=wrong)
        assert_problem(refused, 401, "wrong_credentials")
        assert "set-cookie" not in refused.headers


async def test_what_is_wrong_with_a_link_may_be_said_again(house: House) -> None:
    """An invitation needs a good password; until it has one, the link is not used up."""
    ada = await person(house, "admin", ADA, password=None)
    secret = await link(house, ada, "invitation")
    browser = Browser(house)
    for password in (None, "short", ADA, "x" * 257):
        body = {"token": secret, **({"password": password} if password else {})}
        answer = await browser.call("POST", "/v1/session", json=body)
        assert ["/password"] == places(assert_problem(answer, 422, "invalid")), password
    assert "admin" == (await browser.sign_in(token=secret, password="x" * 256))["role"]


async def test_a_link_is_old_after_its_time(house: House) -> None:
    """An invitation lasts a week, a reset a day; a newer link takes the place of an older one."""
    assert (7 * 86_400, 86_400) == (LINK_S["invitation"], LINK_S["reset"])
    ada = await person(house, "admin", ADA)
    old = await link(house, ada, "reset")
    new = await link(house, ada, "reset")
    for secret, expired in ((old, False), (new, True)):
        if expired:
            await house.stage.execute("update sign_in_link set expires = now()")
        body = {"token": secret, "password": PASSWORD}
        answer = await Browser(house).call("POST", "/v1/session", json=body)
        assert_problem(answer, 401, "link_spent")


async def test_the_cookie_is_kept_from_scripts_and_other_sites(house: House) -> None:
    """HttpOnly, SameSite=Lax, for all paths; over https Secure as well."""
    plain = "http://127.0.0.1:8420"
    for url, origin, secure in (
        (plain, plain, False), ("https://rb.example", "https://rb.example", True),
        (plain, "https://api.test", True),
    ):  # fmt: skip
        browser = Browser(house)
        browser.client = house.client_of(house.build(public_url=url))
        browser.headers["origin"] = origin
        answer = await browser.call("POST", "/v1/session", json={"token": await link(house)})
        assert 201 == answer.status_code, answer.text
        cookie = answer.headers["set-cookie"]
        assert re.fullmatch(
            r"ringback_session=[\w-]{43}; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax"
            + ("; Secure" if secure else ""), cookie,
        )  # fmt: skip
        assert "no-store" == answer.headers["cache-control"]


async def test_every_sign_in_has_a_new_secret(house: House) -> None:
    """A cookie that somebody was given before is worth nothing; the one before it is over."""
    ada = await person(house, "admin", ADA)
    browser = Browser(house)
    browser.client.cookies.set("ringback_session", "planted", domain="api.test", path="/")
    await browser.sign_in(token=await link(house, ada))
    first = browser.client.cookies["ringback_session"]
    assert "planted" != first
    await browser.sign_in(email=ADA, password=PASSWORD)
    assert first != browser.client.cookies["ringback_session"]
    browser.client.cookies.set("ringback_session", first, domain="api.test", path="/")
    assert_problem(await browser.call("GET", "/v1/session"), 401, "unauthenticated")
    assert 1 == await house.stage.value("select count(*) from session")


async def test_signing_out_ends_it(house: House) -> None:
    """The cookie is taken away and means nothing any more, also where somebody kept it."""
    browser = await signed_in(house, "developer")
    kept = browser.client.cookies["ringback_session"]
    answer = await browser.call("DELETE", "/v1/session")
    assert (204, {}) == (answer.status_code, dict(browser.client.cookies))
    browser.client.cookies.set("ringback_session", kept, domain="api.test", path="/")
    assert_problem(await browser.call("GET", "/v1/session"), 401, "unauthenticated")
    assert_problem(await house.call("GET", "/v1/session", key=None), 401, "unauthenticated")


async def test_each_role_may_do_what_its_table_says(house: House) -> None:
    """Scopes, masks and what is refused are those of the role, on every kind of operation."""
    for role in ROLES:
        browser = await signed_in(house, role)
        view = (await browser.call("GET", "/v1/session")).json()
        powers = POWERS[role]
        assert (role, sorted(powers.scopes), powers.masked) == (
            view["role"], sorted(view["scopes"]), view["masked"],
        )  # fmt: skip
        for method, path, scope in (
            ("GET", "/v1/messages", "messages:read"),
            ("GET", "/v1/callbacks", "callbacks:read"),
            ("POST", "/v1/endpoints", "endpoints:write"),
            ("POST", "/v1/api-keys", "keys:write"),
            ("GET", "/v1/audit-log", "audit:read"),
            ("PUT", "/v1/tenants/new", "tenants:write"),
        ):
            answer = await browser.call(method, path, json={"nonsense": 1})
            refused = answer.json().get("code") == "scope_missing"
            assert (scope not in powers.scopes) == refused, (role, path, answer.text)


async def test_a_tenant_is_chosen_and_others_are_missing(house: House) -> None:
    """Members see their tenants alone, in the mode they name; owners see all."""
    member, owner = await signed_in(house, "admin"), await signed_in(house, "owner")
    other = {"ringback-tenant": "other"}
    assert_problem(await member.call("GET", "/v1/messages", headers=other), 404, "not_found")
    view = (await owner.call("GET", "/v1/session", headers=other)).json()
    assert ("Other", "test") == (view["tenant"]["name"], view["mode"])
    assert 3 == len((await member.call("GET", "/v1/connections")).json()["data"])
    live = await member.call("GET", "/v1/connections", headers={"ringback-mode": "live"})
    assert [] == live.json()["data"]


async def test_a_key_has_no_cookie_and_no_person(house: House) -> None:
    """GET tells of a key, too; a wrong key is not rescued by a good cookie."""
    view = await house.get("/v1/session", key=KEY)
    assert (None, None, "test", None, False) == (
        view["person"], view["role"], view["mode"], view["csrf"], view["masked"],
    )  # fmt: skip
    browser = await signed_in(house, "admin")
    wrong = {"authorization": "Bearer rk_live_wrong"}
    answer = await browser.call("GET", "/v1/session", headers=wrong)
    assert_problem(answer, 401, "unauthenticated")
    good = {"authorization": f"Bearer {KEY}", "origin": "https://evil.example"}
    answer = await browser.call("DELETE", "/v1/session", headers=good)
    assert_problem(answer, 401, "unauthenticated")
    assert 200 == (await browser.call("GET", "/v1/session")).status_code


async def test_attempts_that_fail_have_to_wait(house: House) -> None:
    """After five wrong passwords even the right one waits; a link is not held up by them."""
    ada = await person(house, "admin", ADA)
    wrong = {"email": ADA, "password": "wrong"}
    for _ in range(FREE_PER_PERSON):
        answer = await Browser(house).call("POST", "/v1/session", json=wrong)
        assert_problem(answer, 401, "wrong_credentials")
    right = {"email": ADA, "password": PASSWORD}
    # As if there had been four more: this wait is longer than a slow machine takes.
    await house.stage.execute("update sign_in_trial set failures = failures + 4, last = now()")
    answer = await Browser(house).call("POST", "/v1/session", json=right)
    assert_problem(answer, 429, "too_many_attempts")
    assert 1 <= int(answer.headers["retry-after"]) <= 16
    await Browser(house).sign_in(token=await link(house, ada))
    await house.stage.execute("update sign_in_trial set last = now() - interval '20 minutes'")
    await Browser(house).sign_in(**right)
    await house.stage.execute(
        "update sign_in_trial set failures = 99, last = now() - interval '10 minutes'"
    )
    answer = await Browser(house).call("POST", "/v1/session", json=right)
    assert_problem(answer, 429, "too_many_attempts")
    assert 250 <= int(answer.headers["retry-after"]) <= 300


async def test_nobody_is_locked_out_from_elsewhere(house: House) -> None:
    """Few attempts from one network hold up that one; only very many hold up an address."""
    await person(house, "admin", ADA)
    there, here = ({"x-forwarded-for": address} for address in ("198.51.100.7", "203.0.113.9"))
    wrong, right = {"email": ADA, "password": "wrong"}, {"email": ADA, "password": PASSWORD}
    for _ in range(2):
        await Browser(house).call("POST", "/v1/session", json=wrong, headers=there)
    await house.stage.execute("update sign_in_trial set failures = failures + 10, last = now()")
    answer = await Browser(house).call("POST", "/v1/session", json=right, headers=there)
    assert_problem(answer, 429, "too_many_attempts")
    answer = await Browser(house).call("POST", "/v1/session", json=right, headers=here)
    assert 201 == answer.status_code, answer.text
    # What was refused, or right, is counted nowhere.
    assert [0, 12, 12, 12] == sorted(
        row["failures"]
        for row in await house.engine.database.rows("select failures from sign_in_trial")
    )
    await house.stage.execute("update sign_in_trial set failures = 110, last = now()")
    answer = await Browser(house).call("POST", "/v1/session", json=right, headers=here)
    assert_problem(answer, 429, "too_many_attempts")


async def test_who_is_too_busy_to_look_counts_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither does a link that is right, and waits for the password that goes with it."""
    ada = await person(house, "admin", ADA)
    counted = "select coalesce(sum(failures), 0)::int from sign_in_trial"
    with monkeypatch.context() as patch:
        patch.setattr(house.engine.passwords, "_waiting", WAITING_MAX)
        body = {"email": ADA, "password": PASSWORD}
        answer = await Browser(house).call("POST", "/v1/session", json=body)
        assert_problem(answer, 429, "busy")
    assert 0 == await house.stage.value(counted)
    body = {"token": await link(house, ada, "invitation")}
    answer = await Browser(house).call("POST", "/v1/session", json=body)
    assert_problem(answer, 422, "invalid")
    assert 0 == await house.stage.value(counted)
    await Browser(house).call("POST", "/v1/session", json={"token": "wrong"})
    assert 1 == await house.stage.value(counted)


async def test_what_was_typed_is_told_to_no_tenant(house: House) -> None:
    """Failed attempts as nobody known, or as an owner, are in the installation's audit log."""
    await person(house, "owner", "o@example.com")
    await person(house, "admin", ADA)
    for email in ("slip@example.com", "o@example.com", ADA):
        body = {"email": email, "password": "wrong"}
        await Browser(house).call("POST", "/v1/session", json=body)
    told = {}
    for key in (KEY, OPERATOR_KEY):
        rows = await house.get("/v1/audit-log", key=key, action="person.sign_in_failed")
        told[key] = {row["detail"]["email"] for row in rows["data"]}
    assert {KEY: {ADA}, OPERATOR_KEY: {"slip@example.com", "o@example.com"}} == told


async def test_a_suspended_tenants_people_get_away(house: House) -> None:
    """They are told no CSRF token, and sign in as somebody else, or out, all the same."""
    suspend = "update tenant set suspended = now() where no = 2"
    browsers = [await signed_in(house, role, tenant=2) for role in ("admin", "agent")]
    await person(house, "admin", ADA)
    async with house.engine.configuration.change() as connection:
        await connection.execute(suspend)
    body = {"email": ADA, "password": PASSWORD}
    for browser, method, more, status in (
        (browsers[0], "POST", {"json": body}, 201), (browsers[1], "DELETE", {}, 204),
    ):  # fmt: skip
        assert_problem(await browser.call("GET", "/v1/session"), 403, "tenant_suspended")
        browser.csrf = ""
        foreign = await browser.call(
            method, "/v1/session", headers={"origin": "https://evil.example"}, **more
        )
        assert_problem(foreign, 403, "cross_site")
        answer = await browser.call(method, "/v1/session", **more)
        assert status == answer.status_code, answer.text
    assert {} == dict(browsers[1].client.cookies)
    assert 1 == await house.stage.value("select count(*) from session")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("192.168.0.9", ["198.51.100.1"], "192.168.0.9"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("::1", ["1.1.1.1, 198.51.100.1, 10.2.0.3"], "198.51.100.1"),
        ("::ffff:127.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        ("10.2.0.3", ["what"], "10.2.0.3"),
        ("2001:db8::1", [], "2001:db8::1"),
        ("socket", ["198.51.100.1"], "socket"),
    ],
)
def test_where_a_request_comes_from(peer: str, forwarded: list[str], address: str) -> None:
    """X-Forwarded-For is believed from trusted proxies alone; IPv4 in IPv6 is the IPv4 address."""
    trusted = (*LOOPBACK, ip_network("10.2.0.0/16"))
    app = SimpleNamespace(state=SimpleNamespace(context=SimpleNamespace(trusted_proxies=trusted)))
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    request = Request({"type": "http", "client": (peer, 1), "headers": headers, "app": app})
    assert address == address_of(request)


async def test_nobody_is_told_who_there_is(house: House) -> None:
    """Known or not: the same answer, and the same number of attempts."""
    await person(house, "admin", ADA)
    told = []
    for email in (ADA, "nobody@example.com"):
        body = {"email": email, "password": "wrong"}
        for attempt in range(3):
            if attempt == 2:
                await house.stage.execute("update sign_in_trial set failures = 20, last = now()")
            answer = (await Browser(house).call("POST", "/v1/session", json=body)).json()
            told.append((email, answer["code"], answer["title"]))
        await house.stage.execute("delete from sign_in_trial")
    known, unknown = told[: len(told) // 2], told[len(told) // 2 :]
    assert [row[1:] for row in known] == [row[1:] for row in unknown]


async def test_one_changes_oneself(house: House) -> None:
    """A new password needs the old one, and ends the other sessions, not this one."""
    ada = await person(house, "agent", ADA)
    here, there = Browser(house), Browser(house)
    for browser in (here, there):
        await browser.sign_in(email=ADA, password=PASSWORD)
    for current in (None, "wrong"):
        body = {
            "password": "another good one",
            **({"current_password": current} if current else {}),
        }
        answer = await here.call("PATCH", "/v1/session", json=body)
        assert ["/current_password"] == places(assert_problem(answer, 422, "invalid"))
    body = {"password": "another good one", "current_password": PASSWORD, "name": "Ada L."}
    assert "Ada L." == (await here.call("PATCH", "/v1/session", json=body)).json()["person"]["name"]
    assert 200 == (await here.call("GET", "/v1/session")).status_code
    assert 401 == (await there.call("GET", "/v1/session")).status_code
    assert ada == house.engine.configuration.snapshot.people[ada].id
    await Browser(house).sign_in(email=ADA, password="another good one")


async def test_nobody_has_anothers_address(house: House) -> None:
    """An address is one person's: whoever says it too is told so."""
    await person(house, "agent", ADA)
    body = {"token": await link(house), "email": ADA, "password": PASSWORD}
    answer = await Browser(house).call("POST", "/v1/session", json=body)
    assert ["/email"] == places(assert_problem(answer, 422, "invalid"))


async def test_sessions_are_listed_and_ended(house: House) -> None:
    """One's own; an admin and a key also those of the tenant, but for owners'."""
    agent, admin = await signed_in(house, "agent"), await signed_in(house, "admin")
    owner = await signed_in(house, "owner")
    own = (await agent.call("GET", "/v1/sessions")).json()["data"]
    assert [("agent1", True)] == [(row["name"], row["current"]) for row in own]
    rows = (await admin.call("GET", "/v1/sessions")).json()["data"]
    assert {"agent1", "admin1"} == {row["name"] for row in rows}
    assert {"agent1", "admin1"} == {
        row["name"] for row in (await house.get("/v1/sessions"))["data"]
    }
    assert 3 == len((await owner.call("GET", "/v1/sessions")).json()["data"])
    others = next(row["id"] for row in rows if row["name"] == "admin1")
    assert_problem(await agent.call("DELETE", f"/v1/sessions/{others}"), 404, "not_found")
    assert 204 == (await admin.call("DELETE", f"/v1/sessions/{own[0]['id']}")).status_code
    assert_problem(await agent.call("GET", "/v1/session"), 401, "unauthenticated")


async def test_a_session_ends_at_every_worker(house: House) -> None:
    """When the answer comes, no running worker takes the cookie any more."""
    other = house.stage.another_engine()
    await other.start()
    try:
        browser = await signed_in(house, "admin")
        assert 1 == len(other.configuration.snapshot.sessions)
        assert 204 == (await browser.call("DELETE", "/v1/session")).status_code
        assert {} == other.configuration.snapshot.sessions
    finally:
        await other.stop()


async def test_an_open_stream_ends_with_its_session(house: House) -> None:
    """Whoever is signed out reads no further, although the connection is there."""
    browser = await signed_in(house, "agent")
    cookie = f"ringback_session={browser.client.cookies['ringback_session']}"
    headers = {"cookie": cookie, "ringback-mode": "test", "accept": "text/event-stream"}
    async with (
        front_of(house) as front,
        front.client.stream("GET", "/v1/events", headers=headers) as response,
    ):
        stream = Stream(response)
        await stream.any()
        assert 204 == (await browser.call("DELETE", "/v1/session")).status_code
        async with asyncio.timeout(1):
            await stream.ended()


async def test_what_is_not_used_ends(house: House) -> None:
    """A session unused for 12 hours, or 30 days old, is swept, and so are links and attempts."""
    browser = await signed_in(house, "admin")
    kept = await signed_in(house, "agent")
    assert 0 == await house.engine.session_use.sweep()
    await house.stage.execute(
        "update session set last_used = now() - interval '13 hours' "
        "where id = (select min(id::text)::uuid from session)"
    )
    await link(house)
    await house.stage.execute("update sign_in_link set expires = now() - interval '1 s'")
    assert 1 == await house.engine.session_use.sweep()
    assert [401, 200] == [
        (await one.call("GET", "/v1/session")).status_code for one in (browser, kept)
    ]
    assert 0 == await house.stage.value("select count(*) from sign_in_link")
    await house.stage.execute("update session set last_used = now() - interval '2 hours'")
    await house.engine.session_use.flush()
    used = "select last_used > now() - interval '1 minute' from session"
    assert await house.stage.value(used)


async def test_hot_routes_take_keys_alone(house: House) -> None:
    """Publishing with a cookie is refused, and says what to send instead."""
    browser = await signed_in(house, "owner")
    answer = await browser.call("POST", "/v1/events", json={"type": "shop.paid", "data": {}})
    assert 401 == answer.status_code
    assert "send an API key" in answer.json()["detail"]


async def test_no_secret_of_a_session_is_kept(house: House) -> None:
    """Passwords, links and cookies are in no row of the database."""
    secret = await link(house)
    browser = Browser(house)
    await browser.sign_in(token=secret, email=ADA, password=PASSWORD)
    cookie = browser.client.cookies["ringback_session"]
    connection = await connect(house.stage.dsn)
    try:
        text = await dump(connection)
    finally:
        await connection.close()
    assert b"$argon2id$v=19$m=65536,t=3,p=1$" in text
    assert [] == leaked([secret, cookie, browser.csrf, PASSWORD], text)


async def test_an_operators_key_is_no_person(house: House) -> None:
    """What is for people alone says so."""
    body = {"name": "x"}
    answer = await house.call("PATCH", "/v1/session", key=OPERATOR_KEY, json=body)
    assert_problem(answer, 401, "unauthenticated")
