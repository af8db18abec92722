"""What one worker has in memory of one endpoint: deliveries that wait, and those on the wire."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ringback.domain.endpoints import Endpoint
from ringback.domain.hosts import InvalidUrl
from ringback.domain.signing import Signer
from ringback.domain.targets import Target
from ringback.services.guards import Guards
from ringback.services.pace import Pace
from ringback.storage.hot import Owned

QUEUED_PER_ENDPOINT = 2048


class Job(NamedTuple):
    """A delivery to be attempted now, with the event's body, and whose it is.

    `worker` is the id under which this process took it: under a later one it is not ours.
    """

    owned: Owned
    body: bytes
    worker: int


class Slots:
    """What is going on for one endpoint in this worker."""

    __slots__ = (
        "_guards", "_signer", "_with", "active", "bytes", "enablings", "endpoint", "guard", "pace",
        "queue", "resting", "target", "timer",
    )  # fmt: skip

    def __init__(self, endpoint: Endpoint, guards: Guards) -> None:
        """Begin with nothing; `guards` say what may be reached."""
        self._guards = guards
        self.queue: deque[Job] = deque()
        self.active = self.bytes = 0
        # How often it has been enabled again.
        self.enablings = 0
        # Whether it is left alone for a moment, because a limit of ours was in its way.
        self.resting = False
        self.pace = Pace(endpoint.policy.concurrency)
        self.timer: asyncio.TimerHandle | None = None
        self.target: Target | None = None
        self._with = 0
        self.aim(endpoint)

    @property
    def ready(self) -> bool:
        """Whether a request could begin, as far as this endpoint goes."""
        return bool(self.queue) and self.active < self.pace.limit and not self.resting

    @property
    def there(self) -> int:
        """How many of its deliveries are in memory, those on the wire included."""
        return len(self.queue) + self.active

    def share(self, rank: int, count: int) -> None:
        """Take this worker's part of what the endpoint may be sent at a time, and of its rate.

        What is left over goes to other workers at each endpoint, so some may have no part at all.
        """
        of_all = self.endpoint.policy.concurrency
        more = (self.endpoint.no + rank) % count < of_all % count
        self.pace.allow(of_all // count + more, min(count, of_all))

    def room(self, spare: int, spare_bytes: int) -> int:
        """Say how many more there is room for, of what is spare; always what fits on the wire."""
        limit = self.pace.limit
        if not self.pace.most:
            return 0
        most = limit if self.bytes >= spare_bytes else min(spare, QUEUED_PER_ENDPOINT)
        if limit < self.pace.most:
            most = most * limit // self.pace.most
        return max(most, limit) - self.there

    def sign(self, event_id: str, now_ms: int, body: bytes) -> str:
        """Sign an attempt made now; while a secret is rotated with the old one as well."""
        keys = self.endpoint.signing_keys(now_ms)
        if len(keys) < self._with:
            self._with, self._signer = len(keys), Signer(keys)
        return self._signer.sign(event_id, now_ms // 1000, body)

    def aim(self, endpoint: Endpoint) -> None:
        """Follow the endpoint's settings."""
        self.endpoint = endpoint
        # All that might sign: whose time is over is left out by the first attempt after it.
        everyone = endpoint.signing_keys(0)
        self._with, self._signer = len(everyone), Signer(everyone)
        self.guard = self._guards.policy(endpoint.mode, endpoint.policy)
        try:
            self.target = Target.parse(endpoint.url)
        except InvalidUrl:
            self.target = None


class Rooms(dict[int, int]):
    """How many more deliveries each endpoint may take, worked out when it is first asked for."""

    def __init__(self, room: Callable[[int], int]) -> None:
        """Take what says it of an endpoint's number."""
        self._room = room

    def __missing__(self, number: int) -> int:
        """Work it out, once."""
        found = self[number] = self._room(number)
        return found
