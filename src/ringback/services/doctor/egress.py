"""The way out: names, the guard's rules, trust in certificates, and proxies that are not used."""

import asyncio
from collections.abc import Sequence

from ringback.domain.endpoints import Endpoint
from ringback.domain.ids import show
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
    skipped,
    warning,
)
from ringback.services.guards import Guards
from ringback.transport import trust
from ringback.transport.client import Client

TRIED_MAX = 100
AT_ONCE_MAX = 10
PATIENCE_S = 5.0
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


async def _proxies(ground: Ground) -> Sequence[Found]:
    given = [name for name in ground.environment if name.lower() in _PROXIES]
    if given:
        return [
            warning(
                f"{', '.join(sorted(given))} set: Ringback does not use it and goes directly.",
                "Unset it to be rid of this; if nothing leaves this machine without the proxy, "
                "open a direct way out.",
            )
        ]
    return [ok("No proxy is set.")]


async def _rules(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    if settings.allow_metadata and not settings.lock_egress:
        return [
            warning(
                "RINGBACK_ALLOW_METADATA is on: endpoints can be opened for link-local addresses, "
                "where clouds hand out credentials.",
                "Switch it off unless an endpoint of yours is there.",
            )
        ]
    lock = "nothing else can be opened" if settings.lock_egress else "owners may open their own"
    return [ok(f"Deliveries go to public addresses, at ports 80 and 443; {lock}.")]


async def _authorities(ground: Ground) -> Sequence[Found]:
    del ground
    known = await asyncio.to_thread(trust.authorities)
    if known == 0:
        return [
            problem(
                "This machine trusts no certificate authority: no https delivery can be made.",
                "Install the system's ca-certificates; in a container, add the package.",
            )
        ]
    return [ok("Certificates are checked against the system's authorities.")]


async def _endpoints(ground: Ground) -> Sequence[Found]:
    settings, everything = ground.settings, ground.everything
    assert settings is not None
    assert everything is not None
    enabled = [row for row in everything.endpoints if not row.engine.disabled and row.engine.url]
    if not enabled:
        return [skipped("There is no endpoint whose address could be looked up.")]
    guards = Guards(settings.lock_egress, settings.allow_metadata)
    gate = asyncio.Semaphore(AT_ONCE_MAX)
    said = await asyncio.gather(
        *[_judge(ground.client, guards, gate, row.engine) for row in enabled[:TRIED_MAX]]
    )
    found = [each for each in said if each is not None]
    tried = min(len(enabled), TRIED_MAX)
    return found or [ok(f"{count(tried, 'endpoint')}: each has an address that may be sent to.")]


async def _judge(
    client: Client, guards: Guards, gate: asyncio.Semaphore, endpoint: Endpoint
) -> Found | None:
    name = show("end", endpoint.id)
    try:
        target = Target.parse(endpoint.url)
        policy = guards.policy(endpoint.mode, endpoint.policy)
    except (RingbackError, ValueError) as error:
        return warning(f"{name}: {error}", "Its owner mends its URL.")
    async with gate:
        judged = await client.judge(target, policy, PATIENCE_S)
    if judged.verdict is not None and not judged.verdict.allowed:
        advice = guards.advice(target, judged.verdict, endpoint.policy).words
        fix = advice or "Its owner gives it another URL."
        return warning(f"{name} is not sent to: {judged.verdict.reason}.", fix)
    if judged.error is not None:
        fix = "See this machine's DNS (resolv.conf); or the endpoint's owner mends its URL."
        return warning(f"{name}: {judged.detail}.", fix)
    return None


GROUP = Group(
    "egress",
    "The way out",
    (
        Check(
            "egress.proxies", "proxies in the environment", "there is one: it is not used",
            _proxies,
        ),
        Check(
            "egress.rules", "`RINGBACK_LOCK_EGRESS` and `RINGBACK_ALLOW_METADATA`",
            "metadata addresses may be opened", _rules, ("settings",),
        ),
        Check(
            "egress.authorities", "the certificate authorities that are trusted", "there are none",
            _authorities,
        ),
        Check(
            "egress.endpoints",
            f"names of up to {TRIED_MAX} endpoints, and the guard's verdict",
            "a name has no address, or its addresses are refused", _endpoints,
            ("settings", "everything"),
        ),
    ),
)  # fmt: skip
