"""Which deliveries this worker has in memory, and putting right what a broken connection left.

After a hot connection broke, deliveries may be ours in the database without being here: their
commit or claim succeeded but its answer was lost. Once what the broken connection was doing is
decided, and with nothing else in flight, they are found and given back.
"""

import asyncio
import contextlib
from uuid import UUID

import structlog

from ringback.services.trouble import Trouble
from ringback.storage.database import Database
from ringback.storage.hot import Owned, owned_by, release
from ringback.storage.link import HotLink

_PAUSE_S = 0.5
log = structlog.get_logger()


class Held:
    """The keys (lane, endpoint, ord) of deliveries from their start until they are recorded."""

    def __init__(self) -> None:
        """Start with none."""
        self._keys: set[tuple[UUID, int, int]] = set()

    def add(self, owned: Owned) -> bool:
        """Note a delivery; False when it is here already."""
        key = owned[:3]
        if key in self._keys:
            return False
        self._keys.add(key)
        return True

    def discard(self, lane: UUID, endpoint: int, ord_: int) -> None:
        """Forget a delivery that is recorded or given back."""
        self._keys.discard((lane, endpoint, ord_))

    def __contains__(self, owned: Owned) -> bool:
        """Whether a delivery is in memory."""
        return owned[:3] in self._keys

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._keys)


class Reconciler:
    """Gives back what is ours in the database and not in memory. Runs when it is asked to.

    `quiet` are the locks that commit, record and claim hold while a statement of theirs is in
    flight on one of the `links`, which are opened again if they broke: that succeeds when what they
    left is decided. So what is read is what is.
    """

    def __init__(
        self, database: Database, held: Held, quiet: list[asyncio.Lock], links: list[HotLink]
    ) -> None:
        """Take the edges."""
        self._database = database
        self._held = held
        self._quiet = quiet
        self._links = links
        # In turn: one that cannot be done yet must not keep the others waiting.
        self._asked: dict[int, None] = {}
        self._wake = asyncio.Event()
        self.returned = 0

    def ask(self, worker: int) -> None:
        """Reconcile as soon as everything is quiet: a hot connection of `worker`'s broke.

        Links may speak of different workers: one that was not used since a new registration breaks
        under the old one.
        """
        self._asked[worker] = None
        self._wake.set()

    async def run(self) -> None:
        """Reconcile whenever asked, for ever."""
        trouble = Trouble("reconcile")
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._asked:
                worker = next(iter(self._asked))
                del self._asked[worker]
                try:
                    await self.once(worker)
                    trouble.over()
                except Exception as error:
                    self._asked[worker] = None
                    trouble.note(error)
                    await asyncio.sleep(_PAUSE_S)

    async def once(self, worker: int) -> int:
        """Find and give back; return how many.

        Raises:
            DatabaseUnavailable: nobody answers; to be done again.

        """
        async with contextlib.AsyncExitStack() as stack:
            # First, so that nobody waits for our locks while there is no database.
            await stack.enter_async_context(self._database.acquire())
            for lock in self._quiet:
                await stack.enter_async_context(lock)
            # The server may still be at work for a connection that is broken.
            for link in self._links:
                await link.decided(worker)
            missing = await self._give_back(worker)
        self.returned += missing
        return missing

    async def _give_back(self, worker: int) -> int:
        link = self._links[0]
        try:
            # Over a link: should its answer be lost, nothing of it happens later unnoticed.
            connection = await link.get(worker)
            rows = await owned_by(connection, worker)
            missing = [row for row in rows if row not in self._held]
            if missing:
                await release(connection, worker, missing)
        except BaseException:
            link.drop()
            raise
        return len(missing)
