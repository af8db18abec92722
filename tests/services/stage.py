"""A whole engine on a fresh database, its demo connections, and a receiver as its endpoint."""

import os
import shutil
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from ringback.app import Engine
from ringback.domain.endpoints import Connection, Endpoint, Mode
from ringback.domain.http import Callback, HttpResponse
from ringback.domain.ids import uuid7
from ringback.domain.messages import Status
from ringback.domain.signing import new_secret
from ringback.providers import registry
from ringback.providers.base import OutboundMessage
from ringback.services import first_run
from ringback.services.demo.sets import BARE
from ringback.services.manage import Manager, NewConnection
from ringback.settings import Settings
from ringback.storage import configuration as stored
from ringback.storage.lists import Scope
from ringback.storage.vault import Vault, new_secret_key
from tests.services.sink import Sink

BASE_URL = "http://127.0.0.1:8420"


class Stage:
    """One engine under test. `open` starts it, `close` stops it."""

    def __init__(self, dsn: str) -> None:
        """Take the database; nothing runs yet."""
        self.dsn = dsn
        self.secret_key = new_secret_key()
        self.sink = Sink()
        # Made when a file is kept; a stage that is never opened leaves nothing behind.
        self._files = Path(tempfile.gettempdir()) / f"ringback-media-{uuid.uuid4().hex}"
        self.engine = self.another_engine()
        self.secret = new_secret(os.urandom(24))
        self._told: dict[tuple[str, ...], int] = {}

    def another_engine(self, **more: Any) -> Engine:
        """Build one more engine on the same database: another worker, with `more` settings."""
        more = {"media_dir": self._files, **more}
        settings = Settings(database_url=self.dsn, secret_key=self.secret_key, **more)
        return Engine(settings, self.dsn, (self.secret_key,))

    async def open(self) -> None:
        """Make the demo's connections, one endpoint at the sink, and start."""
        await self.sink.start()
        await first_run.prepare(
            self.dsn, Vault(self.secret_key), BASE_URL, demo=first_run.Demo(BARE)
        )
        await self.execute("update endpoint set deleted = now()")
        await self.engine.start()
        await self.add_endpoint(self.sink.url)

    async def close(self) -> None:
        """Stop everything."""
        await self.engine.stop()
        await self.sink.stop()
        shutil.rmtree(self._files, ignore_errors=True)

    async def add_endpoint(self, url: str, *types: str) -> Endpoint:
        """Add an endpoint in test mode that wants `types`, by default all messages."""
        configuration = self.engine.configuration
        id_ = uuid7(self.engine.clock.now_ms(), os.urandom(10))
        tenant = next(iter(configuration.snapshot.tenants))
        wanted = types or ("message.*",)
        engine = Endpoint(0, id_, tenant, Mode.TEST, url, wanted, ())
        now = datetime.now(UTC)
        new = stored.StoredEndpoint(engine, [self.secret], "", now, now, None, None, None)
        async with configuration.change() as connection:
            await stored.add_endpoint(connection, configuration.vault, new)
        return next(e for e in configuration.snapshot.endpoints.values() if e.id == id_)

    async def connect(self, provider: str, config: dict[str, object]) -> Connection:
        """Add a connection in test mode with a long token of its own."""
        engine = self.engine
        tenant = next(iter(engine.configuration.snapshot.tenants))
        manager = Manager(engine.configuration, engine.database, engine.clock, None)
        token = f"{provider}-{os.urandom(16).hex()}"
        new = NewConnection(provider, provider, config, token)
        await manager.add_connection(Scope(tenant, Mode.TEST), new)
        return self.connection(token)

    def connection(self, token: str = "demo-whatsapp") -> Connection:
        """Return one of the demo's connections."""
        return self.engine.configuration.snapshot.connections[token]

    def callback(
        self, status: Status, message_id: str = "m1", *, token: str = "demo-whatsapp",
        at_ms: int | None = None, reference: str | None = None, to: str = "+16505551234",
    ) -> Callback:  # fmt: skip
        """Make a callback as the provider would sign it."""
        connection = self.connection(token)
        provider = registry.get(connection.provider)
        at = self._told_at(token, message_id, status) if at_ms is None else at_ms
        message = OutboundMessage(
            to=to, from_="+15550783881", channel=provider.channels[0],
            message_id=message_id, at_ms=at, reference=reference,
        )  # fmt: skip
        url = f"{BASE_URL}/in/{token}"
        request = provider.simulate(message, status, connection.config, url)
        return Callback(request.method, request.url, request.headers, request.body, "127.0.0.1")

    def _told_at(self, *fact: str) -> int:
        # As providers do: told once more it has the same time, whatever second it is by then.
        return self._told.setdefault(fact, self.engine.clock.now_ms())

    async def receive(self, callback: Callback, token: str = "demo-whatsapp") -> HttpResponse:
        """Hand a callback to the engine's receiver."""
        return await self.engine.receiver.receive(token, callback)

    async def fail(
        self, message_id: str, code: str, *, token: str = "demo-whatsapp", at_ms: int | None = None
    ) -> None:
        """Let a message fail with a code of its provider, now or at a moment."""
        connection = self.connection(token)
        provider, url = registry.get(connection.provider), f"{BASE_URL}/in/{token}"
        message = OutboundMessage(
            to="+16505551234", from_="+15550783881", channel=provider.channels[0],
            message_id=message_id, at_ms=at_ms or self._told_at(token, message_id, code),
            error_code=code,
        )  # fmt: skip
        made = provider.simulate(message, "failed", connection.config, url)
        answer = await self.receive(
            Callback(made.method, made.url, made.headers, made.body, "127.0.0.1"), token
        )
        assert answer.status == 200, answer

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Read from the database behind the engine's back."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def value(self, sql: str, *arguments: object) -> object:
        """Read one value from the database."""
        return (await self.rows(sql, *arguments))[0][0]

    async def execute(self, sql: str) -> None:
        """Change the database behind the engine's back."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


def fresh() -> str:
    """Return a message id that nobody has used."""
    return f"wamid.{uuid.uuid4().hex}"
