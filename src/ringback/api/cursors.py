"""Cursors: places that a caller is handed and brings back, and that nobody can make up.

A cursor is a payload and a tag over that payload and whatever it belongs to: one that was changed,
or comes from elsewhere, is not read. Not here: what the payload says.
"""

import base64
import binascii
import hmac
import json
import re

from ringback.api.problems import Problem, Where

_TAG = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{24,512}")
_PURPOSE = b"ringback list cursor 1"


class Cursors:
    """Writes and reads the cursors of one place: a list with its filters, a feed."""

    def __init__(self, hash_key: bytes, place: object) -> None:
        """Take the installation's key, and all that the cursors belong to, as JSON can write it."""
        self._secret = hmac.digest(hash_key, _PURPOSE, "sha256")
        self._place = json.dumps(place).encode() + b"\0"

    def write(self, payload: bytes) -> str:
        """Write a payload as a cursor."""
        return base64.urlsafe_b64encode(self._tag(payload) + payload).rstrip(b"=").decode()

    def read(self, cursor: str, parameter: str) -> bytes:
        """Return the payload of a cursor. Raises Problem, about this parameter, if it is not ours.

        Base64 has spellings that decode alike: only the one that `write` chose will do.
        """
        if not _TOKEN.fullmatch(cursor):
            raise refused(parameter)
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except binascii.Error:
            raise refused(parameter) from None
        payload = raw[_TAG:]
        if not hmac.compare_digest(self.write(payload), cursor):
            raise refused(parameter)
        return payload

    def _tag(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, self._place + payload, "sha256")[:_TAG]


def refused(parameter: str) -> Problem:
    """Say that a cursor is not one of this place."""
    detail = "It was changed, or belongs to another list, other filters or another key."
    where = [Where(detail, parameter=parameter)]
    return Problem("invalid_cursor", "Start again without a cursor.", where)
