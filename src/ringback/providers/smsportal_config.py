"""The config of `smsportal`: proofs, names of fields, times, and what sending needs.

Only what can be configured. What SMSPortal does not publish, or lets each customer choose, is a
field here: names of headers and fields, the encoding of signatures, the difference to UTC.
"""

import re
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from ringback.domain.messages import Status
from ringback.providers.base import ProviderConfig, secret
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words

SECRET_MAX = 256
WORDS_MAX = 20
NAMES_MAX = 32
TOLERANCE_MAX_S = 86_400
_OFFSETS_MAX = 64

_HEADER_NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$(?!\n)"
_HOSTS = Literal["rest.smsportal.com", "rest.mymobileapi.com"]

FieldWord = Literal[
    "type", "channel", "status", "event_id", "sent_id", "incoming_id", "number", "ours", "text",
    "time", "reference", "campaign", "url", "short_url", "mcc", "mnc", "parts", "error_code",
    "error_text",
]  # fmt: skip


class _Part(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the config; its repr shows no value either."""


class Signature(_Part, frozen=True, kw_only=True, tag_field="scheme", tag="signature"):
    """SMSPortal's own signatures: on for all webhooks of the account, under Settings, Webhooks."""

    secret: Annotated[
        str, secret("Signature secret key that SMSPortal shows once.", limit=SECRET_MAX)
    ]
    header: Annotated[
        str,
        msgspec.Meta(pattern=_HEADER_NAME, description="Header that holds the signature."),
    ] = "Webhook-Engine-Signature"
    timestamp_header: Annotated[
        str,
        msgspec.Meta(pattern=_HEADER_NAME, description="Header that holds the time of signing."),
    ] = "Webhook-Engine-Timestamp"
    encoding: Annotated[
        Literal["any", "hex", "base64"], msgspec.Meta(description="How the signature is written.")
    ] = "any"
    tolerance_s: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=TOLERANCE_MAX_S,
            description="Seconds that the time of signing may be away from now.",
        ),
    ] = 300


class SharedHeader(_Part, frozen=True, kw_only=True, tag_field="scheme", tag="header"):
    """A custom header with a value that only you and SMSPortal know, as webhooks can be given."""

    name: Annotated[str, msgspec.Meta(pattern=_HEADER_NAME, description="Name of the header.")]
    value: Annotated[str, secret("The value, all of it.", SECRET_MAX, chosen=True)]


class UrlToken(_Part, frozen=True, kw_only=True, tag_field="scheme", tag="url_token"):
    """Nothing but the token in the callback URL, where neither of the others can be had."""


Proof = Signature | SharedHeader | UrlToken


class FieldName(_Part, frozen=True, kw_only=True):
    """What a field is called in the callbacks of this account."""

    field: Annotated[FieldWord, msgspec.Meta(description="Which field it is.")]
    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=128,
            description="Its name, in capitals or not, or a JSON pointer such as /message/id.",
        ),
    ]


class StatusWord(_Part, frozen=True, kw_only=True):
    """What a status is called in webhooks about WhatsApp."""

    word: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z]{1,32}$(?!\n)", description="The word, in capitals or not."
        ),
    ]
    status: Annotated[Status, msgspec.Meta(description="What it means.")]


_WHATSAPP = (
    StatusWord(word="sent", status="sent"),
    StatusWord(word="delivered", status="delivered"),
    StatusWord(word="read", status="read"),
    StatusWord(word="failed", status="failed"),
)


class SmsPortalConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an SMSPortal connection needs to know."""

    verify: Annotated[
        Proof, msgspec.Meta(description="How a callback proves that it comes from SMSPortal.")
    ]
    utc_offset: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]$(?!\n)",
            description="Difference to UTC of times that name no zone, as set on your API key.",
        ),
    ] = "+02:00"
    fields: Annotated[
        list[FieldName],
        msgspec.Meta(
            max_length=NAMES_MAX,
            description="Names of fields in templates of your own, where they are not found.",
        ),
    ] = msgspec.field(default_factory=list)
    whatsapp_statuses: Annotated[
        list[StatusWord],
        msgspec.Meta(
            max_length=WORDS_MAX, description="Words of the status webhooks of WhatsApp numbers."
        ),
    ] = msgspec.field(default_factory=lambda: list(_WHATSAPP))
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)
    client_id: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=128,
                pattern=r"^[!-9;-~]+$(?!\n)",
                description="Client id of your API key. Needed only to send.",
            ),
        ]
        | None
    ) = None
    api_secret: (
        Annotated[str, secret("API secret of your API key. Needed only to send.")] | None
    ) = None
    api_host: Annotated[
        _HOSTS, msgspec.Meta(description="Where your account lives, for sending.")
    ] = "rest.smsportal.com"
    api_version: Annotated[
        Literal["v3", "v1"], msgspec.Meta(description="Version of the sending API.")
    ] = "v3"
    authentication: Annotated[
        Literal["basic", "bearer"],
        msgspec.Meta(
            description="Client id and secret with every request, or a token fetched with them."
        ),
    ] = "basic"
    sender_ids: Annotated[
        bool, msgspec.Meta(description="Pass on alphanumeric senders, where you may choose them.")
    ] = False
    shorten_urls: Annotated[
        bool, msgspec.Meta(description="Ask SMSPortal to shorten links, so that it sees clicks.")
    ] = False
    simulate_as: Annotated[
        Literal["v1", "v2", "v3"],
        msgspec.Meta(description="Which generation of webhooks simulated callbacks speak."),
    ] = "v3"


def offset_minutes(config: SmsPortalConfig) -> int:
    """Return the difference to UTC in minutes; 0 for one that cannot be read."""
    return _minutes(config.utc_offset)


@lru_cache(_OFFSETS_MAX)
def _minutes(offset: str) -> int:
    found = re.fullmatch(r"([+-])([0-9]{2}):([0-9]{2})", offset)
    if found is None:
        return 0
    minutes = int(found[2]) * 60 + int(found[3])
    return -minutes if found[1] == "-" else minutes
