"""Logging: one line an event on standard error, from an allow-list of fields.

Bodies, numbers and secrets never get here: what is not on the list is not written.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset((
    "event", "level", "timestamp", "exc_info", "exception", "error", "reason", "connection",
    "provider", "endpoint", "worker", "items", "requests", "code", "status", "request_id",
    "method", "route", "ms", "pid", "partitions", "version", "seconds",
))  # fmt: skip


def _allow(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in entry.items() if name in ALLOWED}


def configure(level: str) -> None:
    """Set logging up: readable on a terminal, JSON elsewhere."""
    terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _allow,
    ]
    if not terminal:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
