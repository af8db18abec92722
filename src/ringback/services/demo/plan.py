"""What a data set of the demo is made of, as values: who there is, and what happens to them.

Numbers of people are from ranges that are set aside for fiction: North America's 555-01xx, Ofcom's
+44 7700 900xxx, the Bundesnetzagentur's +49 171 39200xx, ARCEP's +33 6 39 98 xx xx and ACMA's
+61 491 570 xxx. Not here: how it becomes rows (install.py) and callbacks (wire.py).
"""

from typing import Any, Literal

import msgspec

from ringback.domain.endpoints import DeliveryPolicy

DEFAULT = "default"
INSPECTOR = "/inspect/"

Word = Literal[
    "scheduled", "queued", "submitted", "sent", "delivered", "read", "failed", "expired",
    "cancelled", "unconfirmed",
]  # fmt: skip


class Behaviour(msgspec.Struct, frozen=True):
    """How a receiver answers: after `ms` (from, to) with `status` and `body`.

    Every `busy_every`-th request gets 503 with `Retry-After: retry_after_s`; more than `limit` in
    a second get 429. In an outage, from the first to the second of `outage_s` in every
    `period_s` seconds, it answers 502.
    """

    ms: tuple[int, int] = (8, 45)
    status: int = 200
    body: str = '{"ok":true}'
    busy_every: int = 0
    retry_after_s: int = 6
    limit: int = 0
    outage_s: tuple[int, int] = (0, 0)
    period_s: int = 600


class DemoConnection(msgspec.Struct, frozen=True):
    """A connection; `sender` is our address there. Its secrets are thought of at the start."""

    token: str
    provider: str
    name: str
    sender: str
    tenant: str = DEFAULT
    config: dict[str, Any] = {}


class DemoEndpoint(msgspec.Struct, frozen=True):
    """An endpoint at the demo's own receiver; without a behaviour it is the inspector's."""

    uid: str
    description: str
    event_types: tuple[str, ...]
    behaviour: Behaviour | None = Behaviour()
    tenant: str = DEFAULT
    policy: DeliveryPolicy = DeliveryPolicy()
    metadata: dict[str, str] = {}


class DemoType(msgspec.Struct, frozen=True):
    """A type of event of a tenant's own, published once in so many seconds."""

    name: str
    description: str
    schema: dict[str, Any]
    example: dict[str, Any]
    every_s: float = 20.0
    subject: str = "order"
    tenant: str = DEFAULT


class DemoKey(msgspec.Struct, frozen=True):
    """A key that nobody uses, to be seen in the list."""

    name: str
    scopes: tuple[str, ...]
    days: int | None = None
    tenant: str = DEFAULT


class Failing(msgspec.Struct, frozen=True):
    """Why a message fails: the provider's code and words; with a native connection the class."""

    code: str
    words: str
    class_: str = ""


class Course(msgspec.Struct, frozen=True):
    """A kind of message: how often it is sent, in which words, and what becomes of it.

    `path` are the statuses that are reported; with an empty one a person writes first. `answers`
    are what people write back, in `answered` of 100 cases. One that is `ours` is sent by us,
    through the simulator: it is of now, whenever it is told.
    """

    weight: int
    connection: str
    path: tuple[Word, ...]
    texts: tuple[str, ...] = ()
    reference: str = "order"
    error: Failing | None = None
    answers: tuple[str, ...] = ()
    answered: int = 0
    channel: str = "sms"
    purpose: str = "transactional"
    campaign: str | None = None
    tags: tuple[str, ...] = ()
    ours: bool = False


Trouble = Literal["forged", "stale", "garbled", "unknown_kind", "nameless"]


class Incident(msgspec.Struct, frozen=True):
    """Something that is wrong with a callback, first after so many seconds, then every so many."""

    trouble: Trouble
    connection: str
    first_s: int
    every_s: int


class Burst(msgspec.Struct, frozen=True):
    """A campaign: from `at_s` on, for `for_s` seconds, `rate` messages a second of one kind."""

    at_s: int
    for_s: int
    rate: float
    course: Course


class Life(msgspec.Struct, frozen=True):
    """A call, or an order of numbers, at a native connection: items, each so many seconds in."""

    connection: str
    every_s: int
    items: tuple[tuple[float, dict[str, Any]], ...]
    prefix: str


class DemoSet(msgspec.Struct, frozen=True):
    """A whole data set."""

    name: str
    title: str
    connections: tuple[DemoConnection, ...]
    endpoints: tuple[DemoEndpoint, ...]
    courses: tuple[Course, ...]
    incidents: tuple[Incident, ...]
    bursts: tuple[Burst, ...] = ()
    types: tuple[DemoType, ...] = ()
    keys: tuple[DemoKey, ...] = ()
    tenants: tuple[tuple[str, str], ...] = ()
    lives: tuple[Life, ...] = ()
    words: dict[str, tuple[str, ...]] = {}
    first_number: int = 1000


class Person(msgspec.Struct, frozen=True):
    """Somebody who is written to."""

    name: str
    number: str


def people(names: str) -> tuple[Person, ...]:
    """Give everybody a number that belongs to nobody."""
    numbers = [
        *(f"+1{area}55501{n:02}" for n in range(10, 26) for area in (202, 212, 312, 415)),
        *(f"+4477009004{n:02}" for n in range(10, 40)),
        *(f"+4917139200{n:02}" for n in range(10, 34)),
        *(f"+336399812{n:02}" for n in range(10, 26)),
        "+61491570156", "+61491570157", "+61491570158", "+61491570159",
    ]  # fmt: skip
    listed = names.split()
    # In turn through the countries: 53 and the length have no divisor in common.
    return tuple(
        Person(name, numbers[place * 53 % len(numbers)]) for place, name in enumerate(listed)
    )


PEOPLE = people(
    "Ada Amir Anneke Bao Beatriz Chidi Clara Daniel Dilek Elif Emil Fatima Felix Greta Hana "
    "Hugo Ines Ivo Jonas Kavya Keiko Lars Leila Luis Maeve Malik Marta Mei Milan Nadia Nils "
    "Noor Olga Omar Paula Priya Rafael Rosa Ruben Sanne Selma Tariq Theo Uma Vera Viktor "
    "Wanda Yara Yusuf Zoe"
)
