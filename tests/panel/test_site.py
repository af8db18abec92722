"""The panel's files: served whole and under a strict policy, ours tidy, others' as published."""

import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from ringback.panel import pages
from scripts.vendor_panel import as_published

SITE = Path(str(files("ringback.panel") / "site"))
OURS = sorted(
    one
    for one in SITE.rglob("*")
    if one.suffix in {".js", ".css", ".html"} and one.parent.name != "vendor"
)
LINES_MAX = 500
# Every word of the panel stands here: it is as long as there is to say.
_WORDS = SITE / "strings.js"
_IMPORT = re.compile(r"""^(?:import|export|\}).*?\sfrom "([^"]+)";$""", re.MULTILINE)
_TEXT = re.compile(r">[^<>{}$`]*[A-Za-z]{3,}[^<>{}$`]*<")


def _templates(text: str) -> Iterator[str]:
    """Go through the markup of a module, with what is computed left out."""
    for template in re.findall(r"html`((?:[^`\\]|\\.)*)`", text):
        yield re.sub(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", "", template)


async def get(path: str, **headers: str) -> httpx.Response:
    """Ask for a file of the panel."""
    app = FastAPI()
    app.include_router(pages.router)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://panel.example"
    ) as client:
        return await client.get(path, headers=names)


async def test_every_screen_is_the_page() -> None:
    """An address of a screen gives the page; a file gives itself; a missing file is missing."""
    for path in ("/panel", "/panel/messages", "/panel/messages/msg_1", "/panel/a.b/c"):
        page = await get(path)
        kind = page.headers["content-type"]
        assert (200, "text/html; charset=utf-8") == (page.status_code, kind)
    script = await get("/panel/main.js")
    assert "text/javascript; charset=utf-8" == script.headers["content-type"]
    assert 404 == (await get("/panel/nothing.js")).status_code
    assert 404 == (await get("/panel/%2e%2e/pages.js")).status_code
    assert "/panel" == (await get("/")).headers["location"]


async def test_the_policy_lets_nothing_else_in() -> None:
    """Nothing is loaded from elsewhere, nothing inline is run, nobody may frame the panel."""
    page = await get("/panel")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    for loose in ("unsafe", "*", "http", "data:"):
        assert loose not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in page.text
    assert " style=" not in page.text
    tag = page.headers["etag"]
    again = await get("/panel", if_none_match=tag)
    assert (304, b"") == (again.status_code, again.content)


async def test_the_page_has_all_its_parts() -> None:
    """Everything that the page refers to is there."""
    page = (await get("/panel")).text
    named = re.findall(r'(?:src|href)="(/panel/[^"]+)"', page)
    assert 10 <= len(named)
    for name in named:
        assert 200 == (await get(name)).status_code, name


@pytest.mark.parametrize("file", OURS, ids=lambda one: one.relative_to(SITE).as_posix())
def test_ours_are_tidy(file: Path) -> None:
    """Modules say what they are, are not too long, import what is there, and name no host."""
    text = file.read_text(encoding="utf-8")
    if file != _WORDS:
        assert len(text.splitlines()) <= LINES_MAX
    assert "http://" not in text
    assert "https://" not in text.replace("https://example.com", "")
    assert "\t" not in text
    assert "innerHTML" not in text
    assert "dangerouslySetInnerHTML" not in text
    if file.suffix != ".js":
        return
    assert text.startswith(("/**", "//")), "it does not say what it is"
    for name in _IMPORT.findall(text):
        assert name.startswith("."), name
        assert (file.parent / name).resolve().is_file(), name


@pytest.mark.parametrize("folder", ["screens", "parts", "shell"])
def test_words_stand_in_one_file(folder: str) -> None:
    """Markup has no words of its own: they are all in strings.js."""
    found = [
        (file.name, words)
        for file in (SITE / folder).glob("*.js")
        for template in _templates(file.read_text(encoding="utf-8"))
        for words in _TEXT.findall(template)
        if words.strip("><").strip() not in {"Ctrl K", "Ringback", "ringback people link"}
    ]
    assert [] == found


def test_what_is_not_ours_is_as_it_was_published() -> None:
    """Libraries and fonts differ from what was published in how modules are named, and only so."""
    for room in ("vendor", "fonts"):
        folder = SITE / room
        lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
        sums = {name: digest for digest, name, _ in lines}
        assert {"SHA256SUMS", *sums} == {one.name for one in folder.iterdir()}
        for name, expected in sums.items():
            published = as_published((folder / name).read_bytes())
            assert expected == hashlib.sha256(published).hexdigest(), name
        licensed = {one.split(".")[0] for one in sums if one.endswith(".LICENSE")}
        for name in sums:
            assert any(name.startswith(one) for one in licensed), f"{name} has no licence"


def test_every_file_of_the_site_is_served_or_explains_one() -> None:
    """Nothing lies in the folder that a browser cannot have, but licences and checksums."""
    served = set(pages.site())
    for one in SITE.rglob("*"):
        if one.is_file() and one.suffix != ".LICENSE" and one.name != "SHA256SUMS":
            assert one.relative_to(SITE).as_posix() in served, one
