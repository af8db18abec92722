"""The recorded callbacks, as the contract tests see them: provider, config, request, golden."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ringback.domain.http import Callback, HttpRequest
from ringback.providers.base import OutboundMessage, Provider, ProviderConfig
from ringback.providers.config import load_config, secret_fields
from ringback.providers.recorded import NOW_MS, read_request
from ringback.providers.registry import PROVIDERS

PAYLOADS = Path(__file__).parents[2] / "src" / "ringback" / "providers" / "payloads"
NOT_GENUINE = ("refused", "challenge", "handshake")


@dataclass(frozen=True)
class Case:
    """One recorded callback."""

    provider: Provider
    config: ProviderConfig
    name: str
    callback: Callback
    golden: object

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.name}"

    @property
    def genuine(self) -> bool:
        """Whether the provider itself would have sent it."""
        return not self.name.startswith(NOT_GENUINE)


def raw_config(provider: Provider) -> dict[str, object]:
    """Return the config of a provider's recordings, as it stands in the file."""
    found = json.loads((PAYLOADS / provider.name / "config.json").read_bytes())
    assert isinstance(found, dict)
    return found


def config_of(provider: Provider) -> ProviderConfig:
    """Return the config that a provider's recordings hold for."""
    return load_config(provider.Config, raw_config(provider))


def config_at(path: Path, provider: Provider) -> ProviderConfig:
    """Return the config of one recording: its own where it has one, else its folder's."""
    own = path.with_suffix(".config.json")
    if not own.exists():
        return config_of(provider)
    return load_config(provider.Config, json.loads(own.read_bytes()))


def secrets_in(config: object) -> list[str]:
    """Collect the secrets of a config, however deep they stand."""
    if isinstance(config, list):
        return [found for one in config for found in secrets_in(one)]
    if not isinstance(config, msgspec.Struct):
        return []
    found: list[str] = []
    hidden = secret_fields(type(config))
    for field in msgspec.structs.fields(config):
        value = getattr(config, field.name)
        if field.encode_name in hidden:
            found += value if isinstance(value, list) else [value] if value else []
        else:
            found += secrets_in(value)
    return found


def _load() -> list[Case]:
    found = []
    for provider in PROVIDERS.values():
        for path in sorted((PAYLOADS / provider.name).glob("*.http")):
            config = config_at(path, provider)
            golden = json.loads(path.with_suffix(".json").read_bytes())
            callback = read_request(path.read_bytes())
            found.append(Case(provider, config, path.stem, callback, golden))
    return found


CASES = _load()
GENUINE = [case for case in CASES if case.genuine]
# Adapters that know what a callback means; the others pass on what they verified.
READERS = [provider for provider in PROVIDERS.values() if provider.STATUS]
READ = [case for case in CASES if case.provider in READERS]
GENUINE_READ = [case for case in GENUINE if case.provider in READERS]


def sendable(provider: Provider, **changes: object) -> OutboundMessage:
    """Make a message that can be sent through a provider."""
    message = OutboundMessage(
        to="+15550100123", from_="+15550100900", channel=provider.channels[0], text="Hello",
        reference="order-48213", at_ms=NOW_MS,
    )  # fmt: skip
    return msgspec.structs.replace(message, **changes)


def signed(provider: Provider, config: ProviderConfig, body: bytes) -> Callback:
    """Make a genuine callback with a body of our choice."""
    return arrived(
        provider.authenticate(
            HttpRequest("POST", "https://hooks.example/in/example", (), body), config, NOW_MS
        )
    )


def arrived(request: HttpRequest) -> Callback:
    """Turn a request that somebody is to send into the callback that comes in."""
    return Callback(request.method, request.url, request.headers, request.body)


def with_headers(callback: Callback, *headers: tuple[str, str]) -> Callback:
    """Replace all headers of a callback."""
    return msgspec.structs.replace(callback, headers=headers)


def flipped(value: bytes, dice: random.Random) -> bytes:
    """Return `value` with one random bit turned over."""
    place = dice.randrange(len(value) * 8)
    changed = bytearray(value)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)
