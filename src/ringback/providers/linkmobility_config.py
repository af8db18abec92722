"""What a MyLINK connection needs to know."""

from typing import Annotated

import msgspec

from ringback.providers.base import ProviderConfig, secret
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words


class LinkMobilityConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The header that proves callbacks, and the credentials to send with."""

    token: Annotated[
        str,
        secret(
            "Value of the custom header that you enter for the callback in the MyLINK portal: "
            "long and random, because it is all that proves a callback.",
            limit=256,
            chosen=True,
        ),
    ]
    header: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$(?!\n)",
            description="Name of that header.",
        ),
    ] = "X-Callback-Token"
    client_id: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=128,
                pattern=r"^[!-~]+$(?!\n)",
                description="Client id of the API credentials in MyLINK. Needed only to send.",
            ),
        ]
        | None
    ) = None
    client_secret: (
        Annotated[
            str,
            secret("Client secret of the API credentials in MyLINK. Needed only to send."),
        ]
        | None
    ) = None
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)
