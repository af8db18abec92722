"""What one worker serves over HTTP, in front of its engine.

Server ──/in/──▶ Receiver
       ──POST /v1/events──▶ Publisher
       ──/inspect/──▶ Inspector
       ──/fake/──▶ FakeApis
       ──everything else──▶ the REST API and the panel
"""

import socket

import structlog

from ringback.api.application import build_api
from ringback.api.context import Context
from ringback.app import QUICK_S, Engine, spare_collector
from ringback.domain.http import Callback, HttpResponse
from ringback.panel import pages
from ringback.services import failpoints
from ringback.services.credentials_check import CredentialsCheck
from ringback.services.turned_away import worded
from ringback.transport.incoming import HotRoute
from ringback.transport.server import Server

# Seconds that requests under way have before the engine stops.
REQUESTS_S = 1.0
log = structlog.get_logger()


class Application:
    """What one worker serves: hot routes past the framework, the REST API for the rest."""

    def __init__(self, engine: Engine) -> None:
        """Mount the routes of an engine."""
        base = engine.settings.base_url
        routes = {
            "callback": HotRoute("/in/", failpoints.answering(engine.receiver.receive), base),
            "event": HotRoute(
                "/v1/events",
                failpoints.answering(engine.publisher.publish),
                base,
                method="POST",
                worded=lambda refused: worded(refused, engine.clock),
            ),
            "inspect": HotRoute("/inspect/", self._inspected, base),
            "fake": HotRoute("/fake/", engine.fakes.handle, base),
        }
        self.engine = engine
        self.api = build_api(
            Context(
                configuration=engine.configuration,
                database=engine.database,
                clock=engine.clock,
                public_url=base,
                health=engine.health,
                figures=engine.watch.figures,
                simulate=engine.simulator.simulate,
                player=engine.player,
                again=engine.again,
                trials=engine.trials,
                feed=engine.feed,
                answers=engine.answers,
                key_use=engine.key_use,
                session_use=engine.session_use,
                sign_in=engine.sign_in,
                store=engine.store,
                credentials=CredentialsCheck(engine.client, engine.guards),
                subscriber=engine.subscriber,
                request_log=engine.request_log,
                rate_limits=engine.rate_limits,
                held=engine.lease.held,
                own=engine.own,
                guards=engine.guards,
                retry_schedule=engine.settings.retry_schedule_s,
                trusted_proxies=engine.settings.proxy_networks,
            )
        )
        self.api.include_router(pages.router)
        self.server = Server(self.api, routes.values())
        engine.meters.doors.update({name: route.refused for name, route in routes.items()})
        engine.meters.doors["all"] = self.server.turned_away

    async def _inspected(self, name: str, callback: Callback) -> HttpResponse:
        assert self.engine.inspector is not None
        return await self.engine.inspector.handle(name, callback)

    async def start(self, listening: socket.socket) -> None:
        """Start the engine, then accept connections."""
        await self.engine.start()
        self.open(listening)

    def open(self, listening: socket.socket) -> None:
        """Accept connections; the engine runs already."""
        spare_collector()
        self.server.start(listening)

    async def stop(self, seconds: float = QUICK_S) -> None:
        """Take nothing new, give requests under way a moment, drain the engine, end the rest.

        `seconds` is how long deliveries under way are waited for.
        """
        self.server.stop_accepting()
        self.engine.push.stopping = True
        # Who waits for events would be waited for.
        await self.engine.feed.close()
        await self.server.drained(REQUESTS_S)
        if count := self.engine.push.active:
            some = f"{count} deliveries" if count > 1 else "1 delivery"
            words = f"waiting for {some}, up to {seconds:.0f} s; Ctrl-C again to stop now"
            log.info("worker.stopping", reason=words)
        await self.engine.stop(seconds)
        await self.server.close()
