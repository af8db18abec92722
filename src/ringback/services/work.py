"""What the committer carries: work of some kind, from whoever asked to its commit and back."""

from collections.abc import Mapping
from uuid import UUID

from ringback.services.batch import Batch
from ringback.storage.hot import SubjectRow
from ringback.storage.suppressions import InForce


class Work:
    """One piece of work. Kinds: a callback, a publication, a replay.

    `passes` counts how often it came round again because somebody else was first.
    """

    passes: int

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        raise NotImplementedError

    def prepare(self, secret: bytes) -> None:
        """Hash the keys that it will be read by."""

    def keys(self) -> tuple[list[UUID], list[UUID]]:
        """Return the keys of its subjects, and its once keys."""
        return [], []

    def reported(self) -> set[tuple[int, str | None]]:
        """Return (connection, address) of reports: they may belong to a send on its way."""
        return set()

    def opt_outs(self, secret: bytes) -> list[UUID]:
        """Return the keys of wishes that it depends on whether they are in force."""
        del secret
        return []

    def onward(self, secret: bytes, known: Mapping[UUID, InForce]) -> list[UUID]:
        """Return the keys of further wishes, now that it is known who of its people has moved."""
        del secret, known
        return []

    def kept(self) -> UUID | None:
        """Return the key under which its answer is kept, if there is one."""
        return None

    def probes(self, subjects: dict[UUID, SubjectRow]) -> list[tuple[UUID, int]]:
        """Return the facts to look for beyond the 64 that these subjects carry."""
        del subjects
        return []

    def decide(self, batch: Batch) -> None:
        """Add to a batch what follows from this work."""
        raise NotImplementedError

    def committed(self, base: int, events: int) -> None:
        """Learn the feed position before the batch's first event, and how many events it had."""

    def beaten(self, repeated: set[int]) -> bool:
        """Say whether somebody else was first with its key, whose answer is to be read now."""
        del repeated
        return False

    def missed(self, lost: set[int]) -> bool:
        """Say whether something is still to be done now that these subjects were lost."""
        raise NotImplementedError

    def settled(self, events: set[UUID], callbacks: set[UUID]) -> bool:
        """Say whether it is done, knowing which of its events and callbacks are stored."""
        raise NotImplementedError

    def degrade(self) -> bool:
        """Become something simpler that can be stored, after the database refused it; or False."""
        return False
