"""What the pages of providers are written with: tables in Markdown."""

YES = "✓"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Write a table; cells may hold any text."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(one) for one in line)} |\n" for line in lines)


def section(title: str, body: str, level: int = 2) -> str:
    """Write a section, or nothing where there is nothing to say."""
    return f"{'#' * level} {title}\n\n{body.strip()}\n" if body.strip() else ""


def code(text: str) -> str:
    """Write a word as it is typed."""
    return f"`{text}`"


def codes(texts: list[str]) -> str:
    """Write several words as they are typed."""
    return ", ".join(map(code, texts))


def mark(whether: object) -> str:
    """Write a yes, or nothing."""
    return YES if whether else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
