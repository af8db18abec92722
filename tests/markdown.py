"""What the docs tests need of Markdown: links, headings, tables and blocks of code.

As much as our own pages use, not a parser of everything.
"""

import re
from functools import cached_property

from tests.source import Source, texts

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


class Page:
    """One Markdown file."""

    def __init__(self, source: Source) -> None:
        """Take the file."""
        self.path = source.path
        self.text = source.text

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _FENCE.sub("", self.text)

    @cached_property
    def links(self) -> list[str]:
        """Where the page links to, as written."""
        return [link for link in _LINK.findall(self.prose) if not link.startswith("<")]

    @cached_property
    def headings(self) -> list[str]:
        """The headings of all levels, without their marks."""
        lines = self.prose.splitlines()
        return [line.lstrip("#").strip() for line in lines if re.match(r"#{1,6} ", line)]

    @cached_property
    def anchors(self) -> set[str]:
        """The fragments that links may point to."""
        return {_slug(heading) for heading in self.headings}

    def blocks(self, language: str) -> list[str]:
        """Return the blocks of code in a language, without their last line end."""
        return [body.rstrip("\n") for name, body in _FENCE.findall(self.text) if name == language]

    def tables(self) -> list[list[list[str]]]:
        """Return the tables as rows of cells; the first row is the head."""
        found: list[list[list[str]]] = []
        before = ""
        for line in self.prose.splitlines():
            if line.startswith("|"):
                if not before.startswith("|"):
                    found.append([])
                found[-1].append([cell.strip() for cell in line.strip().strip("|").split("|")])
            before = line
        return [[rows[0], *rows[2:]] for rows in found]

    def table(self, first_head: str) -> list[list[str]]:
        """Return the rows of all tables whose first column has this head, heads left out.

        Raises LookupError when there is none.
        """
        rows = [row for table in self.tables() if table[0][0] == first_head for row in table[1:]]
        if not rows:
            raise LookupError(f"{self.path} has no table that begins with {first_head!r}")
        return rows


def _slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")


def codes(text: str) -> list[str]:
    """Return what stands between single backquotes."""
    return _CODE.findall(text)


def plain(cell: str) -> str:
    """Return a table's cell without backquotes."""
    return cell.replace("`", "")


def pages() -> dict[str, Page]:
    """Return all Markdown files by their path."""
    return {one.path: Page(one) for one in texts() if one.path.endswith(".md")}
