"""Arrays of parameters arrive as they were sent, and what is no array is refused as ever."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from types import ModuleType

import asyncpg
import pytest

from ringback.storage.arrays import look_at_concrete_classes
from ringback.storage.database import connect
from ringback.storage.uuids import quick

_NOW = datetime(2026, 3, 2, 15, 1, 22, 646000, UTC)
_ARRAYS: dict[str, Sequence[object]] = {
    "int": [1, -2, None],
    "smallint": (1, 2),
    "bigint": [2**62],
    "uuid": [uuid.UUID(int=7), None],
    "text": ["", "a,b", 'with "quotes"', "{x}", None],
    "bytea": [b"", b"\x00\xff", None],
    "timestamptz": [_NOW],
    "float8": [0.1],
    "bool": [True, False],
}


@pytest.mark.parametrize("name", _ARRAYS)
async def test_arrays_arrive_as_sent(dsn: str, name: str) -> None:
    """Every type that the hot statements send, empty ones and nulls included."""
    connection = await connect(dsn, hot=True)
    try:
        for sent in (_ARRAYS[name], []):
            assert list(sent) == await connection.fetchval(f"select $1::{name}[]", sent)
    finally:
        await connection.close()


async def test_quick_ids_are_ids(dsn: str) -> None:
    """They equal the standard library's, hash and read alike, and arrive as sent."""
    plain = uuid.UUID(int=0x0191_0000_0000_7000_8000_0000_0000_00FF)
    made = quick(plain.bytes)
    assert isinstance(made, uuid.UUID)
    assert (plain, hash(plain), plain.int, plain.bytes, str(plain)) == (
        made, hash(made), made.int, made.bytes, str(made),
    )  # fmt: skip
    assert {plain: 1} == {made: 1}
    assert sorted([made, uuid.UUID(int=1)]) == [uuid.UUID(int=1), plain]
    connection = await connect(dsn, hot=True)
    try:
        assert [plain, None] == await connection.fetchval("select $1::uuid[]", [made, None])
    finally:
        await connection.close()


async def test_nested_arrays_and_what_is_none(dsn: str) -> None:
    """A list of lists is an array of two dimensions; a text or a ragged list is none."""
    connection = await connect(dsn)
    try:
        nested = [[1, 2], [3, 4]]
        assert nested == await connection.fetchval("select $1::int[]", nested)
        for wrong in ("12", [[1], [2, 3]], [[1], 2]):
            with pytest.raises(asyncpg.DataError):
                await connection.fetchval("select $1::int[]", wrong)
    finally:
        await connection.close()


def test_this_asyncpg_is_looked_into() -> None:
    """The version that we run on has the names; another one without them is left alone."""
    assert look_at_concrete_classes()
    assert not look_at_concrete_classes(ModuleType("another"))
