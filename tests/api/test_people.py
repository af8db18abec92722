"""Inviting people and giving them roles: who may do it to whom, and what it ends."""

from typing import Any

import httpx
import pytest

from ringback.domain.roles import Role
from ringback.storage import people
from tests.api.house import (
    ACTING,
    KEY,
    LIVE_KEY,
    OPERATOR_KEY,
    House,
    Json,
    assert_problem,
    places,
)
from tests.api.people import PASSWORD, Browser, person, signed_in

ADA = {"email": "ada@example.com", "name": "Ada", "role": "developer"}


def token_of(link: str) -> str:
    """Return what is in a link."""
    base, _, token = link.partition("/panel/sign-in#token=")
    assert base == "http://127.0.0.1:8420"
    return token


async def invited(browser: Browser, **changes: Any) -> Json:
    """Invite somebody and return the answer."""
    answer = await browser.call("POST", "/v1/people", json={**ADA, **changes})
    assert 201 == answer.status_code, answer.text
    found: Json = answer.json()
    return found


async def test_somebody_is_invited_comes_and_goes(house: House) -> None:
    """By an admin: with a link, a first password, another role, and an end of every session."""
    admin = await signed_in(house, "admin")
    made = await invited(admin)
    assert (False, None) == (made["password_set"], made["last_seen_at"])
    ada = Browser(house)
    view = await ada.sign_in(token=token_of(made["link"]), password=PASSWORD)
    assert ("developer", made["id"]) == (view["role"], view["person"]["id"])
    path = f"/v1/people/{made['id']}"
    assert 200 == (await admin.call("PATCH", path, json={"role": "marketer"})).status_code
    assert "marketer" == (await ada.call("GET", "/v1/session")).json()["role"]
    rows = (await admin.call("GET", "/v1/people")).json()["data"]
    assert [("ada@example.com", "marketer", True), ("admin1@example.com", "admin", False)] == [
        (row["email"], row["role"], row["password_set"]) for row in rows
    ]
    assert rows[0] == (await admin.call("GET", "/v1/people/ADA@example.com")).json()
    assert {"keys": []} == (await admin.call("DELETE", path)).json()
    assert_problem(await ada.call("GET", "/v1/session"), 401, "unauthenticated")
    assert_problem(await admin.call("GET", path), 404, "not_found")
    log = (await admin.call("GET", "/v1/audit-log", params={"object": made["id"]})).json()["data"]
    assert [
        "person.removed", "person.changed", "person.signed_in", "person.password_set",
        "person.invited",
    ] == [row["action"] for row in log]  # fmt: skip
    admins = (await admin.call("GET", "/v1/session")).json()["person"]["id"]
    assert [admins, admins, made["id"], made["id"], admins] == [row["actor"] for row in log]


async def test_a_link_lets_in_who_is_locked_out(house: House) -> None:
    """It asks for a new password, ends what was open, and the old password is worth nothing."""
    admin = await signed_in(house, "admin")
    await person(house, "agent", "bo@example.com")
    bo = Browser(house)
    await bo.sign_in(email="bo@example.com", password=PASSWORD)
    answer = await admin.call("POST", "/v1/people/bo@example.com/reset")
    assert 200 == (await bo.call("GET", "/v1/session")).status_code
    fresh = Browser(house)
    await fresh.sign_in(token=token_of(answer.json()["link"]), password="quite another one")
    assert_problem(await bo.call("GET", "/v1/session"), 401, "unauthenticated")
    body = {"email": "bo@example.com", "password": PASSWORD}
    answer = await Browser(house).call("POST", "/v1/session", json=body)
    assert_problem(answer, 401, "wrong_credentials")


async def test_what_lies_beyond_a_tenant_is_for_owners(house: House) -> None:
    """An admin makes no owner, sees none, and resets nobody who works elsewhere, too."""
    admin, owner = await signed_in(house, "admin"), await signed_in(house, "owner")
    answer = await admin.call("POST", "/v1/people", json={**ADA, "role": "owner"})
    assert_problem(answer, 403, "not_yours")
    owners = (await owner.call("GET", "/v1/session")).json()["person"]["id"]
    for method in ("GET", "PATCH", "DELETE"):
        answer = await admin.call(method, f"/v1/people/{owners}", json={"name": "x"})
        assert_problem(answer, 404, "not_found")
    cy = await person(house, "developer", "cy@example.com")
    elsewhere = {"ringback-tenant": "other"}
    async with house.engine.configuration.change() as connection:
        await people.join(connection, cy, 2, "developer")
    for method, path, body in (
        ("POST", "/v1/people/cy@example.com/reset", None),
        ("PATCH", "/v1/people/cy@example.com", {"email": "mine@example.com"}),
    ):
        assert_problem(await admin.call(method, path, json=body), 403, "not_yours")
    assert 200 == (await admin.call("DELETE", "/v1/people/cy@example.com")).status_code
    left = (await owner.call("GET", "/v1/people/cy@example.com", headers=elsewhere)).json()
    assert "developer" == left["role"]
    assert_problem(await admin.call("GET", f"/v1/people/{left['id']}"), 404, "not_found")


async def test_an_owner_is_left(house: House) -> None:
    """The last one with a password neither goes nor becomes something else."""
    owner = await signed_in(house, "owner")
    me = (await owner.call("GET", "/v1/session")).json()["person"]["id"]
    for method, body in (("DELETE", None), ("PATCH", {"role": "admin"})):
        answer = await owner.call(method, f"/v1/people/{me}", json=body)
        assert_problem(answer, 409, "not_now")
    await person(house, "owner", "second@example.com")
    changed = await owner.call("PATCH", f"/v1/people/{me}", json={"role": "admin"})
    assert (200, "admin") == (changed.status_code, changed.json()["role"])
    assert "admin" == (await owner.call("GET", "/v1/session")).json()["role"]


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [(LIVE_KEY, {}, 201), (OPERATOR_KEY, ACTING, 201), (KEY, {}, 403)],
)
async def test_keys_invite_people(
    house: House, key: str, headers: dict[str, str], status: int
) -> None:
    """A live key and an operator's do; a test key does not, since people work in both modes."""
    answer = await house.call("POST", "/v1/people", key=key, headers=headers, json=ADA)
    assert status == answer.status_code, answer.text
    if status == 201:
        made = await Browser(house).sign_in(
            token=token_of(answer.json()["link"]), password=PASSWORD
        )
        assert ("Other" if headers else "Default") == made["tenant"]["name"]
        owner = {**ADA, "email": "o@example.com", "role": "owner"}
        answer = await house.call("POST", "/v1/people", key=key, headers=headers, json=owner)
        assert (201 if headers else 403) == answer.status_code


async def test_what_is_wrong_is_said_with_its_place(house: House) -> None:
    """An address that is none, a role that there is not, somebody who is here already."""
    admin = await signed_in(house, "admin")
    await invited(admin)
    for change, place in (
        ({"email": "no address"}, "/email"), ({"name": "\x01"}, "/name"),
        ({"role": "king"}, "/role"), ({}, "/email"),
    ):  # fmt: skip
        answer = await admin.call("POST", "/v1/people", json={**ADA, **change})
        assert (422, [place]) == (answer.status_code, places(answer.json())), change


@pytest.mark.parametrize("role", ["developer", "marketer", "agent", "read_only"])
async def test_others_manage_nobody(house: House, role: Role) -> None:
    """Every operation on people but reading is refused, and their keys can do no more."""
    browser = await signed_in(house, role)
    for method, path in (
        ("POST", "/v1/people"), ("PATCH", "/v1/people/x"), ("DELETE", "/v1/people/x"),
        ("POST", "/v1/people/x/reset"),
    ):  # fmt: skip
        answer: httpx.Response = await browser.call(method, path, json={})
        assert_problem(answer, 403, "scope_missing")
    if role == "developer":
        made = (await browser.call("POST", "/v1/api-keys", json={"name": "k"})).json()
        assert "people:write" not in made["scopes"]


async def test_keys_of_who_is_removed_are_told(house: House) -> None:
    """Those in force that they made, in both modes; they go on, as programs use them."""
    owner, admin = await signed_in(house, "owner"), await signed_in(house, "admin")
    made = {}
    for name, mode in (("shop", "live"), ("till", "test"), ("old", "test")):
        answer = await admin.call(
            "POST", "/v1/api-keys", json={"name": name}, headers={"ringback-mode": mode}
        )
        made[name] = answer.json()
    await owner.call("POST", "/v1/api-keys", json={"name": "another's"})
    await admin.call("DELETE", f"/v1/api-keys/{made['old']['id']}")
    answer = await owner.call("DELETE", "/v1/people/admin1@example.com")
    assert [("shop", "live"), ("till", "test")] == [
        (one["name"], one["kind"]) for one in answer.json()["keys"]
    ]
    assert 200 == (await house.call("GET", "/v1/people", key=made["shop"]["key"])).status_code
