"""A browser of somebody who is signed in, for tests: its cookie, its origin, its CSRF token."""

import uuid
from typing import Any

import httpx

from ringback.domain.roles import Role
from ringback.services.sign_in import new_link
from ringback.storage import people
from tests.api.house import House, Json

ORIGIN = "http://api.test"
PASSWORD = "correct horse battery"


class Browser:
    """One browser at a house. Its client keeps cookies as browsers do."""

    def __init__(self, house: House) -> None:
        """Begin without a cookie."""
        self.client = house.client_of(house.app)
        self.csrf = ""
        self.headers = {"origin": ORIGIN}

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Make one request as the panel makes it."""
        headers = {**self.headers, **({"x-ringback-csrf": self.csrf} if self.csrf else {})}
        headers |= more.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **more)

    async def sign_in(self, **body: Any) -> Json:
        """Sign in and keep the CSRF token."""
        answer = await self.call("POST", "/v1/session", json=body)
        assert 201 == answer.status_code, answer.text
        found: Json = answer.json()
        self.csrf = found["csrf"]
        return found


async def link(house: House, person: uuid.UUID | None = None, purpose: Any = "first_run") -> str:
    """Make a link and return its token."""
    async with house.engine.database.acquire() as connection, connection.transaction():
        return await new_link(connection, purpose, person)


async def person(
    house: House, role: Role, email: str, *, tenant: int = 1, password: str | None = PASSWORD
) -> uuid.UUID:
    """Add somebody with a role."""
    id_: uuid.UUID = house.new_id()
    hashed = None if password is None else await house.engine.passwords.hashed(password)
    async with house.engine.configuration.change() as connection:
        await people.add(connection, id_, email, email.partition("@")[0], owner=role == "owner")
        if hashed is not None:
            await people.change(connection, id_, people.Change(password=hashed))
        if role != "owner":
            await people.join(connection, id_, tenant, role)
    return id_


async def signed_in(house: House, role: Role, *, tenant: int = 1) -> Browser:
    """Return the browser of somebody new who has a role, signed in by a link, in test mode."""
    who = await person(house, role, f"{role}{tenant}@example.com", tenant=tenant, password=None)
    browser = Browser(house)
    secret = await link(house, who, "first_run")
    await browser.sign_in(token=secret)
    browser.headers["ringback-mode"] = "test"
    return browser
