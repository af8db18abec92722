"""Endpoints and connections as the engine sees them, and the modes that keep test from live."""

import uuid
from enum import IntEnum
from typing import Literal

import msgspec


class Mode(IntEnum):
    """Live or test. It belongs to the key and is inherited by everything made with it."""

    LIVE = 1
    TEST = 2

    @property
    def word(self) -> str:
        """How people write it: `live` or `test`."""
        return self.name.lower()


Order = Literal["message", "endpoint", "none"]


class DeliveryPolicy(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How an endpoint wants to be delivered to.

    `order` names the lane: events of one message one after the other (the default), all events of
    the endpoint one after the other, or none. `schedule_s` are the waits after each failed attempt
    in seconds (None: as usual in this installation); `give_up_on` are statuses after which nothing
    is tried again. `allowed_networks` (CIDR) and `allowed_hosts` (names, or `*.` and a name) are
    what an owner has opened of private networks for this endpoint, `allowed_ports` what beside 80
    and 443.
    """

    order: Order = "message"
    schedule_s: tuple[int, ...] | None = None
    timeout_s: float = 15.0
    concurrency: int = 32
    give_up_on: tuple[int, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_ports: tuple[int, ...] = ()


class Endpoint(msgspec.Struct, frozen=True):
    """A business's URL that receives events; `keys` are its active signing keys, newest first.

    One without a URL listens: it is told on a stream, and nothing is sent to it.

    `no` is its number in hot tables. `disabled` endpoints get nothing new. `retiring` are older
    keys and until when (milliseconds since 1970) they sign as well; `headers` are its owner's.
    """

    no: int
    id: uuid.UUID
    tenant: int
    mode: Mode
    url: str
    event_types: tuple[str, ...]
    keys: tuple[bytes, ...]
    disabled: bool = False
    policy: DeliveryPolicy = DeliveryPolicy()
    headers: tuple[tuple[str, str], ...] = ()
    retiring: tuple[tuple[bytes, int], ...] = ()

    @property
    def listens(self) -> bool:
        """Whether it is told on a stream that it asks for."""
        return not self.url

    def signing_keys(self, now_ms: int) -> tuple[bytes, ...]:
        """Return the keys that sign an attempt made now, newest first."""
        if not self.retiring:
            return self.keys
        return (*self.keys, *(key for key, until in self.retiring if until > now_ms))


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Since when (milliseconds since 1970) something is paused, by whom, and why.

    `by` is an API key, or a `person`; None: the installation itself.
    """

    since: int
    by: uuid.UUID | None = None
    person: bool = False
    reason: str = ""


class Pauses(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is paused of a connection.

    With `intake` paused callbacks are told to come again, with `processing` paused they are stored
    and not read. What was held is read once it is `resumed` (milliseconds since 1970); None when
    nothing is left of it.
    """

    intake: Pause | None = None
    processing: Pause | None = None
    resumed: int | None = None

    @property
    def any(self) -> bool:
        """Whether anything is paused."""
        return self.intake is not None or self.processing is not None

    @property
    def may_hold(self) -> bool:
        """Whether there may be callbacks that are held."""
        return self.processing is not None or self.resumed is not None


class Connection(msgspec.Struct, frozen=True):
    """One configured provider account. `config` is the provider's own Config, decrypted.

    `public_url` is where its provider reaches this installation, if not where everybody does.
    `previous` are earlier configs, newest first, and until when (milliseconds since 1970) they
    count as well. With `quarantine` a callback whose proof fails is kept instead of refused.
    """

    no: int
    id: uuid.UUID
    tenant: int
    mode: Mode
    provider: str
    name: str
    token: str
    config: msgspec.Struct
    public_url: str | None = None
    quarantine: bool = False
    previous: tuple[tuple[msgspec.Struct, int], ...] = ()
    pauses: Pauses = Pauses()


class ApiKey(msgspec.Struct, frozen=True):
    """Who asks: the tenant and the mode that a key stands for.

    An operator key stands for no tenant (0) and no mode: it says with each request for whom it
    acts. `scopes` is None for a key that has all of its kind. `rate` is how many requests a second
    it may make and `burst` how many at once; None: its tenant's, or the installation's.
    A `masked` one is shown no numbers and no texts, like whoever made it.
    """

    id: uuid.UUID
    tenant: int
    mode: Mode | None
    expires_ms: int | None = None
    scopes: frozenset[str] | None = None
    rate: int | None = None
    burst: int | None = None
    masked: bool = False

    @property
    def operator(self) -> bool:
        """Whether it belongs to the installation."""
        return self.tenant == 0


class Tenant(msgspec.Struct, frozen=True):
    """An isolated customer of this installation; `uid` is what its operator calls it.

    The keys of a `suspended` one are refused. A `deleted` one is remembered for what still names
    its number. `rate` and `burst` are for its keys that have none of their own.
    """

    no: int
    id: uuid.UUID
    name: str
    uid: str | None = None
    suspended: bool = False
    deleted: bool = False
    rate: int | None = None
    burst: int | None = None
