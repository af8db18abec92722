"""What a connection to Textellent needs to know."""

from typing import Annotated

import msgspec

from ringback.providers.base import secret
from ringback.providers.mapped_config import MappedConfig
from ringback.providers.mapping import Mapping
from ringback.providers.presets import PRESETS

PRESET = "textellent"
EVENTS_MAX = 16
_EVENTS = (
    "INCOMING_MESSAGE",
    "OUTGOING_MESSAGE_DELIVERY_STATUS",
    "PHONE_NUMBER_ADDED_TO_DNT",
    "PHONE_NUMBER_REMOVED_FROM_DNT",
)


class TextellentConfig(MappedConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret in the callback URL, how callbacks are read, and the account to send with."""

    callback_secret: Annotated[
        str,
        secret(
            "Secret that you put into the address of each subscription, after `?callback_proof=`: "
            "long and random, of letters and digits, because it is all that proves a callback.",
            chosen=True,
        ),
    ]
    auth_code: (
        Annotated[str, secret("The `authCode` of the account. Needed to send and to subscribe.")]
        | None
    ) = None
    partner_client_code: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=128,
                pattern=r"^[!-~]+$(?!\n)",
                description="The `partnerClientCode` of the client of yours to send for, if any.",
            ),
        ]
        | None
    ) = None
    events: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]{1,64}$(?!\n)")]],
        msgspec.Meta(
            min_length=1,
            max_length=EVENTS_MAX,
            description="Names of the events to subscribe to. Of the usual ones Textellent "
            "documents only `INCOMING_MESSAGE`.",
        ),
    ] = msgspec.field(default_factory=lambda: list(_EVENTS))
    ignore_quiet_hours: Annotated[
        bool, msgspec.Meta(description="Whether messages go out in the quiet hours too.")
    ] = False

    @property
    def how(self) -> Mapping:
        """The mapping that is used: the preset `textellent` unless there is another."""
        return super().how or PRESETS[PRESET].mapping
