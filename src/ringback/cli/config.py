"""`ringback config show`: the settings in force, where each comes from, and what means nothing.

After them, which installation commands ask, and with which key.
"""

import json
import sys

from rich.console import Console
from rich.table import Table

from ringback.cli.options import Chosen
from ringback.cli.session import Session
from ringback.errors import RingbackError
from ringback.services.embedded.server import default_data_dir
from ringback.settings import HIDDEN, PREFIX, Effective, Settings, effective, unknown


def show(output: str, chosen: Chosen) -> int:
    """Print the settings, and which installation commands ask; return 1 when one is wrong."""
    rows = [(row, _meaning(row)) for row in effective()]
    place = Session(chosen).place
    asked = {
        "url": place.url,
        # As much as the API itself shows of a key.
        "api_key": f"{HIDDEN}{place.api_key[-4:]}" if place.api_key else None,
        "tenant": place.tenant, "mode": place.mode, "source": place.source,
    }  # fmt: skip
    if output == "json":
        fields = [
            {
                "variable": row.variable, "value": row.value, "source": row.source,
                "fault": row.fault, "meaning": meaning,
            }
            for row, meaning in rows
        ]  # fmt: skip
        whole = {"settings": fields, "warnings": unknown(), "commands": asked}
        print(json.dumps(whole, ensure_ascii=False, indent=2))
    else:
        _table(rows)
        key = asked["api_key"] or "no key"
        print(f"\nCommands ask {place.url} with {key} ({place.source}).")
    for warning in unknown():
        print(f"warning: {warning}", file=sys.stderr)
    faults = [row for row, _ in rows if row.fault]
    for row in faults:
        print(f"error: {row.variable}: {row.fault}", file=sys.stderr)
    return 1 if faults else 0


def _table(rows: list[tuple[Effective, str | None]]) -> None:
    out = Console(highlight=False, emoji=False, markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("SETTING", "VALUE", "SOURCE"):
        table.add_column(heading, overflow="fold")
    for row, meaning in rows:
        value = row.value if row.value is not None else f"({meaning})" if meaning else "-"
        table.add_row(row.variable, value, "wrong" if row.fault else row.source)
    if not out.is_terminal:
        out.width = 10_000
    out.print(table)


def _meaning(row: Effective) -> str | None:
    """Say what it means that a setting is not set."""
    if row.value is not None:
        return None
    name = row.variable.removeprefix(PREFIX)
    if name == "DATABASE_URL":
        return "the embedded PostgreSQL of `ringback up`"
    if name == "SECRET_KEY":
        return "made at the first start, kept in the data directory"
    try:
        if name == "DATA_DIR":
            return str(default_data_dir())
        if name == "PUBLIC_URL":
            return f"{Settings().base_url}, where it listens"
    except (RingbackError, ValueError):
        return None
    return None
