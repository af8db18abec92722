"""What a Twilio connection needs to know. Values only."""

from typing import Annotated

import msgspec

from ringback.providers.base import ProviderConfig, secret
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words


def _sid(prefix: str, description: str) -> msgspec.Meta:
    return msgspec.Meta(pattern=rf"^{prefix}[0-9a-fA-F]{{32}}$(?!\n)", description=description)


class TwilioConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a Twilio connection needs to know."""

    auth_token: Annotated[
        str,
        secret("Primary Auth Token of the account that sends the callbacks: it signs them."),
    ]
    shared_key: (
        Annotated[
            str,
            secret(
                "Secret of the webhook shared key, where the account signs with one "
                "(HMAC_SHA256) and not with its Auth Token."
            ),
        ]
        | None
    ) = None
    callback_username: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=128,
                pattern=r"^[!-9;-~]+$(?!\n)",
                description="User name that stands in the callback URL at Twilio, if one does.",
            ),
        ]
        | None
    ) = None
    callback_password: (
        Annotated[
            str, secret("Password that stands in the callback URL at Twilio, if one does.", 128)
        ]
        | None
    ) = None
    account_sid: (
        Annotated[str, _sid("AC", "Account SID. Needed only to send and to fetch media.")] | None
    ) = None
    api_key_sid: (
        Annotated[
            str, _sid("SK", "SID of an API key, to send with it and not with the Auth Token.")
        ]
        | None
    ) = None
    api_key_secret: Annotated[str, secret("Secret of that API key.")] | None = None
    messaging_service_sid: (
        Annotated[str, _sid("MG", "Messaging Service that sends what names no sender of its own.")]
        | None
    ) = None
    edge: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[a-z0-9-]{1,32}$(?!\n)",
                description="Edge that requests enter by, with a region: dublin, for example.",
            ),
        ]
        | None
    ) = None
    region: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[a-z0-9]{1,16}$(?!\n)",
                description="Region that stores the messages, where it is not us1; ie1, say. "
                "Its Auth Token and API keys are its own.",
            ),
        ]
        | None
    ) = None
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)
