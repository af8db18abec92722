"""Providers as people see them: what can be connected, with which settings, and what is shown.

The API knows no provider; everything it says about one comes from here.
"""

from typing import Any

import msgspec

from ringback.errors import Fault, Invalid
from ringback.providers import config, native_items, registry
from ringback.providers.base import Provider


class Listed(msgspec.Struct, frozen=True):
    """A provider in the list: `config_schema` is the JSON Schema of a connection's config."""

    name: str
    label: str
    channels: tuple[str, ...]
    documentation: str
    simulates: tuple[str, ...]
    config_schema: dict[str, object]


def names() -> list[str]:
    """Return the names of all providers, in order."""
    return sorted(registry.PROVIDERS)


def providers() -> list[Listed]:
    """List the providers in order of name."""
    return [
        Listed(
            name=provider.name,
            label=provider.label,
            channels=provider.channels,
            documentation=provider.documentation,
            simulates=tuple(provider.simulated),
            config_schema=config.json_schema(provider.Config),
        )
        for _, provider in sorted(registry.PROVIDERS.items())
    ]


def simulated(provider: str) -> tuple[str, ...]:
    """Return the statuses of which this provider's callbacks can be made. Raises Invalid."""
    return tuple(_get(provider).simulated)


def check_config(provider: str, raw: dict[str, object]) -> None:
    """Make sure that a connection to this provider can be configured so.

    Raises:
        Invalid: there is no such provider (`/provider`), or the config is wrong (`/config/…`).

    """
    try:
        config.load_config(_get(provider).Config, raw)
    except config.ConfigError as error:
        faults = [Fault(f"/config{pointer}", _sentence(said)) for pointer, said in error.faults]
        raise Invalid(*faults) from error


class Covers(msgspec.Struct, frozen=True):
    """What the proof of a callback covers: in words, and whether the URL is part of it."""

    words: str
    url: bool


def covers(provider: str, raw: dict[str, object]) -> Covers:
    """Say what proves where callbacks to a stored connection come from."""
    try:
        found = _get(provider)
        return Covers(*found.covers(config.load_config(found.Config, raw)))
    except (config.ConfigError, Invalid):
        return Covers("this version cannot read its config", url=False)


def redacted(provider: str, raw: dict[str, object]) -> dict[str, object] | None:
    """Return a stored config without its secrets; None when this version cannot read it."""
    try:
        return config.redact(config.load_config(_get(provider).Config, raw))
    except (config.ConfigError, Invalid):
        return None


def native_schema(template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON Schema of what native connections are sent, and the parts it refers to."""
    return native_items.schema(template)


def _get(name: str) -> Provider:
    try:
        return registry.get(name)
    except registry.UnknownProviderError as error:
        known = ", ".join(sorted(registry.PROVIDERS))
        detail = f"There is no such provider. There are: {known}."
        raise Invalid(Fault("/provider", detail)) from error


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:].rstrip(".") + "."
