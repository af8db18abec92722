"""What a WhatsApp connection needs to know, and where its API is."""

from typing import Annotated

import msgspec

from ringback.domain.http import Headers
from ringback.providers.base import ProviderConfig, secret
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words

GRAPH_URL = "https://graph.facebook.com"


class WhatsAppConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a WhatsApp connection needs to know."""

    app_secret: Annotated[str, secret("App Secret of the Meta app: it signs the callbacks.")]
    verify_token: Annotated[
        str, secret("The verify token that you enter beside the callback URL at Meta.", chosen=True)
    ]
    access_token: (
        Annotated[
            str,
            secret("System user token. Needed to send, and to fetch files.", limit=1024),
        ]
        | None
    ) = None
    phone_number_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[0-9]{1,32}$(?!\n)",
                description="Id of the sending phone number at Meta. Needed only to send.",
            ),
        ]
        | None
    ) = None
    account_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[0-9]{1,32}$(?!\n)",
                description="Id of the WhatsApp Business Account. Simulated callbacks name it.",
            ),
        ]
        | None
    ) = None
    graph_version: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$(?!\n)",
            description="Version of the Graph API that messages are sent by.",
        ),
    ] = "v25.0"
    base_url: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(https://[!-~]{1,200})?$(?!\n)",
            description=(
                "Where a partner takes messages in Meta's format: what stands before /messages. "
                "Empty for Meta itself."
            ),
        ),
    ] = ""
    token_header: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^([A-Za-z][A-Za-z0-9-]{0,63})?$(?!\n)",
            description=(
                "Header that a partner wants the token in, such as D360-API-KEY. Empty for "
                "Authorization: Bearer."
            ),
        ),
    ] = ""
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)


def sends_to(config: WhatsAppConfig) -> str | None:
    """Return the URL that messages are posted to; None where the number's id is missing."""
    if config.base_url:
        return f"{config.base_url.rstrip('/')}/messages"
    if not config.phone_number_id:
        return None
    return f"{GRAPH_URL}/{config.graph_version}/{config.phone_number_id}/messages"


def object_at(config: WhatsAppConfig, named: str) -> str:
    """Return the URL of an object of the Graph's, such as a file."""
    if config.base_url:
        return f"{config.base_url.rstrip('/')}/{named}"
    return f"{GRAPH_URL}/{config.graph_version}/{named}"


def credentials(config: WhatsAppConfig) -> Headers:
    """Return the header that holds the token."""
    if config.token_header:
        return ((config.token_header, config.access_token or ""),)
    return (("Authorization", f"Bearer {config.access_token}"),)
