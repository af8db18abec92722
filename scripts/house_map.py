"""Write the map of the house in ARCHITECTURE.md anew: `python scripts/house_map.py`.

The map is every module with the first line of its docstring, floor by floor. So a line that says
too little is mended in the module, not here.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- map: scripts/house_map.py -->\n```\n", "```\n<!-- end of map -->"
# From the roof to the ground.
ROOMS = (
    "worker.py", "serving.py", "app.py", "api", "panel", "cli", "client", "services",
    "services/doctor", "services/demo", "services/embedded", "log.py", "settings.py",
    "transport", "providers", "providers/presets", "storage", "domain", "errors.py",
)  # fmt: skip
_WIDTH = 22


def draw(package: Path) -> str:
    """Return the map of a package directory, as text that ends with a line end."""
    lines: list[str] = []
    for room in ROOMS:
        path = package / room
        if path.is_dir():
            title = _first_line(path / "__init__.py")
            lines += ["", f"{room + '/':<{_WIDTH}} {title}"]
            modules = sorted(one for one in path.glob("*.py") if one.name != "__init__.py")
            lines += [f"  {one.name:<{_WIDTH - 2}} {_first_line(one)}" for one in modules]
        elif path.exists():
            lines += ["", f"{room:<{_WIDTH}} {_first_line(path)}"]
    return "\n".join(lines[1:]) + "\n"


def _first_line(path: Path) -> str:
    described = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return described.partition("\n")[0]


def renewed(page: str, drawing: str) -> str:
    """Return the page with its map replaced. Raises ValueError when it has no place for one."""
    begin = page.index(BEGIN) + len(BEGIN)
    return page[:begin] + drawing + page[page.index(END, begin) :]


def main() -> None:
    """Replace the map in the page."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(renewed(page, draw(ROOT / "src" / "ringback")), encoding="utf-8")


if __name__ == "__main__":
    main()
