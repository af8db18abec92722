"""Endpoints and connections as the engine sees them, and the modes that keep test from live."""

import uuid
from enum import IntEnum

import msgspec


class Mode(IntEnum):
    """Live or test. It belongs to the key and is inherited by everything made with it."""

    LIVE = 1
    TEST = 2

    @property
    def word(self) -> str:
        """How people write it: `live` or `test`."""
        return self.name.lower()


class Endpoint(msgspec.Struct, frozen=True):
    """A business's URL that receives events; `keys` are its active signing keys, newest first.

    `no` is its number in hot tables. `disabled` endpoints get nothing new.
    """

    no: int
    id: uuid.UUID
    tenant: int
    mode: Mode
    url: str
    event_types: tuple[str, ...]
    keys: tuple[bytes, ...]
    disabled: bool = False


class Connection(msgspec.Struct, frozen=True):
    """One configured provider account. `config` is the provider's own Config, decrypted."""

    no: int
    id: uuid.UUID
    tenant: int
    mode: Mode
    provider: str
    name: str
    token: str
    config: msgspec.Struct


class ApiKey(msgspec.Struct, frozen=True):
    """Who asks: the tenant and the mode that a key stands for."""

    id: uuid.UUID
    tenant: int
    mode: Mode
    expires_ms: int | None = None


class Tenant(msgspec.Struct, frozen=True):
    """An isolated customer of this installation."""

    no: int
    id: uuid.UUID
    name: str
