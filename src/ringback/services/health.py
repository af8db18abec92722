"""How a worker is: what `/healthz` and `/readyz` tell."""

import msgspec


class Health(msgspec.Struct, frozen=True):
    """Whether this worker can do its work, why not, and how far behind deliveries are.

    `waiting` deliveries are due, with nobody and not held back, the oldest for `oldest_due_s`
    seconds; `sending` and `queued` are in this worker's memory; `stuck` counts what should never
    have happened.
    """

    ready: bool
    reasons: list[str]
    oldest_due_s: float
    waiting: int
    sending: int
    queued: int
    stuck: int
