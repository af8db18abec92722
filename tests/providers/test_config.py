"""Configs: every fault at once, no secret shown, a schema for the form; and the registry."""

from collections.abc import Iterator

import pytest
from msgspec import inspect

from ringback.providers.base import Provider
from ringback.providers.config import (
    ConfigError,
    json_schema,
    load_config,
    redact,
    secret_fields,
)
from ringback.providers.keywords import OPT_IN, OPT_OUT
from ringback.providers.registry import PROVIDERS, UnknownProviderError, get

from .cases import config_of, raw_config

WHATSAPP = PROVIDERS["whatsapp"].Config
by_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)


def test_every_fault_is_named_at_once() -> None:
    """Missing, unknown and mistyped fields come back together, by JSON pointer."""
    raw = {"verify_token": 1, "x/~y": 2, "access_token": "", "phone_number_id": "12a"}
    with pytest.raises(ConfigError) as caught:
        load_config(WHATSAPP, raw)
    pointers = [pointer for pointer, _ in caught.value.faults]
    expected = ["/access_token", "/app_secret", "/phone_number_id", "/verify_token", "/x~1~0y"]
    assert expected == sorted(pointers)
    assert "/app_secret: is required" in str(caught.value)


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_a_config_is_an_object(raw: object) -> None:
    """Anything else is refused as a whole."""
    with pytest.raises(ConfigError, match="must be an object"):
        load_config(WHATSAPP, raw)


def test_no_fault_repeats_a_value() -> None:
    """An error can be shown and logged: what was entered is not in it."""
    raw = {"app_secret": "hunter2\n", "verify_token": ["hunter2"], "access_token": "hunter2\x00"}
    with pytest.raises(ConfigError) as caught:
        load_config(WHATSAPP, raw)
    assert len(caught.value.faults) == 3
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "a\n", "a\r\nX: y", "é", "\x00", "x" * 257])
def test_secrets_are_plain_and_bounded(value: str) -> None:
    """What goes into a header can hold no line end, and everything has a maximum."""
    with pytest.raises(ConfigError):
        load_config(WHATSAPP, {"app_secret": value, "verify_token": "x"})


@by_provider
def test_secrets_never_show(provider: Provider) -> None:
    """Neither the redacted config nor any repr holds a secret; the rest stays readable."""
    long = {name: f"a-very-long-{name}-1234" for name in secret_fields(provider.Config)}
    raw = {**raw_config(provider), **long}
    config = load_config(provider.Config, raw)
    plain = redact(config)
    for name, value in long.items():
        assert plain[name] == "…1234"
        assert value not in f"{config!r}{config}{plain}"
    for name, kept in raw.items():
        assert name in long or isinstance(kept, dict) or plain[name] == kept


def test_a_short_secret_shows_nothing_and_a_missing_one_stays_missing() -> None:
    """Four characters of eight would be too much."""
    config = load_config(WHATSAPP, {"app_secret": "12345678", "verify_token": "12345678901"})
    assert redact(config) == {
        "app_secret": "set",
        "verify_token": "set",
        "access_token": None,
        "phone_number_id": None,
        "account_id": None,
        "graph_version": "v25.0",
        "base_url": "",
        "token_header": "",
        "opt_out_words": [*OPT_OUT],
        "opt_in_words": [*OPT_IN],
    }


def test_the_secret_fields_are_known() -> None:
    """What is encrypted and redacted is derived from the declaration."""
    found = {name: secret_fields(provider.Config) for name, provider in PROVIDERS.items()}
    assert found == {
        "whatsapp": {"app_secret", "verify_token", "access_token"},
        "bandwidth": {"password", "api_password", "client_secret", "toll_free_secret"},
        "simulator": {"secret"},
        "generic": set(),
        "smsportal": {"api_secret"},
        "native": set(),
        "linkmobility": {"token", "client_secret"},
        "twilio": {"auth_token", "shared_key", "callback_password", "api_key_secret"},
        "pswin": {"callback_secret", "password"},
        "link_cool": {"callback_secret", "api_key"},
        "textellent": {"callback_secret", "auth_code"},
    }


@by_provider
def test_the_schema_makes_a_form(provider: Provider) -> None:
    """Every field has help text, secrets are write-only, and the recordings' config fits."""
    schema = json_schema(provider.Config)
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    for name, field in properties.items():
        told = field.get("description") or field["anyOf"][0].get("description")
        assert told, name
        assert (name in secret_fields(provider.Config)) == field.get("writeOnly", False)
    assert set(required) <= set(raw_config(provider)) <= set(properties)
    assert isinstance(config_of(provider), provider.Config)


def _unions(kind: inspect.Type) -> Iterator[inspect.UnionType]:
    if isinstance(kind, inspect.UnionType):
        yield kind
    inner: list[inspect.Type] = []
    if isinstance(kind, inspect.StructType):
        inner = [field.type for field in kind.fields]
    elif isinstance(kind, inspect.UnionType):
        inner = list(kind.types)
    elif isinstance(kind, inspect.Metadata):
        inner = [kind.type]
    elif isinstance(kind, inspect.ListType):
        inner = [kind.item_type]
    for one in inner:
        yield from _unions(one)


def _plain(kind: inspect.Type) -> inspect.Type:
    return _plain(kind.type) if isinstance(kind, inspect.Metadata) else kind


@by_provider
def test_no_config_has_a_type_that_crashes_the_library(provider: Provider) -> None:
    """The library frees the pattern of a string twice where it is united with a list or object."""
    for union in _unions(inspect.type_info(provider.Config)):
        kinds = [_plain(one) for one in union.types]
        patterned = [one for one in kinds if isinstance(one, inspect.StrType) and one.pattern]
        assert (
            not patterned or len([one for one in kinds if type(one) is not inspect.NoneType]) == 1
        )


def test_the_registry_names_what_it_knows() -> None:
    """A name that is unknown gets the list of those that are."""
    assert get("whatsapp") is PROVIDERS["whatsapp"]
    with pytest.raises(UnknownProviderError, match=", ".join(sorted(PROVIDERS))):
        get("whatsap")
