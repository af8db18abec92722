"""Secrets at rest: AES-256-GCM under the installation's key, bound to the row they belong to."""

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringback.errors import SettingsError, VaultError

_VERSION = b"\x01"
_NONCE = 12
_KEY_ID = 4


def new_secret_key() -> str:
    """Make a key for RINGBACK_SECRET_KEY: 32 random bytes, in URL-safe base64."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _key_bytes(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError(
            "RINGBACK_SECRET_KEY must be 32 bytes in base64. Make one with: openssl rand -base64 32"
        )
    return key


class Vault:
    """Seals and opens secrets. The first key seals; every key opens, so that keys can rotate."""

    def __init__(self, *keys: str) -> None:
        """Take one or more base64 keys. Raises SettingsError for a key of the wrong shape."""
        if not keys:
            raise SettingsError("RINGBACK_SECRET_KEY is not set: secrets cannot be stored.")
        raw = [_key_bytes(key) for key in keys]
        self._ciphers = {hashlib.sha256(key).digest()[:_KEY_ID]: AESGCM(key) for key in raw}
        self._current = hashlib.sha256(raw[0]).digest()[:_KEY_ID]

    def seal(self, plain: bytes, row: str) -> bytes:
        """Encrypt `plain` for one row; `row` names the tenant and the row and is authenticated."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, row.encode())
        return _VERSION + self._current + nonce + sealed

    def is_current(self, sealed: bytes) -> bool:
        """Say whether something was sealed with the key that seals now."""
        return sealed[1 : 1 + _KEY_ID] == self._current

    def open(self, sealed: bytes, row: str) -> bytes:
        """Decrypt what `seal` made for the same row. Raises VaultError when that fails."""
        key_id, rest = sealed[1 : 1 + _KEY_ID], sealed[1 + _KEY_ID :]
        cipher = self._ciphers.get(key_id)
        if sealed[:1] != _VERSION or cipher is None:
            raise VaultError(
                f"The secret of {row} was sealed with another key. Set RINGBACK_SECRET_KEY to the "
                "key that this database was first started with."
            )
        try:
            return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], row.encode())
        # ValueError: too short to hold even the nonce.
        except (InvalidTag, ValueError) as error:
            raise VaultError(f"The sealed secret of {row} was changed or moved.") from error
