"""What a connection to Textellent needs to know."""

from typing import Annotated

import msgspec

from ringback.providers.base import secret
from ringback.providers.mapped_config import MappedConfig
from ringback.providers.mapping import Mapping
from ringback.providers.presets import PRESETS

PRESET = "textellent"


class TextellentConfig(MappedConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret in the callback URL, how callbacks are read, and the account to send with."""

    callback_secret: Annotated[
        str,
        secret(
            "Secret that you put into the address of each subscription, after `?callback_proof=`: "
            "long and random, of letters and digits, because it is all that proves a callback."
        ),
    ]
    auth_code: (
        Annotated[str, secret("The `authCode` of the account. Needed only to send.")] | None
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
    ignore_quiet_hours: Annotated[
        bool, msgspec.Meta(description="Whether messages go out in the quiet hours too.")
    ] = False

    @property
    def how(self) -> Mapping:
        """The mapping that is used: the preset `textellent` unless there is another."""
        return super().how or PRESETS[PRESET].mapping
