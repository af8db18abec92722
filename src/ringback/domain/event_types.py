"""The catalogue of event types, and the patterns by which endpoints choose among them."""

import re

import msgspec

from ringback.errors import Fault

PATTERN_MAX = 64
PATTERNS_MAX = 100
TYPE_MAX = 64
_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
_PATTERN = re.compile(r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$")


class EventType(msgspec.Struct, frozen=True):
    """One type of event: its name and what it means for whoever receives it.

    `emitted`: something in this version brings it about.
    """

    name: str
    description: str
    emitted: bool = False


class OwnType(msgspec.Struct, frozen=True):
    """A type that a tenant has described itself.

    `version` is the one of its schema, 0 while it never had one; `schema` and `example`, which are
    for `data`, are JSON. A deprecated type is published with a warning, an archived one not at all.
    """

    name: str
    description: str = ""
    version: int = 0
    schema: bytes | None = None
    example: bytes | None = None
    deprecated: bool = False
    note: str | None = None
    archived: bool = False


_DESCRIBED = {
    "message.scheduled": "The message waits for its time to be sent.",
    "message.queued": "The message is stored here durably and waits to be handed to the provider.",
    "message.submitted": "The provider has taken the message.",
    "message.sent": "The provider has handed the message to the network.",
    "message.delivered": "The message reached the person's device, by the best proof there is.",
    "message.read": "The person opened the message.",
    "message.failed": "The message did not arrive, or was never sent; `error` says why.",
    "message.expired": "The message's validity ran out before it could be delivered.",
    "message.cancelled": "The message was withdrawn before it was sent.",
    "message.unconfirmed": "Nobody will ever say whether the message arrived: not a failure.",
    "message.received": "A person sent a message to one of our addresses.",
    "message.report_overdue": "No final report has come by the time one was expected.",
    "contact.opted_out": "A person no longer wants messages.",
    "contact.opted_in": "A person wants messages again.",
    "link.previewed": "A machine fetched a link in a message, for a preview or a scan.",
    "link.clicked": "A person opened a link in a message.",
    "conversion.recorded": "A business result was credited to a message.",
    "conversation.opened": "A conversation with a person began or was taken up again.",
    "conversation.assigned": "A conversation was given to a member of staff.",
    "conversation.closed": "A conversation was closed.",
    "call.initiated": "A call was started.",
    "call.ringing": "The other side is being rung.",
    "call.answered": "The call was answered.",
    "call.forwarded": "The call was forwarded.",
    "call.input_received": "The person pressed keys or spoke to a prompt.",
    "call.machine_detected": "A machine answered the call.",
    "call.recording_available": "A recording of the call can be fetched.",
    "call.completed": "The call ended after it had been answered.",
    "call.failed": "The call did not come about; `reason` says why.",
    "number_order.updated": "A number order moved to another state that is not final.",
    "number_order.completed": "A number order was carried out, in whole or in part.",
    "number_order.failed": "A number order was not carried out.",
    "sender.status_changed": "A sender's registration, verification or quality changed.",
    "template.status_changed": "A provider approved, rejected or paused a template.",
    "trigger.accepted": "A business system's request was taken and will be acted on.",
    "trigger.rejected": "A business system's request could not be used; `reason` says why.",
    "automation.completed": "A run of an automation came to its end.",
    "automation.failed": "A run of an automation broke off.",
    "endpoint.failing": "An endpoint has answered with nothing but failures for a while.",
    "endpoint.disabled": "An endpoint receives no more events.",
    "endpoint.recovered": "An endpoint answers again.",
    "endpoint.expiring": "A test endpoint will expire soon.",
    "endpoint.delivery_exhausted": "A delivery was given up after its last attempt.",
    "connection.silent": "A connection's callbacks have stopped coming.",
    "connection.rejecting": "A connection's callbacks are being rejected.",
    "connection.recovered": "A connection's callbacks come again and are accepted.",
    "alert.opened": "Something needs a person.",
    "alert.resolved": "What needed a person is over.",
    "provider.unrecognised": "A provider sent something that has no type here; raw, as it came.",
}
# What something brings about by now.
_EMITTED = {
    "message.scheduled", "message.queued", "message.submitted", "message.sent",
    "message.delivered", "message.read",
    "message.failed", "message.expired", "message.cancelled", "message.unconfirmed",
    "call.initiated", "call.ringing", "call.answered", "call.forwarded", "call.input_received",
    "call.machine_detected", "call.recording_available", "call.completed", "call.failed",
    "number_order.updated", "number_order.completed", "number_order.failed",
    "contact.opted_out", "contact.opted_in", "link.previewed", "link.clicked",
    "sender.status_changed", "template.status_changed",
    "message.received", "endpoint.disabled", "endpoint.delivery_exhausted", "provider.unrecognised",
}  # fmt: skip
CATALOGUE: dict[str, EventType] = {
    name: EventType(name, description, name in _EMITTED) for name, description in _DESCRIBED.items()
}
RESERVED = frozenset(name.split(".")[0] for name in CATALOGUE)


def fault_in_own_name(name: str) -> str | None:
    """Say what is wrong with the name of a type of somebody's own, or None."""
    if len(name) > TYPE_MAX or not _TYPE.fullmatch(name):
        return "Write a type as family.name, in lower case: shop.order_paid."
    family = name.partition(".")[0]
    if family in RESERVED:
        return f"Types of the family {family} are Ringback's own: choose another family."
    return None


def faults_in_patterns(patterns: list[str], pointer: str) -> list[Fault]:
    """Check an endpoint's patterns: `*`, `message.*`, or a whole type."""
    faults = []
    if not patterns:
        faults.append(Fault(pointer, 'Name at least one event type; ["*"] means all of them.'))
    if len(patterns) > PATTERNS_MAX:
        faults.append(Fault(pointer, f"At most {PATTERNS_MAX} patterns."))
    for index, pattern in enumerate(patterns[:PATTERNS_MAX]):
        problem = _problem(pattern)
        if problem:
            faults.append(Fault(f"{pointer}/{index}", problem))
    return faults


def _problem(pattern: str) -> str | None:
    if len(pattern) > PATTERN_MAX or not _PATTERN.match(pattern):
        return "Write a type such as message.delivered, a family such as message.*, or *."
    family = pattern.split(".", maxsplit=1)[0]
    if pattern == "*" or family not in RESERVED:
        return None
    if pattern.endswith(".*"):
        stem = pattern[:-1]
        known = any(name.startswith(stem) for name in CATALOGUE)
    else:
        known = pattern in CATALOGUE
    if known:
        return None
    family_types = ", ".join(name for name in CATALOGUE if name.startswith(f"{family}."))
    return f"There is no {pattern}. Of this family there are: {family_types}."


def matches(patterns: tuple[str, ...], name: str) -> bool:
    """Say whether a type is wanted by any of an endpoint's patterns."""
    return any(
        pattern in ("*", name) or (pattern.endswith(".*") and name.startswith(pattern[:-1]))
        for pattern in patterns
    )
