"""What a Bandwidth connection needs to know: callback credentials, and what sending takes."""

from typing import Annotated, Literal

import msgspec

from ringback.providers.base import CHOSEN, ProviderConfig, secret
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words

Canonical = Literal["raw", "compact", "sorted"]


class BandwidthConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a Bandwidth connection needs to know."""

    username: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=128,
            pattern=r"^[!-9;-~]+$(?!\n)",
            description="User name that you enter for the callback URL at Bandwidth; no colon.",
            extra=CHOSEN,
        ),
    ]
    password: Annotated[
        str, secret("Password that you enter for the callback URL at Bandwidth.", 128, chosen=True)
    ]
    account_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
                description="Account id at Bandwidth. Needed to send, and to fetch media.",
            ),
        ]
        | None
    ) = None
    application_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
                description="Messaging application id at Bandwidth. Needed only to send.",
            ),
        ]
        | None
    ) = None
    api_username: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=128,
                pattern=r"^[!-9;-~]+$(?!\n)",
                description="API user name at Bandwidth. Needed to send, and to fetch media.",
            ),
        ]
        | None
    ) = None
    api_password: (
        Annotated[
            str, secret("API password at Bandwidth. Needed to send, and to fetch media.", limit=256)
        ]
        | None
    ) = None
    client_id: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=128,
                pattern=r"^[!-9;-~]+$(?!\n)",
                description="Client id of an API client at Bandwidth, instead of an API user.",
            ),
        ]
        | None
    ) = None
    client_secret: (
        Annotated[
            str, secret("Client secret of that client; with it access tokens are fetched.", 256)
        ]
        | None
    ) = None
    priority: Annotated[
        Literal["default", "high"],
        msgspec.Meta(
            description="Priority of what this connection sends; Bandwidth asks to keep `high` "
            "for the few messages that must go before others."
        ),
    ] = "default"
    mms_reports: Annotated[
        bool,
        msgspec.Meta(
            description="Whether the account has delivery reports for MMS and group messages. "
            "Without them Bandwidth says `delivered` when it has handed such a message over, and "
            "it counts as sent."
        ),
    ] = True
    toll_free_secret: (
        Annotated[
            str,
            secret(
                "Shared secret of the subscription to toll-free verifications, where it has one.",
                limit=64,
            ),
        ]
        | None
    ) = None
    toll_free_form: Annotated[
        Canonical,
        msgspec.Meta(
            description="What the signature of a toll-free verification covers: the body as it "
            "came (raw), as JSON without blanks (compact), or that with sorted keys (sorted). "
            "Bandwidth speaks of a canonical form and does not say which."
        ),
    ] = "raw"
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)
