"""`ringback endpoints test`: an example to an endpoint, and what the endpoint made of it."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import typer

from ringback.cli.declared import Column
from ringback.cli.failures import FAILED
from ringback.cli.session import Session

# Longer than any endpoint's timeout.
PATIENCE_S = 45.0
_POLL_S = 0.1
_OPEN = frozenset({"pending", "scheduled"})


def show(
    session: Session, sent: Iterable[tuple[str, dict[str, Any]]], columns: tuple[Column, ...]
) -> None:
    """Wait for the end of each test's delivery and show it; exit code 1 if one was not taken."""
    failed: list[str] = []

    def rows() -> Iterator[dict[str, Any]]:
        for _, made in sent:
            delivery = _ended(session, made["delivery"])
            last = delivery["last_attempt"] or {}
            yield {
                "endpoint": delivery["endpoint"], "status": delivery["status"],
                "answer": last.get("status") or last.get("error"),
                "decision": last.get("decision"), "type": made["type"],
                "delivery": made["delivery"], "id": made["id"],
            }  # fmt: skip
            if delivery["status"] != "delivered":
                failed.append(last.get("id", ""))

    session.out.rows(rows(), columns)
    for attempt in filter(None, failed):
        explained = session.client.get(f"/v1/attempts/{attempt}")["explanation"]
        if explained:
            session.say(str(explained))
        session.say(f"ringback attempts get {attempt} shows what was sent and answered.")
    if failed:
        raise typer.Exit(FAILED)


def _ended(session: Session, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = session.client.get(f"/v1/deliveries/{name}")
        if found["status"] not in _OPEN or time.monotonic() > deadline:
            return found
        time.sleep(_POLL_S)
