"""What a connection to the PSWinCom gateway needs to know."""

from typing import Annotated, Literal

import msgspec

from ringback.providers.base import ProviderConfig, secret
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words


class PsWinConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret in the callback URL, and the account to send with."""

    callback_secret: Annotated[
        str,
        secret(
            "Secret that you put into the URL at LINK, after `?callback_proof=`: long and random, "
            "of letters and digits, because it is all that proves a callback.",
            chosen=True,
        ),
    ]
    username: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=128,
                pattern=r"^[ -~]+$(?!\n)",
                description="User name of the gateway account (CLIENT). Needed only to send.",
            ),
        ]
        | None
    ) = None
    password: (
        Annotated[str, secret("Password of the gateway account (PW). Needed only to send.")] | None
    ) = None
    gateway: Annotated[
        Literal["xml.pswin.com", "xml2.pswin.com", "xml-lb1.pswin.com", "xml-lb2.pswin.com"],
        msgspec.Meta(description="The gateway to send by; those with `lb` are for bulk only."),
    ] = "xml.pswin.com"
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)
