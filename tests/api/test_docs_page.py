"""The page at /docs: whole, from here alone, and exactly what was published of it."""

import hashlib
import re
from importlib.resources import files

from tests.api.house import House, assert_problem

FOLDER = files("ringback.api") / "docs_page"
OURS = ("index.html", "docs.css", "docs.js")


async def test_the_page_has_all_its_parts(house: House) -> None:
    """Everything that the page refers to is served, by a policy that lets nothing else in."""
    page = await house.call("GET", "/docs", key=None)
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    named = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert 6 <= len(named)
    for name in named:
        if name != "data:,":
            answer = await house.call("GET", f"/{name}", key=None)
            assert 200 == answer.status_code, name
            assert answer.headers["content-type"], name
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    for loose in ("unsafe", "*", "http"):
        assert loose not in policy


async def test_it_may_be_kept_and_is_looked_up_again(house: House) -> None:
    """Whoever has a file is told that it is as it was; there is nothing but the page."""
    path = "/docs/swagger-ui/swagger-ui-bundle.js"
    tag = (await house.call("GET", path, key=None)).headers["etag"]
    again = await house.call("GET", path, key=None, headers={"if-none-match": tag})
    assert (304, b"") == (again.status_code, again.content)
    for name in ("", "index.html", "swagger-ui/LICENSE", "%2e%2e/docs.py", "nothing"):
        answer = await house.call("GET", f"/docs/{name}", key=None)
        assert_problem(answer, 404, "no_such_route")


def test_nothing_of_ours_refers_elsewhere() -> None:
    """Our own files name no host."""
    for name in OURS:
        assert "//" not in (FOLDER / name).read_text().replace("// ", ""), name


def test_swagger_ui_is_as_it_was_published() -> None:
    """Each file that is not ours has the checksum of the published one, its licences beside it."""
    folder = FOLDER / "swagger-ui"
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = {name: checksum for checksum, name in lines}
    assert {"LICENSE", "NOTICE", "SHA256SUMS", *sums} == {one.name for one in folder.iterdir()}
    for name, expected in sums.items():
        assert expected == hashlib.sha256((folder / name).read_bytes()).hexdigest(), name
