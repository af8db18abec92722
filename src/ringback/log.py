"""Logging: one line an event on standard error, from an allow-list of fields.

Bodies, numbers and secrets never get here: what is not on the list is not written, telephone
numbers in what is written are masked, and an exception tells where it came from, not what it says.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset((
    "event", "level", "timestamp", "exc_info", "exception", "error", "reason", "connection",
    "provider", "endpoint", "worker", "items", "requests", "code", "status", "request_id",
    "method", "route", "ms", "pid", "partitions", "version", "seconds", "deliveries",
    "key", "person", "tenant", "mode", "bytes_in", "bytes_out", "skipped",
))  # fmt: skip
TEXT_MAX = 300
TRACE_MAX = 8000
_CHAIN_MAX = 8
# Ids keep their digits; any other run of seven or more could be somebody's number.
_NUMBER = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|\b[a-z]{3}_[0-9a-z]{26}\b"
    r"|(?<![0-9A-Za-z])(\+?[0-9]{7,})(?![0-9A-Za-z])"
)


def _allow(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in entry.items() if name in ALLOWED}


def _tell_where(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and its places in the code, and those of its causes."""
    found = entry.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    parts: list[str] = []
    while isinstance(error, BaseException) and len(parts) < _CHAIN_MAX:
        places = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{type(error).__module__}.{type(error).__qualname__}\n{places}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if parts:
        entry["exception"] = "because of ".join(parts)
    return entry


def _mask(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut and mask text; of what others say only the first line: PostgreSQL goes on with rows."""
    for name, value in entry.items():
        if value is None or isinstance(value, bool | int | float):
            continue
        text = str(value)
        text = text[-TRACE_MAX:] if name == "exception" else text.partition("\n")[0][:TEXT_MAX]
        entry[name] = _NUMBER.sub(_masked, text)
    return entry


def _masked(found: re.Match[str]) -> str:
    number = found[1]
    if number is None:
        return found[0]
    shown = 4 if len(number) > 10 else 2
    return f"{number[:3]}•••••{number[-shown:]}" if number[0] == "+" else f"•••••{number[-shown:]}"


# What every entry goes through before it is written.
PROCESSORS: tuple[structlog.typing.Processor, ...] = (
    structlog.processors.add_log_level, _allow, _tell_where, _mask,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)  # fmt: skip


def configure(level: str) -> None:
    """Set logging up: readable on a terminal, JSON elsewhere."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*PROCESSORS, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
