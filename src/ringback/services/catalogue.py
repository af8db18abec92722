"""Providers as people see them: what can be connected, with which settings, and what is shown.

The API knows no provider; everything it says about one comes from here.
"""

import functools
import secrets
from importlib import resources
from typing import Any

import msgspec

from ringback.domain.messages import STATUS_CODE, Status
from ringback.errors import Fault, Invalid
from ringback.providers import config, native_items, registry
from ringback.providers.base import Provider
from ringback.providers.error_table import ErrorTable
from ringback.providers.presets import PRESETS
from ringback.providers.subscribing import Subscribing


class Code(msgspec.Struct, frozen=True):
    """What a provider's code, or a range of codes, means in our words."""

    codes: str
    class_: str
    code: str
    status: str
    retryable: bool
    opt_out: bool


class Listed(msgspec.Struct, frozen=True):
    """A provider in the list: `config_schema` is the JSON Schema of a connection's config.

    `example_config` has made-up values with which it can be tried; `batches` says that one
    callback may tell of several messages, `subscribes` what it can be told by its API; "": nothing.
    """

    name: str
    label: str
    channels: tuple[str, ...]
    documentation: str
    reports: tuple[str, ...]
    inbound: bool
    simulates: tuple[str, ...]
    config_schema: dict[str, object]
    sends: tuple[str, ...]
    refusals: tuple[str, ...]
    batches: bool
    subscribes: str
    errors: tuple[Code, ...]
    setup: str
    example_config: dict[str, object]


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
            reports=_reports(provider),
            inbound=provider.inbound,
            simulates=tuple(provider.simulated),
            config_schema=config.json_schema(provider.Config),
            sends=sends(provider.name),
            refusals=provider.refusals,
            batches=provider.batches,
            subscribes=provider.subscribes if isinstance(provider, Subscribing) else "",
            errors=_errors(provider),
            setup=provider.setup,
            example_config=example_config(provider.name),
        )
        for _, provider in sorted(registry.PROVIDERS.items())
    ]


class ListedPreset(msgspec.Struct, frozen=True):
    """A ready mapping in the list."""

    name: str
    label: str
    note: str
    documentation: str
    verified: bool
    mapping: dict[str, Any]


def presets() -> list[ListedPreset]:
    """List the ready mappings in order of name."""
    return [
        ListedPreset(
            name=preset.name,
            label=preset.label,
            note=preset.note,
            documentation=preset.documentation,
            verified=preset.verified,
            mapping=msgspec.to_builtins(preset.mapping),
        )
        for _, preset in sorted(PRESETS.items())
    ]


def simulated(provider: str) -> tuple[str, ...]:
    """Return the statuses of which this provider's callbacks can be made. Raises Invalid."""
    return tuple(_get(provider).simulated)


def sends(provider: str) -> tuple[str, ...]:
    """Return the kinds of content that this provider's fake takes. Raises Invalid."""
    found = _get(provider)
    return found.sends if found.faked else ()


def batches(provider: str) -> bool:
    """Say whether one callback of this provider may tell of several messages. Raises Invalid."""
    return _get(provider).batches


def codes_of_class(provider: str, class_: str) -> list[str]:
    """Return this provider's codes for a class of errors; one of a range. Raises Invalid."""
    rules = _get(provider).ERRORS
    table = ErrorTable(rules)
    found = [table.example(row) for row, rule in rules.items() if rule.class_ == class_]
    return [code for code in found if code is not None]


def refusals(provider: str) -> tuple[str, ...]:
    """Return the codes that this provider's send API refuses with. Raises Invalid."""
    return _get(provider).refusals


@functools.cache
def _example(provider: str) -> bytes:
    folder = resources.files("ringback.providers").joinpath("payloads", provider)
    return folder.joinpath("config.json").read_bytes()


def example_config(provider: str) -> dict[str, object]:
    """Return the made-up settings that a provider's recordings are read with."""
    return msgspec.json.decode(_example(provider), type=dict[str, object])


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


def made_up(provider: str, raw: dict[str, object]) -> dict[str, str]:
    """Make up what a config lacks and we choose: a random secret, and our name."""
    if provider not in registry.PROVIDERS:
        return {}
    kind = registry.get(provider).Config
    hidden = config.secret_fields(kind)
    needed = {field.encode_name for field in msgspec.structs.fields(kind) if field.required}
    return {
        name: secrets.token_hex(16) if name in hidden else "ringback"
        for name in sorted(config.chosen_fields(kind) & needed)
        if raw.get(name) is None
    }


def url_to_enter(provider: str, raw: dict[str, object], url: str) -> str:
    """Return a callback URL as it is to be entered at the provider, with the proof in it, if any.

    Raises Invalid.
    """
    found = _get(provider)
    return found.url_to_enter(url, config.load_config(found.Config, raw))


def destinations(provider: str) -> dict[str, tuple[str, ...]]:
    """Return the config fields that say where secrets are sent, each with those secrets."""
    return _get(provider).destinations


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


def _reports(provider: Provider) -> tuple[Status, ...]:
    """Return what its callbacks can tell of, as declared, in the order of a message's life.

    Nothing where that depends on the mapping of a connection.
    """
    told = {*provider.tells, *provider.STATUS.values()}
    told |= {one.status for one in provider.ERRORS.values()} if told else set()
    return tuple(one for one in STATUS_CODE if one in told)


def _errors(provider: Provider) -> tuple[Code, ...]:
    return tuple(
        Code(codes, rule.class_, rule.code, rule.status, rule.retryable, rule.opt_out)
        for codes, rule in provider.ERRORS.items()
    )


def _get(name: str) -> Provider:
    try:
        return registry.get(name)
    except registry.UnknownProviderError as error:
        known = ", ".join(sorted(registry.PROVIDERS))
        detail = f"There is no such provider. There are: {known}."
        raise Invalid(Fault("/provider", detail)) from error


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:].rstrip(".") + "."
