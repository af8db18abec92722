"""Every named query: it runs on both versions, it is used, and it never scans a hot table whole."""

import json
import re
from pathlib import Path
from typing import Any

import asyncpg

import ringback
from ringback.storage.database import Connection
from ringback.storage.hot import (
    CommitRows,
    Finished,
    Owned,
    claim,
    commit_batch,
    finish_batch,
    read_subjects,
)
from ringback.storage.queries import queries, query_files
from tests.storage.rows import Maker

SOURCE = Path(ringback.__file__).parent
NAMES = [f"{file}.{name}" for file in query_files() for name in queries(file)]
HOT_TABLES = (
    "subject", "subject_key", "fact", "search_key", "once_key", "callback", "event", "attempt",
    "delivery",
)  # fmt: skip
# Statements that look at everything on purpose, and why that is cheap.
WHOLE: dict[str, set[str]] = {}
# With nulls for parameters these break a rule of their table; they run for real in other tests.
REFUSES_NULLS = {
    "configuration.add_tenant", "configuration.add_key", "configuration.add_connection",
    "configuration.add_endpoint", "audit.add", "workers.register", "migrate.write_log",
    "tenants.put", "idempotency.claim", "event_types.put", "event_types.keep_schema",
    "people.add", "people.add_link", "people.add_session", "people.try", "people.join",
    "rollups.fold_ids", "rollups.fold_messages",
}  # fmt: skip


def _text(name: str) -> str:
    file, _, query = name.partition(".")
    return queries(file)[query]


async def _arguments(connection: Connection, name: str) -> list[None]:
    statement = await connection.prepare(_text(name))
    return [None] * len(statement.get_parameters())


async def test_every_query_runs(hot: Connection) -> None:
    """The server parses, plans and executes each, with nulls, in transactions taken back."""
    refused = set()
    for name in NAMES:
        arguments = await _arguments(hot, name)
        transaction = hot.transaction()
        await transaction.start()
        try:
            await hot.fetch(_text(name), *arguments)
        except asyncpg.NotNullViolationError:
            refused.add(name)
        finally:
            await transaction.rollback()
    assert refused == REFUSES_NULLS


async def test_no_query_scans_a_hot_table(hot: Connection) -> None:
    """With sequential scans discouraged, a plan that still has one has no index to go by."""
    scanned = {}
    for name in NAMES:
        text = _text(name)
        if not text.lstrip().lower().startswith(("select", "insert", "update", "delete", "with")):
            continue
        tables = await _scanned(hot, text, len(await _arguments(hot, name)))
        if tables:
            scanned[name] = tables
    assert scanned == WHOLE


async def test_a_missing_index_is_noticed(hot: Connection) -> None:
    """The test above can fail: without its index, the same query scans."""
    await hot.execute("alter table subject_key drop constraint subject_key_pkey cascade")
    assert await _scanned(hot, _text("subjects.read"), 3) != set()


async def _scanned(connection: Connection, text: str, parameters: int) -> set[str]:
    """Return the hot tables that a plan reads whole: without an index, or all along one."""
    await connection.execute(f"prepare explained as {text}")
    values = f"({', '.join(['null'] * parameters)})" if parameters else ""
    plan = await connection.fetchval(f"explain (costs off, format json) execute explained{values}")
    await connection.execute("deallocate explained")
    found: set[str] = set()
    _walk(json.loads(plan)[0]["Plan"], found, limited=False)
    return found & set(HOT_TABLES)


def _walk(node: dict[str, Any], found: set[str], *, limited: bool) -> None:
    kind = node["Node Type"]
    # A limit right above an index in the order wanted reads no more than it returns.
    limited = limited or kind == "Limit"
    whole = kind == "Seq Scan" or (
        kind.startswith("Index") and "Index Cond" not in node and not limited
    )
    if whole and "Relation Name" in node:
        found.add(re.sub(r"_[0-9]+$", "", node["Relation Name"]))
    for child in node.get("Plans", ()):
        _walk(child, found, limited=limited and kind in {"Limit", "LockRows", "Append"})


def test_every_query_is_used() -> None:
    """A query that nobody calls is dead text."""
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    assert [name for name in NAMES if f'"{name}"' not in source] == []


async def test_the_hot_functions_do_not_scan_hot_tables(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """Commit, read, finish and claim go by indexes alone, counted by the server itself."""
    for _ in range(50):
        await commit_batch(hot, worker, maker.story(maker.ids.next()))
    await hot.execute("analyze")
    before = await _scans(hot)
    subject = maker.ids.next()
    rows = CommitRows()
    place = maker.subject(rows, subject)
    maker.key(rows, maker.ids.next(), place)
    maker.callback(rows, place)
    rows.search.append((place, 3, "x"))
    rows.facts.append((place, 5))
    rows.once.append((maker.ids.next(), 1, 2))
    maker.delivery(rows, maker.event(rows, place), subject)
    done = await commit_batch(hot, worker, rows)
    await read_subjects(hot, [maker.ids.next()])
    owned = Owned(subject, 1, done.base + 1, maker.ids.next(), 0)
    result = Finished(*owned[:3], maker.ids.next(), 500, None, 1, 0, 0, b"{}", b"")
    await finish_batch(hot, worker, [result])
    assert len(await claim(hot, worker, {1: 5})) == 1
    assert before == await _scans(hot)


async def _scans(connection: Connection) -> dict[str, int]:
    await connection.execute("select pg_stat_force_next_flush()")
    await connection.execute("select pg_stat_clear_snapshot()")
    rows = await connection.fetch(
        "select relname, seq_scan from pg_stat_user_tables "
        "where regexp_replace(relname, '_[0-9]+$', '') = any($1)",
        list(HOT_TABLES),
    )
    return {row["relname"]: row["seq_scan"] for row in rows}
