"""The public URL: whether providers reach us there, and whether it is the one that they sign."""

import ipaddress
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ringback.domain.ids import show
from ringback.domain.networks import find_block
from ringback.domain.signature_check import words
from ringback.domain.targets import Target
from ringback.errors import RingbackError
from ringback.services.catalogue import covers
from ringback.services.doctor.finding import (
    Check,
    Found,
    Ground,
    Group,
    ok,
    problem,
    skipped,
    warning,
)
from ringback.services.doctor.serving import ask
from ringback.transport.exchange import Exchange

SOON_S = 21 * 86_400
VERY_SOON_S = 3 * 86_400
LISTED_MAX = 20
_SET = "Set RINGBACK_PUBLIC_URL to the https URL at which providers reach this server."
_PROXY = "See that the proxy passes that host and path on to this server, unchanged."


async def _form(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    if not settings.public_url:
        says = (
            f"There is none; callbacks are expected at {settings.base_url}, on this machine only."
        )
        return [warning(says, _SET)]
    try:
        target = Target.parse(settings.base_url)
    except RingbackError as error:
        return [problem(f"It is no URL that anybody can call: {error}", _SET)]
    if "?" in settings.public_url or "#" in settings.public_url:
        return [problem("It has a query or a fragment.", "Leave only scheme, host, port and path.")]
    if _is_here(target):
        return [warning(f"{settings.base_url} is this machine: no provider reaches it.", _SET)]
    if target.scheme != "https":
        says = (
            f"{settings.base_url} is plain http: callbacks travel readable, and Meta calls https "
        )
        return [problem(f"{says}only.", "Put a proxy with TLS before it, and write https.")]
    if target.port not in {443, 8443}:
        says = f"{settings.base_url}: some providers call no other port than 443."
        return [warning(says, "Use the standard port if a provider refuses the URL.")]
    return [ok(f"{settings.base_url}")]


def _is_here(target: Target) -> bool:
    if target.literal:
        return find_block(ipaddress.ip_address(target.host)).kind != "public"
    return target.host == "localhost" or "." not in target.host


async def _reached(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    if not settings.public_url:
        return [skipped("There is no public URL.")]
    try:
        answer = await ask(ground, f"{settings.base_url}/healthz")
    except RingbackError:
        return [skipped("The public URL cannot be read.")]
    if answer.error == "dns":
        fix = "Make a DNS record for it, or mend RINGBACK_PUBLIC_URL."
        return [problem(f"{answer.detail}.", fix)]
    if answer.error == "tls":
        return [skipped("See the certificate, below.")]
    if answer.status is None:
        fix = (
            "See whether the proxy runs and its port is open. If only this machine cannot reach it "
            "(no way back into the own network), callbacks may come all the same."
        )
        return [warning(f"{settings.base_url} cannot be reached from here: {answer.detail}.", fix)]
    if not _is_ours(answer):
        says = f"{settings.base_url}/healthz is answered {answer.status}, and not by Ringback."
        return [problem(says, _PROXY)]
    return [ok(f"Ringback answers there, at {answer.address[0] if answer.address else 'it'}.")]


def _is_ours(answer: Exchange) -> bool:
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return False
    return answer.status == 200 and said == {"status": "ok"}


async def _certificate(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    if not settings.base_url.startswith("https:"):
        return [skipped("The public URL is not https.")]
    try:
        answer = await ask(ground, f"{settings.base_url}/healthz")
    except RingbackError:
        return [skipped("The public URL cannot be read.")]
    if answer.error == "tls":
        return [
            problem(f"{answer.detail[:1].upper()}{answer.detail[1:]}.", _tls_fix(answer.detail))
        ]
    if answer.tls is None or answer.tls.expires_at is None:
        return [skipped("Nobody was reached.")]
    left = answer.tls.expires_at - int(time.time())
    until = datetime.fromtimestamp(answer.tls.expires_at, UTC)
    says = f"Trusted, for the right name, until {until:%Y-%m-%d} ({words(left)} from now)."
    fix = "Renew it now, and see why that does not happen by itself."
    if left < VERY_SOON_S:
        return [problem(says, fix)]
    return [warning(says, fix) if left < SOON_S else ok(says)]


def _tls_fix(detail: str) -> str:
    if "expired" in detail:
        return "Renew the certificate, and let the proxy read it again."
    if "mismatch" in detail:
        return "Use a certificate for that very name, or mend the host in RINGBACK_PUBLIC_URL."
    if "self-signed" in detail or "self signed" in detail:
        return "Use a certificate of a public authority: providers trust no other."
    if "issuer" in detail:
        return "Let the proxy send the whole chain (fullchain.pem), with the intermediates."
    return "See the TLS settings of the proxy: TLS 1.2 or newer, a valid certificate."


async def _signed(ground: Ground) -> Sequence[Found]:
    settings, everything = ground.settings, ground.everything
    assert settings is not None
    assert everything is not None
    if not everything.connections:
        return [ok("There is no connection yet.")]
    found = []
    for connection in everything.connections[:LISTED_MAX]:
        what = covers(connection.provider, connection.config)
        # The end of the URL lets in whoever knows it, where nothing else is checked.
        base = connection.public_url or settings.base_url
        url = f"{base}/in/{connection.token[:4]}…"
        name = f"{show('con', connection.id)} ({connection.provider}, {connection.mode.word})"
        says = f"{name} is called at {url}; {what.words}."
        if what.url and not (connection.public_url or settings.public_url):
            fix = f"{_SET} It must be, letter for letter, the one that the provider was given."
            found.append(problem(f"{says} Without a public URL no signature fits.", fix))
        else:
            found.append(ok(says))
    more = len(everything.connections) - LISTED_MAX
    if more > 0:
        found.append(skipped(f"{more} more connections are not listed."))
    return found


GROUP = Group(
    "public_url",
    "Public URL",
    (
        Check(
            "public_url.form", "`RINGBACK_PUBLIC_URL`",
            "there is none, it is this machine, or has an unusual port; plain http at a public "
            "name, a query or a fragment is a problem",
            _form, ("settings",),
        ),
        Check(
            "public_url.reached", "`/healthz` there, asked from here",
            "nobody answers; an unknown name or another program is a problem", _reached,
            ("settings",),
        ),
        Check(
            "public_url.certificate", "its certificate: trust, name, end",
            f"it ends within {SOON_S // 86_400} days; within {VERY_SOON_S // 86_400} days, "
            "expired, not trusted or for another name is a problem",
            _certificate, ("settings",),
        ),
        Check(
            "public_url.signed", "each connection's callback URL, and what its provider's proof "
            "covers",
            "a signature covers the URL and no public URL is set", _signed,
            ("settings", "everything"),
        ),
    ),
)  # fmt: skip
