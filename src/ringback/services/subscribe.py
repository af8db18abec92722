"""Having a provider post a connection's callbacks here: through its API, and written down.

In test mode its fake is asked in its place, which remembers nothing.
"""

from typing import NamedTuple

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.hosts import InvalidUrl
from ringback.domain.ids import show
from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.errors import Fault, Invalid
from ringback.providers import registry
from ringback.providers.subscribing import Subscribed, Subscribing, Wish
from ringback.services import audit
from ringback.services.audit import Act
from ringback.services.clock import Clock
from ringback.services.guards import Guards
from ringback.services.simulate import moved
from ringback.services.talk import Talk, Tokens, talk
from ringback.storage.audit import Actor
from ringback.storage.database import Database
from ringback.storage.lists import Scope
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange

DEADLINE_S = 10.0
STEPS_MAX = 64
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SET = (
    "Set RINGBACK_PUBLIC_URL, or this connection's public_url, to where the provider reaches this "
    "installation."
)


class Ways(NamedTuple):
    """The ways out: `client` to providers, `door` to our own fakes at `base_url`.

    `public_url` is where the world reaches this installation; None: nobody has said.
    """

    client: Client
    door: Client
    base_url: str
    public_url: str | None


class Subscriber:
    """Asks providers to post here."""

    def __init__(self, ways: Ways, guards: Guards, database: Database, clock: Clock) -> None:
        """Take the edges."""
        self._ways = ways
        self._guards = guards
        self._database = database
        self._clock = clock

    async def subscribe(
        self, connection: Connection, scope: Scope, actor: Actor | None,
        *, dry_run: bool, remove_others: bool,
    ) -> Subscribed:  # fmt: skip
        """Bring the provider's subscriptions to what the connection needs; see `Wish`.

        Raises:
            Invalid: its provider cannot be told, or nobody could reach us.

        """
        provider = registry.get(connection.provider)
        if not isinstance(provider, Subscribing):
            words = f"{provider.label} is told by hand where to post: its setup says how."
            raise Invalid(Fault("", words))
        wish = Wish(self._address(connection), dry_run, remove_others)
        flow = provider.subscribe(wish, connection.config)
        try:
            told = await talk(flow, self._talk(connection))
        except InvalidUrl as error:
            return Subscribed(False, str(error))
        if not dry_run:
            await self._write(connection, told, scope, actor)
        if isinstance(told, Exchange):
            words = f"It could not be asked: {told.error}: {told.detail.rstrip('.')}."
            return Subscribed(False, f"{words} Some of it may be done: ask again.")
        return told

    def _address(self, connection: Connection) -> str:
        """Return the callback URL, as far as the world can reach it. Raises Invalid."""
        known = connection.public_url or self._ways.public_url
        base = (known or self._ways.base_url).rstrip("/")
        if connection.mode is Mode.LIVE:
            if not known:
                raise Invalid(Fault("", f"No public URL is known. {_SET}"))
            try:
                target = Target.parse(base)
            except InvalidUrl as error:
                raise Invalid(Fault("", f"The public URL is of no use: {error} {_SET}")) from error
            if target.host in _LOCAL:
                raise Invalid(Fault("", f"{base} is this machine: no provider reaches it. {_SET}"))
            if target.scheme != "https":
                words = f"{base} is plain http, and live connections are called by https. {_SET}"
                raise Invalid(Fault("", words))
        return f"{base}/in/{connection.token}"

    def _talk(self, connection: Connection) -> Talk:
        if connection.mode is Mode.TEST:
            base = f"{self._ways.base_url}/fake/{connection.token}"
            return Talk(
                self._ways.door, TEST, DEADLINE_S, Tokens(), connection.id,
                lambda request: moved(request, base), STEPS_MAX,
            )  # fmt: skip
        policy = self._guards.policy_of(connection)
        return Talk(
            self._ways.client, policy, DEADLINE_S, Tokens(), connection.id, steps_max=STEPS_MAX
        )

    async def _write(
        self, connection: Connection, told: Subscribed | Exchange, scope: Scope, actor: Actor | None
    ) -> None:
        """Write down what was done at the provider; what is not known is written down, too."""
        detail: audit.Detail = {}
        if isinstance(told, Exchange):
            detail["unanswered"] = told.error
        else:
            for state in ("added", "changed", "removed"):
                if named := [one.what for one in told.subscriptions if one.state == state]:
                    detail[state] = named
        if not detail:
            return
        act = Act("connection.subscribed", show("con", connection.id), detail)
        async with self._database.acquire() as session:
            await audit.write(session, scope, actor, self._clock.now_ms(), act)
