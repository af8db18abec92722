"""What errors of the database mean: only an item's own data may cost it its meaning."""

import inspect

import asyncpg
import pytest

from ringback.errors import DatabaseUnavailable, Unstorable
from ringback.storage.faults import FaultKind, fault_kind, unfit

KINDS: dict[FaultKind, str] = {
    "gone": "08000 08003 08006 08P01 40003 53000 53100 53200 53300 57P01 57P02 57P03 58000 58030",
    "again": "40000 40001 40002 40P01 55P03 57014",
    "shut": "0A000 0B000 0L000 0P000 20000 24000 25000 25001 25006 25P01 25P02 25P03 26000 28000 "
    "28P01 2D000 34000 3B000 3D000 3F000 42501 42601 42703 42883 42P01 42P05 55000 55006 55P02 "
    "57000 72000 F0000 HV000 ZZ999 99999",
    "unclear": "38000 39000 P0000 P0001 XX000 XX001 XX002",
    "poison": "21000 22000 22001 22003 22021 22P02 22P05 23502 23503 23505 23514 54000 54001",
}  # fmt: skip
TABLE = [(code, kind) for kind, codes in KINDS.items() for code in codes.split()]
DATA = ("21", "22", "23", "54")


def _error(code: str) -> asyncpg.PostgresError:
    """Make the error that the driver raises for a code."""
    error = asyncpg.PostgresError.new({"C": code, "M": "no", "S": "ERROR"})
    assert isinstance(error, asyncpg.PostgresError)
    return error


@pytest.mark.parametrize(("code", "kind"), TABLE)
def test_codes_have_their_kinds(code: str, kind: FaultKind) -> None:
    """Each of the table, as the driver raises it."""
    assert kind == fault_kind(_error(code))


def test_only_data_is_poison() -> None:
    """Of everything that the driver knows, and of what it does not know."""
    known = {
        kind.sqlstate
        for _, kind in inspect.getmembers(asyncpg, inspect.isclass)
        if issubclass(kind, asyncpg.PostgresError) and kind.sqlstate
    }
    assert len(known) > 200
    poison = {code for code in known if fault_kind(_error(code)) == "poison"}
    assert poison == {code for code in known if code.startswith(DATA)}


def test_errors_without_a_code() -> None:
    """A broken connection is the server's; what our own code raises is the item's."""
    gone = (ConnectionResetError(), TimeoutError(), asyncpg.InterfaceError("closed"))
    assert {"gone"} == {fault_kind(error) for error in (*gone, DatabaseUnavailable("away"))}
    assert {"poison"} == {fault_kind(error) for error in (ValueError(), KeyError("x"))}
    assert "poison" == fault_kind(Unstorable("alone in its commit"))
    assert "shut" == fault_kind(asyncpg.PostgresError("without a code"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [("25006", True), ("42501", True), ("28000", True), ("28P01", True), ("F0000", True),
     ("25P02", False), ("42703", False), ("22P02", False), ("23505", False), ("40001", False)],
)  # fmt: skip
def test_what_no_statement_of_ours_is_to_blame_for(code: str, expected: bool) -> None:
    """A server that is read-only or refuses us; a wrong statement stays a defect."""
    assert expected is unfit(_error(code))
