"""`ringback overview`: the figures of a span, in a few lines.

Imported by `ringback --help`: what is heavy is imported inside.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

from ringback.cli.session import Session, online

_EXAMPLES = ("overview", "overview --span 1h", "overview -o json")
_NEEDS = {
    "endpoint_failing": "endpoint {name} fails: {count} deliveries wait",
    "endpoint_disabled": "endpoint {name} is disabled: {count} deliveries wait",
    "deliveries_exhausted": "endpoint {name}: {count} deliveries were given up",
    "connection_silent": "connection {name} is silent for {minutes} min, usual {usual_per_s}/s",
    "connection_processing_paused": "connection {name}: processing is paused, {count} are held",
    "connection_intake_paused": "connection {name}: intake is paused",
    "connection_rejecting": "connection {name}: {count} callbacks were rejected just now",
}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    epilog = "\n\n".join(f"$ ringback {example}" for example in _EXAMPLES)
    app.command("overview", epilog=epilog)(online(overview))


def overview(
    session: Session,
    span: Annotated[Literal["1h", "24h", "7d"], typer.Option("--span", help="Up to now.")] = "24h",
) -> None:
    """Say what became of messages, how deliveries go, who is silent and what needs a person."""
    found = session.client.get("/v1/overview", {"span": span})
    if session.out.format != "table":
        session.show(found)
        return
    session.show(dict(_lines(found)))


def _lines(found: Any) -> Iterator[tuple[str, str]]:
    tiles, latency = found["tiles"], found["tiles"]["latency"]
    awaiting, backlog = tiles["awaiting"], tiles["backlog"]
    yield "span", f"{found['since']} to {found['until']}"
    yield "messages", _amount(tiles["accepted"])
    yield "delivered", _share(tiles["delivered"])
    yield "failed", _share(tiles["failed"])
    age = _seconds(awaiting["p95_age_s"])
    yield "awaiting", f"{awaiting['value']} · p95 age {age} · usual {_seconds(awaiting['usual_s'])}"
    yield "inbound", _amount(tiles["inbound"])
    yield "webhooks", _share(tiles["webhooks"])
    p50, p99 = (latency[name] for name in ("p50_ms", "p99_ms"))
    yield "to endpoints", "nothing yet" if p50 is None else f"p50 {p50:.0f} ms · p99 {p99:.0f} ms"
    more = "+" if backlog["at_least"] else ""
    yield "backlog", f"{backlog['open']}{more} · oldest {_seconds(backlog['oldest_s'])}"
    for one in found["connections"]:
        usual = f", usual {one['usual_per_s']}/s" if one["usual_per_s"] else ""
        yield one["name"], f"{one['state']} · {one['per_s']}/s{usual}"
    for place, need in enumerate(found["needs_a_person"], 1):
        minutes = round((need["silent_s"] or 0) / 60)
        yield f"needs a person {place}", _NEEDS[need["kind"]].format(**need, minutes=minutes)


def _amount(tile: Any) -> str:
    return f"{tile['value']} (before: {tile['previous']})"


def _share(tile: Any) -> str:
    if not tile["of"]:
        return "none yet"
    return f"{100 * tile['value'] / tile['of']:.1f} % · {tile['value']} of {tile['of']}"


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:g} s"
