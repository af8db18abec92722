"""Files of messages by the API: what is known of each, and the file by its link."""

import hashlib
from typing import Any

from ringback.api.shown import example
from ringback.domain.ids import read
from ringback.domain.media import LINK_S, link
from tests.api.house import ACTING, LIVE_KEY, OPERATOR_KEY, OTHER_KEY, House
from tests.api.people import Browser, person
from tests.services.stage import BASE_URL
from tests.services.test_media import PICTURE, answer, arrive, settled
from tests.transport.receivers import receiving


async def _kept(house: House) -> dict[str, Any]:
    """Let a message with a picture arrive; return the file's view."""
    async with receiving() as provider:
        provider.reply = answer(200, PICTURE, "Content-Type: image/png")
        (entry,) = await arrive(house.stage, provider.url("/door.png"))
        await settled(house.stage, entry["file"], 2)
    return {**entry, **(await house.get(f"/v1/media/{entry['file']}"))}


async def test_a_file_by_its_link(house: House) -> None:
    """Whoever has the link has the file, as what it is, apart from everything of ours."""
    found = await _kept(house)
    assert (
        "kept",
        "image/png",
        len(PICTURE),
        hashlib.sha256(PICTURE).hexdigest(),
        0,
        None,
    ) == tuple(
        found[name] for name in ("state", "content_type", "size", "sha256", "place", "error")
    )
    for given in (found["link"], (await house.get(f"/v1/media/{found['id']}"))["link"]):
        got = await house.client.get(given.removeprefix(BASE_URL))
        assert (200, PICTURE, "image/png") == (
            got.status_code, got.content, got.headers["content-type"],
        )  # fmt: skip
        assert "nosniff" == got.headers["x-content-type-options"]
        assert got.headers["content-security-policy"].startswith("sandbox")
        assert got.headers["content-disposition"].startswith("inline")
    head = await house.client.head(found["link"].removeprefix(BASE_URL))
    assert (200, str(len(PICTURE)), b"") == (
        head.status_code, head.headers["content-length"], head.content,
    )  # fmt: skip


async def test_a_link_that_is_not_good_says_why(house: House) -> None:
    """Invented, over, pending, given up, gone: each its own problem; a key helps none of them."""
    found = await _kept(house)
    file = read("med", found["id"])
    assert file is not None
    secret = house.engine.configuration.snapshot.hash_key
    now_s = house.engine.clock.now_ms() // 1000

    async def problem(path: str) -> tuple[int, str]:
        answered = await house.client.get(path)
        assert answered.headers["content-type"] == "application/problem+json"
        return answered.status_code, answered.json()["code"]

    good = link("", secret, file, now_s + 60)
    assert (404, "not_found") == await problem(good[:-1] + "~")
    assert (410, "link_expired") == await problem(link("", secret, file, now_s - 1))
    await house.stage.execute("update media set state = 1")
    assert (503, "media_pending") == await problem(good)
    await house.stage.execute("update media set state = 3, error = 'The provider answered 404.'")
    assert (410, "link_expired") == await problem(good)
    await house.stage.execute("update media set state = 2")
    await house.engine.store.delete(file)
    assert (410, "link_expired") == await problem(good)


async def test_a_file_is_its_tenants(house: House) -> None:
    """Nobody else's key, and none of the other mode, sees it."""
    found = await _kept(house)
    path = f"/v1/media/{found['id']}"
    for key, more in ((OTHER_KEY, {}), (LIVE_KEY, {}), (OPERATOR_KEY, ACTING)):
        assert 404 == (await house.call("GET", path, key=key, headers=more)).status_code
    assert 404 == (await house.call("GET", f"/v1/media/{example('med')}")).status_code


async def test_no_link_for_whom_texts_are_masked(house: House) -> None:
    """What a person sent is no less theirs than what they wrote."""
    found = await _kept(house)
    await person(house, "marketer", "m@shop.example")
    browser = Browser(house)
    await browser.sign_in(email="m@shop.example", password="correct horse battery")
    headers = {"ringback-mode": "test"}
    seen = (await browser.call("GET", f"/v1/media/{found['id']}", headers=headers)).json()
    assert (found["id"], "kept", None) == (seen["id"], seen["state"], seen["link"])
    event = (await browser.call("GET", f"/v1/messages/{found['message']}", headers=headers)).text
    assert "/media/" not in event


async def test_the_link_is_good_for_seven_days(house: House) -> None:
    """Counted from when it was made."""
    found = await _kept(house)
    until_s = int(found["link"].split(".")[-2])
    assert abs(until_s - LINK_S - house.engine.clock.now_ms() // 1000) <= 5
