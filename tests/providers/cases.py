"""The recorded callbacks, as the contract tests see them: provider, config, request, golden."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ringback.domain.http import Callback
from ringback.providers.base import Provider, ProviderConfig
from ringback.providers.config import load_config
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


def _load() -> list[Case]:
    found = []
    for provider in PROVIDERS.values():
        config = config_of(provider)
        for path in sorted((PAYLOADS / provider.name).glob("*.http")):
            golden = json.loads(path.with_suffix(".json").read_bytes())
            callback = read_request(path.read_bytes())
            found.append(Case(provider, config, path.stem, callback, golden))
    return found


CASES = _load()
GENUINE = [case for case in CASES if case.genuine]


def signed(provider: Provider, config: ProviderConfig, body: bytes) -> Callback:
    """Make a genuine callback with a body of our choice."""
    headers = provider.sign(body, config, NOW_MS)
    return Callback("POST", "https://hooks.example/in/example", headers, body)


def with_headers(callback: Callback, *headers: tuple[str, str]) -> Callback:
    """Replace all headers of a callback."""
    return msgspec.structs.replace(callback, headers=headers)


def flipped(value: bytes, dice: random.Random) -> bytes:
    """Return `value` with one random bit turned over."""
    place = dice.randrange(len(value) * 8)
    changed = bytearray(value)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)
