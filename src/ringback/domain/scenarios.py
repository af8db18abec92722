"""What can be played through a simulated provider: the scenarios by name. Values only.

`ringback simulate` asks for them by name. A faked send API is asked for one with a header, or by
the number that a message goes to: each has a number of its own, which belongs to nobody.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ringback.domain.messages import Status

Outcome = Literal["accepted", "refused", "throttled", "broken"]
"""What a faked send API does with a request; `broken` is an error of the provider's own."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A course that a message can take.

    `statuses` is what its provider reports, in order, after the `outcome` of the send; `more` how,
    as the API calls it. `answer` is a text with which the person answers, with a picture if
    `picture`. `count` is how many messages there are. `number` brings it about at a faked API.
    `silent`: what matters is what never comes, so a provider need not report any of `statuses`.
    """

    what: str
    statuses: "tuple[Status, ...]" = ()
    more: tuple[tuple[str, Any], ...] = ()
    answer: str = ""
    picture: bool = False
    count: int = 1
    outcome: Outcome = "accepted"
    number: str | None = None
    silent: bool = False

    @property
    def forged(self) -> bool:
        """Whether its callbacks are badly signed."""
        return ("forged", True) in self.more


_GOOD: "tuple[Status, ...]" = ("sent", "delivered")
SCENARIOS: dict[str, Scenario] = {
    "delivered": Scenario("Sent, and delivered.", _GOOD, number="+15550199001"),
    "failed": Scenario(
        "Sent, and failed: nobody is there, or what you say with --error-code or --error-class.",
        ("sent", "failed"), number="+15550199002",
    ),
    "refused": Scenario(
        "The provider refuses the send: with a code of yours, or one that it does refuse with.",
        outcome="refused", number="+15550199003",
    ),
    "throttled": Scenario(
        "The provider has been asked too often.", outcome="throttled", number="+15550199004"
    ),
    "broken": Scenario(
        "The provider answers with an error of its own, which may leave open whether it sends.",
        outcome="broken", number="+15550199005",
    ),
    "expired": Scenario(
        "Sent, and not delivered in time.", ("sent", "expired"), number="+15550199006"
    ),
    "read-later": Scenario(
        "Delivered, and read a while later.", (*_GOOD, "read"), (("delay_ms", 1000),),
        number="+15550199007",
    ),
    "reply": Scenario(
        "Delivered; then the person answers.", _GOOD, answer="Yes, that suits me.",
        number="+15550199008",
    ),
    "stop": Scenario(
        "Delivered; then the person wants no more.", _GOOD, answer="STOP", number="+15550199009"
    ),
    "media": Scenario(
        "Delivered; then the person answers with a picture.", _GOOD, answer="Like this one?",
        picture=True, number="+15550199010",
    ),
    "batch": Scenario(
        "Three messages, of which the provider tells in one callback.", _GOOD, (("batch", 3),)
    ),
    "duplicate": Scenario(
        "Every callback comes twice: each fact is told once.", _GOOD, (("duplicate", 1),),
        number="+15550199011",
    ),
    "reordered": Scenario(
        "The callbacks come in another order: the end is the same.", _GOOD, (("reorder", True),),
        number="+15550199012",
    ),
    "late": Scenario(
        "What came before delivery is reported after it, and told as late.",
        ("delivered", "sent"), (("delay_ms", 100),), number="+15550199013",
    ),
    "early": Scenario(
        "Reports come before the provider has answered the send.", _GOOD,
        (("delay_ms", 100), ("answer_ms", 1000)), number="+15550199014",
    ),
    "lost": Scenario(
        "Sent, and never heard of again.", ("sent",), number="+15550199015", silent=True
    ),
    "forged": Scenario(
        "Callbacks that are badly signed: refused, kept, and nothing else.", _GOOD,
        (("forged", True),), number="+15550199016",
    ),
    "storm": Scenario(
        "A hundred messages at once; callbacks doubled and shuffled.", _GOOD,
        (("duplicate", 0.3), ("reorder", True), ("delay_ms", 20)), count=100,
    ),
}  # fmt: skip
# The scenario of a number; the number as digits alone, because providers write it both ways.
BY_NUMBER: dict[str, str] = {
    one.number.lstrip("+"): name for name, one in SCENARIOS.items() if one.number is not None
}


def of_address(address: str) -> str:
    """Return the name of the scenario that a message to this address brings about."""
    return BY_NUMBER.get(address.rpartition(":")[2].strip().lstrip("+"), "delivered")
