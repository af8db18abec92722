"""Named queries: every SQL statement lives in a `.sql` file under a `-- name:` line.

Not a query builder: the text in the file is the text that runs.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_MARK = "-- name: "


def sql_folder() -> Traversable:
    """Return the folder that holds the named queries and the hot functions."""
    return files("ringback.storage") / "sql"


@cache
def queries(file: str) -> dict[str, str]:
    """Return the queries of `sql/<file>.sql` by name.

    Raises:
        ValueError: two queries of the file share a name.

    """
    text = (sql_folder() / f"{file}.sql").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for part in text.split(_MARK)[1:]:
        name, _, body = part.partition("\n")
        if name.strip() in found:
            raise ValueError(f"sql/{file}.sql has two queries named {name.strip()}")
        found[name.strip()] = body.strip()
    return found


def query(qualified: str) -> str:
    """Return one query by `file.name`; KeyError when there is none."""
    file, _, name = qualified.partition(".")
    return queries(file)[name]


@cache
def query_files() -> tuple[str, ...]:
    """Return the names of all files of named queries."""
    entries = (entry.name for entry in sql_folder().iterdir() if entry.name.endswith(".sql"))
    return tuple(sorted(name.removesuffix(".sql") for name in entries))
