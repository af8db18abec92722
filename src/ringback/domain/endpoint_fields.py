"""Checking what an owner writes on an endpoint: its own id, metadata and headers. Pure."""

import re

from ringback.domain.headers import InvalidHeader, check_custom_headers
from ringback.domain.ids import read
from ringback.errors import Fault

UID_MAX = 128
METADATA_MAX = 20
METADATA_KEY_MAX = 64
METADATA_VALUE_MAX = 512
_UID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:@-]{{0,{UID_MAX - 1}}}")
_LONG = 12


def faults_in_uid(uid: str) -> list[Fault]:
    """Check an endpoint's own id: it stands in URLs, and must not look like one of ours."""
    if _UID.fullmatch(uid) and read("end", uid) is None:
        return []
    words = "letters, digits and . _ : @ - that are not like an id of ours."
    return [Fault("/uid", f"Write 1 to {UID_MAX} {words}")]


def faults_in_metadata(metadata: dict[str, str]) -> list[Fault]:
    """Check the pairs that an owner keeps with an endpoint."""
    if len(metadata) > METADATA_MAX:
        return [Fault("/metadata", f"At most {METADATA_MAX} pairs.")]
    return [
        Fault("/metadata", f"Keys have 1 to {METADATA_KEY_MAX} characters, values up to "
              f"{METADATA_VALUE_MAX}.")
        for key, value in metadata.items()
        if not 1 <= len(key) <= METADATA_KEY_MAX or len(value) > METADATA_VALUE_MAX
    ][:1]  # fmt: skip


def faults_in_headers(headers: tuple[tuple[str, str], ...]) -> list[Fault]:
    """Check the header fields that an owner adds to every request."""
    try:
        check_custom_headers(headers)
    except InvalidHeader as error:
        return [Fault("/headers", str(error))]
    return []


def masked(value: str) -> str:
    """Return what may be shown of a header's value, which is often a credential."""
    return f"…{value[-4:]}" if len(value) >= _LONG else "…"
