"""Whether what proves a callback can still be verified once the callback is kept.

Credentials are hidden before anything is stored: what came with nothing else could never be read,
however often the secret is mended. Such connections refuse instead, so that the provider comes
again.
"""

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback, HttpRequest
from ringback.errors import Fault
from ringback.providers import registry
from ringback.providers.base import CannotSimulateError, OutboundMessage, Provider, ProviderConfig
from ringback.providers.config import ConfigError, load_config
from ringback.services.receive import at_public_url, stored_form

REFUSED = (
    "Credentials are not kept with a callback, so what this connection is verified by could not "
    "be checked again: nothing would ever be read from quarantine."
)
_TOKEN = "quarantined"  # noqa: S105
_URL = f"https://hooks.example.com/in/{_TOKEN}"


def as_it_came(callback: Callback, connection: Connection) -> Callback:
    """Return a stored callback with the URL at which it came."""
    token = f"/in/{connection.token}"
    came = msgspec.structs.replace(callback, url=callback.url.replace("/in/{token}", token, 1))
    return came if connection.public_url is None else at_public_url(came, connection)


def survives(provider: Provider, config: ProviderConfig, now_ms: int) -> bool:
    """Say whether callbacks that are proven as configured can be verified after being stored.

    Callbacks of every kind that can be played are tried; one must be verified as it
    comes, and all that are must be so when they are kept.
    """
    made = _samples(provider, config, now_ms)
    proven = [one for one in made if _fits(provider, config, one, now_ms)]
    return bool(proven) and all(
        _fits(provider, config, _kept(provider, config, one), now_ms) for one in proven
    )


def _samples(provider: Provider, config: ProviderConfig, now_ms: int) -> list[Callback]:
    message = OutboundMessage(
        "+15550123", "+15550100", provider.channels[0] if provider.channels else "sms",
        text="Hello", message_id="m1", at_ms=now_ms,
    )  # fmt: skip
    made = [HttpRequest("POST", _URL, (("Content-Type", "application/json"),), b"{}")]
    try:
        made = [provider.authenticate(one, config, now_ms) for one in made]
    except NotImplementedError:
        made = []
    for status in provider.simulated:
        try:
            made.append(provider.simulate(message, status, config, _URL))
        except CannotSimulateError:
            continue
    return [Callback(one.method, one.url, one.headers, one.body, "127.0.0.1") for one in made]


def _kept(provider: Provider, config: ProviderConfig, callback: Callback) -> Callback:
    kept = stored_form(provider.conceal(callback, config), _TOKEN, "quarantined")
    return msgspec.structs.replace(kept, url=kept.url.replace("/in/{token}", f"/in/{_TOKEN}", 1))


def _fits(provider: Provider, config: ProviderConfig, callback: Callback, now_ms: int) -> bool:
    return provider.verify(callback, config, now_ms).verdict == "ok"


def faults(provider_name: str, raw: dict[str, object], pointer: str, now_ms: int) -> list[Fault]:
    """Say at `pointer` that quarantine would lose callbacks of a connection configured so."""
    try:
        provider = registry.get(provider_name)
        config = load_config(provider.Config, raw)
    except (registry.UnknownProviderError, ConfigError):
        return [Fault(pointer, REFUSED)]
    return [] if survives(provider, config, now_ms) else [Fault(pointer, REFUSED)]
