"""What the API is given to work with. Built by serving.py; nothing here builds anything."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ringback.domain.egress import Own
from ringback.domain.endpoints import Connection
from ringback.domain.networks import LOOPBACK, IpNetwork
from ringback.domain.retry import SCHEDULE_S
from ringback.services.again import Again
from ringback.services.answers import Answers
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.credentials_check import CredentialsCheck
from ringback.services.feed import Feed
from ringback.services.figures import Figures
from ringback.services.guards import OPEN, Guards
from ringback.services.health import Health
from ringback.services.key_use import KeyUse
from ringback.services.manage import Manager
from ringback.services.media_store import Store
from ringback.services.once import Once
from ringback.services.play import Player
from ringback.services.rate_limits import RateLimits
from ringback.services.request_log import RequestLog
from ringback.services.session_use import SessionUse
from ringback.services.sign_in import SignIn
from ringback.services.simulate import Plan, Simulated
from ringback.services.subscribe import Subscriber
from ringback.services.trials import Trials
from ringback.storage.audit import Actor
from ringback.storage.database import Database


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Context:
    """The edges of the API.

    `simulate` starts a plan and returns the message's ids; `player` plays samples. `held` says
    whether this worker's lease stands: without one its keys may be out of date. `own` is our own
    listener, `guards` say what endpoints may reach, `retry_schedule` is for those without their
    own. `figures` are the installation's numbers, `trusted_proxies` who is believed about where a
    request comes from.
    """

    configuration: Configuration
    database: Database
    clock: Clock
    public_url: str
    health: Callable[[], Awaitable[Health]]
    figures: Callable[[], Awaitable[Figures]]
    simulate: Callable[[Connection, Plan], Awaitable[Simulated]]
    player: Player
    again: Again
    feed: Feed
    answers: Answers
    key_use: KeyUse
    trials: Trials
    request_log: RequestLog
    rate_limits: RateLimits
    session_use: SessionUse
    sign_in: SignIn
    store: Store
    credentials: CredentialsCheck
    subscriber: Subscriber
    held: Callable[[], bool] = _always
    own: Own | None = None
    guards: Guards = OPEN
    retry_schedule: tuple[int, ...] = SCHEDULE_S
    trusted_proxies: tuple[IpNetwork, ...] = LOOPBACK

    def manager(self, actor: Actor) -> Manager:
        """Return what changes configuration, for a key."""
        return Manager(self.configuration, self.database, self.clock, self.own, self.guards, actor)

    @property
    def once(self) -> Once:
        """What keeps answers by idempotency key."""
        return Once(self.configuration, self.database)

    def now(self) -> datetime:
        """Return the database's time."""
        return datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC)
