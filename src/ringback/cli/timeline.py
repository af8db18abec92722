"""`ringback messages timeline`: a message's whole story, drawn downwards in time.

12:00:01.204  ◀ callback   simulator accepted                        cbk_…
12:00:01.210  ● 1 message.sent                                       evt_…
12:00:01.240  │ ▶ attempt 1 at sent: 200 in 12 ms, delivered                 end_…
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from ringback.cli.output import Output, safe

Entry = dict[str, Any]
Part = tuple[str, str, str, str]
_GOOD, _BAD, _DIM, _OPEN = "green", "red", "dim", "yellow"
_ENDS = {"delivered": _GOOD, "read": _GOOD, "failed": _BAD, "expired": _BAD}


def draw(out: Output, found: dict[str, Any]) -> None:
    """Draw what `GET /v1/messages/{id}/timeline` answers."""
    message = found["message"]
    told = {one["id"]: str(one["type"]) for one in found["entries"] if one["kind"] == "event"}
    entries = [
        {**one, "about": told.get(str(one.get("event")), "").removeprefix("message.")}
        for one in found["entries"]
        # What we did ourselves is told by its event.
        if one["kind"] != "fact"
        or one["callback"]
        or f"message.{one['status']}" not in told.values()
    ]
    _head(out, message)
    width = max((cell_len(_part(one)[2]) for one in entries), default=0)
    day = ""
    for entry in entries:
        at = _time(entry.get("at"))
        if at is not None and (today := at.strftime("%Y-%m-%d")) != day:
            day = today
            out.text(Text(f"{day} {at.strftime('%Z')}", _DIM))
        sign, style, what, named = _part(entry)
        line = Text(f"{at.strftime('%H:%M:%S.%f')[:12] if at else '':<12}  ", _DIM)
        line.append(f"{sign} ", style or _DIM)
        line.append(f"{what}{' ' * (width - cell_len(what))}  ", style)
        line.append(named, _DIM)
        out.text(line)
    if found.get("truncated"):
        out.text(Text("There is more than the 1,000 entries shown.", _OPEN))
    if found.get("events_removed"):
        removed = f"Retention has removed {found['events_removed']} of its events."
        out.text(Text(removed, _OPEN))


def _head(out: Output, message: dict[str, Any]) -> None:
    status = str(message.get("status") or "received")
    line = Text.assemble(
        f"{message['id']}  ", (status, _ENDS.get(status, _OPEN)),
        f"  {message.get('channel') or '?'} {message.get('direction') or ''}  "
        f"{safe(str(message.get('from') or '?'))} → {safe(str(message.get('to') or '?'))}",
    )  # fmt: skip
    out.text(line)
    known = [
        f"{label} {safe(str(message[field]))}"
        for label, field in (
            ("reference", "reference"), ("provider", "provider"),
            ("known there as", "provider_message_id"), ("origin", "origin"),
        )
        if message.get(field)
    ]  # fmt: skip
    out.text(Text(", ".join(known), _DIM))
    error = message.get("error")
    if error:
        said = ", ".join(safe(str(value)) for value in error.values() if value not in (None, False))
        out.text(Text(said, _BAD))
    out.text(Text(""))


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone() if text else None


def _part(entry: Entry) -> Part:
    """Return an entry's sign, its style, what is told of it, and its id."""
    return _PARTS.get(str(entry.get("kind")), _unknown)(entry)


def _callback(entry: Entry) -> Part:
    outcome = str(entry["outcome"])
    told = f"callback  {entry['provider']} {outcome}"
    if outcome != "accepted" and entry.get("reason"):
        told += f": {safe(str(entry['reason']))}"
    return "◀", "" if outcome in {"accepted", "duplicate"} else _BAD, told, str(entry["id"])


def _event(entry: Entry) -> Part:
    marks = [mark for mark in ("late", "inferred", "weak") if entry.get(mark)]
    told = f"{entry['sequence']} {safe(str(entry['type']))}"
    if marks:
        told += f" ({', '.join(marks)})"
    return "●", _ENDS.get(str(entry["type"]).rpartition(".")[2], "bold"), told, str(entry["id"])


def _fact(entry: Entry) -> Part:
    return (
        "·",
        _DIM,
        f"{entry['status']}: {safe(str(entry['why']))}",
        str(entry.get("callback") or ""),
    )


def _attempt(entry: Entry) -> Part:
    answer = entry.get("status") or entry.get("error") or "no request"
    about = f" at {safe(str(entry['about']))}" if entry["about"] else ""
    told = f"▶ attempt {entry['n']}{about}: {answer} in {entry['ms']:.0f} ms"
    if entry.get("final"):
        told += f", {entry['final']}"
    good = entry.get("status") is not None and 200 <= entry["status"] < 300
    return "│", _GOOD if good else _BAD, told, str(entry["endpoint"])


def _delivery(entry: Entry) -> Part:
    after = "next attempt then" if entry.get("at") else "waits behind an earlier one"
    told = f"▷ {entry['status']} after {entry['attempts']} attempts, {after}"
    return "│", _OPEN, told, str(entry["endpoint"])


def _unknown(entry: Entry) -> Part:
    return "?", _DIM, safe(str(entry.get("kind"))), str(entry.get("id") or "")


_PARTS: dict[str, Callable[[Entry], Part]] = {
    "callback": _callback, "event": _event, "fact": _fact, "attempt": _attempt,
    "delivery": _delivery,
}  # fmt: skip
