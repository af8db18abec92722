"""What every folder of tests may use: PostgreSQL 18 and 15, and a fresh database on them."""

import signal
from collections.abc import Iterator

import pytest
import structlog

from .postgres_server import DEBIAN_15, WHEEL_18, PostgresServer

# Whoever starts the tests in the background lets them ignore Ctrl-C, and the programs they start
# would inherit that: the tests that interrupt a program would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# An exception with all locals of its frames, as by default, takes seconds to write.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def postgres18() -> Iterator[PostgresServer]:
    """A PostgreSQL 18 from the wheel, running for the whole session."""
    server = PostgresServer(WHEEL_18)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres15() -> Iterator[PostgresServer]:
    """A PostgreSQL 15 of the system, running for the whole session; skipped where there is none."""
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip(f"there is no PostgreSQL 15 in {DEBIAN_15}")
    server = PostgresServer(DEBIAN_15)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def dsn18(postgres18: PostgresServer) -> Iterator[str]:
    """The DSN of a migrated database on PostgreSQL 18 that only this test uses."""
    name = postgres18.create_migrated()
    yield postgres18.dsn(name)
    postgres18.drop(name)


@pytest.fixture
def dsn(dsn18: str) -> str:
    """The DSN of a migrated database that only this test uses."""
    return dsn18


@pytest.fixture
def dsn15(postgres15: PostgresServer) -> Iterator[str]:
    """The DSN of a migrated database on PostgreSQL 15 that only this test uses."""
    name = postgres15.create_migrated()
    yield postgres15.dsn(name)
    postgres15.drop(name)


@pytest.fixture
def empty_dsn(postgres18: PostgresServer) -> Iterator[str]:
    """The DSN of a database without any table."""
    name = postgres18.create()
    yield postgres18.dsn(name)
    postgres18.drop(name)
