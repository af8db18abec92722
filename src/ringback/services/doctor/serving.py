"""The server itself: workers that live, deliveries that wait, and whether it answers here."""

import asyncio
import ipaddress
from collections.abc import Sequence

import msgspec

from ringback.domain.ids import delivery_id
from ringback.domain.networks import Policy
from ringback.domain.targets import Target
from ringback.errors import RingbackError
from ringback.services.doctor.finding import (
    Check,
    Found,
    Ground,
    Group,
    count,
    ok,
    problem,
    warning,
)
from ringback.services.stuck import GRACE_S, LOOKED_AT, NAMED_MAX, START
from ringback.storage import doctor as stored
from ringback.storage import workers as worker_table
from ringback.transport.exchange import Exchange, Outgoing

# Workers beat every two seconds.
BEAT_S = 2.5
LATE_S = 60.0
VERY_LATE_S = 900.0
PATIENCE_S = 5.0
# Of the open deliveries, so many are gone through.
LOOKED_AT_MAX = 200_000


class _Ready(msgspec.Struct):
    ready: bool
    reasons: list[str] = []


async def ask(ground: Ground, url: str) -> Exchange:
    """Send a GET to an address that whoever runs this installation has named."""
    target = Target.parse(url)
    policy = Policy(
        allow_loopback=True, allow_http=True, allowed_hosts=frozenset({target.host}),
        allowed_networks=_EVERYWHERE, extra_ports=frozenset({target.port}),
    )  # fmt: skip
    return await ground.client.send(Outgoing("GET", target), policy=policy, deadline_s=PATIENCE_S)


_EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


async def _answers(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    place = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    try:
        answer = await ask(ground, f"{place}/readyz")
        said = msgspec.json.decode(answer.body, type=_Ready) if answer.status else None
    except (RingbackError, msgspec.DecodeError):
        said = None
        answer = Exchange(status=0)
    if answer.status is None:
        says = f"No server answers at {place}: {answer.detail}."
        return [warning(says, "Start it with `ringback up` or `ringback serve`.")]
    if said is None:
        says = f"Something else than Ringback answers at {place}."
        return [problem(says, "Stop it, or choose another RINGBACK_PORT.")]
    if not said.ready:
        return [problem(f"The server is not ready: {' '.join(said.reasons)}", _LOG)]
    return [ok(f"The server at {place} is ready.")]


_LOG = "Its log says more; the checks of the database and the clock may say why."


async def _living(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    before = await stored.workers(ground.connection)
    if not before:
        ground.workers = ()
        fix = "Start it with `ringback up` or `ringback serve`: callbacks are refused meanwhile."
        return [warning("No worker is registered: no server runs on this database.", fix)]
    await asyncio.sleep(BEAT_S)
    now = {each.id: each for each in await stored.workers(ground.connection)}
    silent = [each for each in before if each.id in now and now[each.id].beat == each.beat]
    ground.workers = tuple(now.values())
    living = len(now) - len(silent)
    if not living:
        says = f"{count(len(silent), 'worker')} registered, and none of them beats."
        return [warning(says, "No server runs: start it, and what they had is sent at once.")]
    found = [ok(f"{count(living, 'worker')} living.")]
    if silent:
        says = f"{count(len(silent), 'worker')} registered that did not beat for {BEAT_S:g} s."
        fix = "The others take over what it had within 20 s; if this stays, read their logs."
        found.append(warning(says, fix))
    return found


async def _configured(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    version = await stored.config_version(ground.connection)
    behind = [each for each in ground.workers if each.config_seen < version]
    if behind:
        says = f"{count(len(behind), 'worker')} with an older configuration than version {version}."
        fix = "A change takes moments; if this stays, see the worker's log, or restart it."
        return [warning(says, fix)]
    return [ok("Every worker has the newest configuration.")]


async def _backlog(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    seconds, due, _ = await worker_table.waiting(ground.connection, [])
    if not due:
        return [ok("No delivery is overdue.")]
    many = f"{due:,}" if due < 10_000 else "10,000 or more"
    says = f"Deliveries that are due and with nobody: {many}; the oldest for {seconds:.0f} s."
    fix = "See in /metrics which endpoints are slow; if all are, add workers."
    if not ground.workers:
        fix = "Start the server: they are sent at once."
    if seconds > VERY_LATE_S:
        return [problem(says, fix)]
    return [warning(says, fix) if seconds > LATE_S else ok(says)]


async def _stuck(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    places: list[worker_table.Place] = []
    after: worker_table.Place | None = START
    looked = 0
    while after is not None and looked < LOOKED_AT_MAX:
        async with ground.connection.transaction():
            turn = await worker_table.stuck(ground.connection, after, LOOKED_AT, GRACE_S)
        if turn is None:
            break  # a worker looks just now
        places += turn.stuck
        looked += LOOKED_AT
        after = turn.last
    if not places:
        return [ok("Every open delivery has somebody who will send it.")]
    named = ", ".join(delivery_id(place[1], place[2]) for place in places[:NAMED_MAX])
    says = f"Nobody would ever send {count(len(places), 'delivery', 'deliveries')}: {named}."
    if not ground.workers:
        return [warning(says, "Start the server: it takes over what workers that died have left.")]
    fix = "Restart the server, which gives them back, and report it: this is a defect."
    return [problem(says, fix)]


GROUP = Group(
    "server",
    "Server",
    (
        Check(
            "server.workers", "workers that live, by their heartbeats",
            "none, or one that does not beat", _living, ("migrated",),
        ),
        Check(
            "server.answers", "`/readyz` at the address of the settings",
            "nobody answers (a warning: it may run elsewhere), another program does, or it is not "
            "ready",
            _answers, ("settings",),
        ),
        Check(
            "server.configuration", "whether every worker has the newest configuration",
            "one is behind", _configured, ("migrated",),
        ),
        Check(
            "server.backlog", "deliveries that are due and with nobody",
            f"the oldest is overdue for more than {LATE_S:.0f} s; after {VERY_LATE_S / 60:.0f} min "
            "a problem",
            _backlog, ("migrated",),
        ),
        Check(
            "server.stuck", "deliveries that nobody would ever send",
            "there is one: a defect, unless no server runs", _stuck, ("migrated",),
        ),
    ),
)  # fmt: skip
