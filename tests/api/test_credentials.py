"""Trying a connection's credentials by the API: a real request, through the guard."""

from typing import Any

from tests.api.house import House
from tests.transport.receivers import receiving


async def _made(house: House, provider: str, config: dict[str, Any]) -> str:
    body = {"provider": provider, "name": "Trial", "config": config}
    found: str = (await house.post("/v1/connections", body))["id"]
    return found


async def test_credentials_are_tried_at_the_provider(house: House) -> None:
    """A partner's host here: the token goes along, and its answer is the verdict."""
    async with receiving() as partner:
        config = {
            "app_secret": "not-a-real-app-secret", "verify_token": "not-a-real-verify-token",
            "access_token": "not-a-real-access-token", "phone_number_id": "106540352242922",
            "base_url": partner.url("/v1").replace("http://", "https://"),
        }  # fmt: skip
        one = await _made(house, "whatsapp", config)
        told = await house.post(f"/v1/connections/{one}/check", {}, status=200)
    assert told["ok"] is False
    assert told["detail"].startswith("It could not be asked: tls: ")


async def test_what_cannot_be_tried_says_so(house: House) -> None:
    """No credentials, and providers that cannot be asked."""
    for token in ("demo-whatsapp", "demo-simulator"):
        named = house.stage.connection(token)
        rows = (await house.get("/v1/connections"))["data"]
        one = next(row["id"] for row in rows if row["callback_url"].endswith(named.token))
        told = await house.post(f"/v1/connections/{one}/check", {}, status=200)
        assert told["ok"] is None
        assert told["detail"].startswith("The connection has no credentials")
    answer = await house.call("POST", "/v1/connections/con_00000000000000000000000000/check")
    assert 404 == answer.status_code
