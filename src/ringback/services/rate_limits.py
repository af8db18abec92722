"""How many requests each API key and each person may make: counted in memory, without a query.

A key's own rate goes before its tenant's, and that before the installation's. Each worker counts
for itself. Callbacks of providers never come here.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from ringback.domain.endpoints import ApiKey
from ringback.domain.rate import Bucket, Rate, rate_of
from ringback.services.snapshot import Snapshot


class Taken(NamedTuple):
    """What became of a request: whether it may go on, and the bucket that it was taken from."""

    allowed: bool
    bucket: Bucket
    now: float

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The fields that tell the caller what is left, and when there is more."""
        left, full_in = self.bucket.left(self.now), self.bucket.full_in(self.now)
        fields = (
            ("ratelimit-policy", self.bucket.policy),
            ("ratelimit", f'"key";r={left};t={full_in}'),
        )
        if self.allowed:
            return fields
        return (*fields, ("retry-after", str(self.bucket.more_in(self.now))))

    @property
    def words(self) -> str:
        """What a refusal says."""
        rate = self.bucket.rate
        return (
            f"This key may make {rate.per_second} requests a second, {rate.burst} at once. Wait "
            "as long as Retry-After says; POST /v1/events takes up to 100 events in one request."
        )


class RateLimits:
    """The buckets of the keys that are used in this worker."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        per_second: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the rate of keys without their own, in requests a second; 0: they have none."""
        self._snapshot = snapshot
        self._default = rate_of(per_second) if per_second else None
        self._now = now
        # By the number of a key's id, hashed fastest; None for one that may do as it likes.
        # No more than there are keys in force, and people.
        self._buckets: dict[int, Bucket | None] = {}

    def rate(self, key: ApiKey) -> Rate | None:
        """Return what a key may do."""
        if key.rate is not None:
            return rate_of(key.rate, key.burst)
        tenant = self._snapshot().tenants.get(key.tenant)
        if tenant is not None and tenant.rate is not None:
            return rate_of(tenant.rate, tenant.burst)
        return self._default

    def configure(self, snapshot: Snapshot) -> None:
        """Go by new configuration: forget the keys that are gone, give the others their rates."""
        before = self._buckets
        self._buckets = {}
        for key in snapshot.keys.values() if before else ():
            if key.id.int in before:
                self._buckets[key.id.int] = _changed(before[key.id.int], self.rate(key))
        for person in snapshot.people if before else ():
            if person.int in before:
                self._buckets[person.int] = before[person.int]

    def take(self, key: ApiKey) -> Taken | None:
        """Take one request of a key; None when it has no limit."""
        try:
            bucket = self._buckets[key.id.int]
        except KeyError:
            rate = self.rate(key)
            bucket = self._buckets[key.id.int] = None if rate is None else Bucket(rate)
        if bucket is None:
            return None
        now = self._now()
        return Taken(bucket.take(now), bucket, now)


def _changed(bucket: Bucket | None, rate: Rate | None) -> Bucket | None:
    if rate is None or bucket is None:
        return None if rate is None else Bucket(rate)
    return bucket if rate == bucket.rate else bucket.with_rate(rate)
