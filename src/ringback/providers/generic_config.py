"""The config of `generic`: how callbacks prove where they come from, what they mean, the answer.

Only what can be configured and which of it makes no sense; the proofs themselves are checked in
`generic_proofs`, and what callbacks mean is chosen in `mapped_config`.
"""

import re
from typing import Annotated, Literal

import msgspec

from ringback.providers.base import CHOSEN, SECRET, ProviderConfig, secret
from ringback.providers.generic_handshakes import Handshake
from ringback.providers.mapped_config import MappedConfig

BODY_MAX = 4096
SECRET_MAX = 512
OLDER_MAX = 3
PLACES_MAX = 4
PLACEHOLDERS = ("{timestamp}", "{method}", "{url}", "{body}")

_PIECE = re.compile(r"(\{[a-z]+\})")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

# No union of one secret and a list of them: msgspec 0.22 frees the pattern of such a type twice.
_Older = Annotated[
    list[Annotated[str, secret("A secret from before.", limit=SECRET_MAX)]],
    msgspec.Meta(
        max_length=OLDER_MAX,
        description="What it was before, while you change it, the newest first: each still counts.",
        extra=SECRET,
    ),
]


def _header_name(description: str) -> msgspec.Meta:
    return msgspec.Meta(
        max_length=64, pattern=rf"^{_HEADER_NAME.pattern}$(?!\n)", description=description
    )


class _Part(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the config; its repr shows no value either."""


class Hmac(_Part, frozen=True, kw_only=True, tag_field="scheme", tag="hmac"):
    """A signature in a header: an HMAC with a secret that only the sender and you know."""

    secret: Annotated[str, secret("The secret that signs the callbacks.", limit=SECRET_MAX)]
    header: Annotated[str, _header_name("Header that holds the signature.")]
    algorithm: Annotated[
        Literal["sha1", "sha256", "sha512"], msgspec.Meta(description="Hash of the HMAC.")
    ] = "sha256"
    encoding: Annotated[
        Literal["hex", "base64", "base64url"],
        msgspec.Meta(description="How the signature is written; base64url with or without =."),
    ] = "hex"
    prefix: Annotated[
        str,
        msgspec.Meta(
            max_length=32,
            pattern=r"^([!-~][ -~]*)?$(?!\n)",
            description="What stands before the signature in its header, such as sha256= or v1=.",
        ),
    ] = ""
    signed: Annotated[
        str,
        msgspec.Meta(
            max_length=256,
            pattern=r"^[\n -~]*$",
            description="What the signature covers: text with {body} and, where they are covered "
            "too, {timestamp}, {method} and {url}. The URL is the whole callback URL.",
        ),
    ] = "{body}"
    timestamp_header: (
        Annotated[str, _header_name("Header with the Unix time that {timestamp} stands for.")]
        | None
    ) = None
    timestamp_unit: Annotated[
        Literal["s", "ms"], msgspec.Meta(description="Seconds or milliseconds since 1970.")
    ] = "s"
    tolerance_s: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=86_400, description="Seconds that the timestamp may be away from now."
        ),
    ] = 300
    older: _Older = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse templates that cannot be right. Raises ValueError, which msgspec passes on."""
        found = pieces(self.signed)
        used = found[1::2]
        if not set(used) <= set(PLACEHOLDERS) or len(set(used)) < len(used):
            raise ValueError(f"`signed` may hold each of {' '.join(PLACEHOLDERS)} once")
        if any(brace in text for text in found[::2] for brace in "{}"):
            raise ValueError("`signed` holds a brace that belongs to no placeholder")
        if "{body}" not in used:
            raise ValueError("`signed` needs {body}: what is not covered proves nothing")
        if ("{timestamp}" in used) is not (self.timestamp_header is not None):
            raise ValueError("{timestamp} in `signed` and `timestamp_header` need each other")


class Basic(_Part, frozen=True, kw_only=True, tag_field="scheme", tag="basic"):
    """A user name and a password, asked for with a 401 where they do not come by themselves."""

    username: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=128,
            pattern=r"^[!-9;-~]+$(?!\n)",
            description="User name that the sender gives; no colon.",
            extra=CHOSEN,
        ),
    ]
    password: Annotated[str, secret("Password that the sender gives.", SECRET_MAX, chosen=True)]
    older: _Older = msgspec.field(default_factory=list)


class Bearer(_Part, frozen=True, kw_only=True, tag_field="scheme", tag="bearer"):
    """A token in the Authorization header, after the word Bearer."""

    token: Annotated[str, secret("Token that the sender gives.", SECRET_MAX, chosen=True)]
    older: _Older = msgspec.field(default_factory=list)


class ApiKey(
    _Part, frozen=True, kw_only=True, tag_field="scheme", tag="api_key", rename={"in_": "in"}
):
    """A value that only the sender and you know, in a header or in the query."""

    in_: Annotated[
        Literal["header", "query"], msgspec.Meta(description="Where the value stands.")
    ] = "header"
    name: Annotated[
        str,
        msgspec.Meta(
            max_length=64,
            pattern=r"^[!-~]+$(?!\n)",
            description="Name of the header or of the query parameter.",
        ),
    ]
    value: Annotated[str, secret("The value, all of it.", SECRET_MAX, chosen=True)]
    older: _Older = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse a header that cannot be called so. Raises ValueError."""
        if self.in_ == "header" and not _HEADER_NAME.fullmatch(self.name):
            raise ValueError("the name of a header holds letters, digits and hyphens")


class UrlToken(_Part, frozen=True, kw_only=True, tag_field="scheme", tag="url_token"):
    """Nothing but the token in the callback URL. For senders that cannot prove more."""


class JsonPlace(_Part, frozen=True, kw_only=True, tag_field="in", tag="json"):
    """A place in a JSON body."""

    pointer: Annotated[
        str,
        msgspec.Meta(
            max_length=256,
            pattern=r"^(/([^~/]|~[01])*){1,16}$(?!\n)",
            description="JSON pointer to a string, number or truth value, such as /event/id.",
        ),
    ]


class FormPlace(_Part, frozen=True, kw_only=True, tag_field="in", tag="form"):
    """A field of a form, url-encoded or multipart."""

    field: Annotated[
        str, msgspec.Meta(min_length=1, max_length=128, description="Name of the field.")
    ]


class QueryPlace(_Part, frozen=True, kw_only=True, tag_field="in", tag="query"):
    """A parameter of the query."""

    parameter: Annotated[
        str, msgspec.Meta(min_length=1, max_length=128, description="Name of the parameter.")
    ]


class HeaderPlace(_Part, frozen=True, kw_only=True, tag_field="in", tag="header"):
    """A header. No signature covers it: whoever repeats a callback can change it."""

    name: Annotated[str, _header_name("Name of the header.")]


class Reply(_Part, frozen=True, kw_only=True):
    """The answer to a callback that was verified and stored."""

    status: Annotated[int, msgspec.Meta(ge=200, le=299, description="HTTP status.")] = 200
    content_type: Annotated[
        str,
        msgspec.Meta(
            max_length=128,
            pattern=r"^[!-~]([ -~]*[!-~])?$(?!\n)",
            description="Content type of the body; not sent without one.",
        ),
    ] = "text/plain; charset=utf-8"
    body: Annotated[
        str,
        msgspec.Meta(
            max_length=BODY_MAX, description="Text to answer with, at most 4 KiB in UTF-8."
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse a body that cannot be sent. Raises ValueError."""
        try:
            size = len(self.body.encode())
        except UnicodeEncodeError:
            raise ValueError("`body` holds a lone surrogate") from None
        if size > BODY_MAX:
            raise ValueError("`body` is longer than 4 KiB in UTF-8")
        if size and self.status in (204, 205):
            raise ValueError(f"an answer {self.status} has no body")


Scheme = Hmac | Basic | Bearer | ApiKey | UrlToken
Place = JsonPlace | FormPlace | QueryPlace | HeaderPlace


class GenericConfig(MappedConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a connection to a system of any kind needs to know."""

    verify: Annotated[
        Scheme, msgspec.Meta(description="How a callback proves that it comes from the sender.")
    ]
    dedupe: Annotated[
        list[Place],
        msgspec.Meta(
            max_length=PLACES_MAX,
            description="Where the values stand that name a callback: all of them together. "
            "Without, two callbacks are one when their bodies and queries are the same.",
        ),
    ] = msgspec.field(default_factory=list)
    handshake: (
        Annotated[
            Handshake,
            msgspec.Meta(description="How the sender finds out whether the URL is yours."),
        ]
        | None
    ) = None
    reply: Annotated[Reply, msgspec.Meta(description="How verified callbacks are answered.")] = (
        Reply()
    )


def pieces(template: str) -> list[str]:
    """Split what a signature covers: text at even places, placeholders at odd ones."""
    return _PIECE.split(template)
