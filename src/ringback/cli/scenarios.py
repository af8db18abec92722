"""What `ringback simulate` can play: the scenarios by name. Values only."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A course that a message can take.

    `statuses` is what its provider reports, in order; `more` how, as the API calls it; `answer` a
    text with which the person answers, and `count` how many messages there are.
    """

    what: str
    statuses: tuple[str, ...]
    more: tuple[tuple[str, Any], ...] = ()
    answer: str = ""
    count: int = 1

    @property
    def forged(self) -> bool:
        """Whether its callbacks are badly signed."""
        return ("forged", True) in self.more


_GOOD = ("sent", "delivered")
SCENARIOS: dict[str, Scenario] = {
    "delivered": Scenario("Sent, and delivered.", _GOOD),
    "failed": Scenario("Sent, and failed: nobody is there.", ("sent", "failed")),
    "expired": Scenario("Sent, and not delivered in time.", ("sent", "expired")),
    "read-later": Scenario(
        "Delivered, and read a while later.", (*_GOOD, "read"), (("delay_ms", 1000),)
    ),
    "reply": Scenario("Delivered; then the person answers.", _GOOD, answer="Yes, that suits me."),
    "stop": Scenario("Delivered; then the person wants no more.", _GOOD, answer="STOP"),
    "duplicate": Scenario(
        "Every callback comes twice: each fact is told once.", _GOOD, (("duplicate", 1),)
    ),
    "reordered": Scenario(
        "The callbacks come in another order: the end is the same.", _GOOD, (("reorder", True),)
    ),
    "late": Scenario(
        "What came before delivery is reported after it, and told as late.",
        ("delivered", "sent"), (("delay_ms", 100),),
    ),
    "early": Scenario(
        "Reports come before the provider has answered the send.", _GOOD,
        (("delay_ms", 100), ("answer_ms", 1000)),
    ),
    "lost": Scenario("Sent, and never heard of again.", ("sent",)),
    "forged": Scenario(
        "Callbacks that are badly signed: refused, kept, and nothing else.", _GOOD,
        (("forged", True),),
    ),
    "storm": Scenario(
        "A hundred messages at once; callbacks doubled and shuffled.", _GOOD,
        (("duplicate", 0.3), ("reorder", True), ("delay_ms", 20)), count=100,
    ),
}  # fmt: skip

# What is reported on the way to a status, for a sample event of it.
LIVES: dict[str, tuple[str, ...]] = {
    "submitted": ("submitted",),
    "sent": ("sent",),
    "delivered": ("sent", "delivered"),
    "read": ("sent", "delivered", "read"),
    "failed": ("sent", "failed"),
    "expired": ("sent", "expired"),
    "cancelled": ("cancelled",),
    "unconfirmed": ("sent", "unconfirmed"),
    "received": ("received",),
}
