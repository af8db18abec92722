"""Passwords as they are kept: Argon2id. Slow on purpose: services/passwords.py keeps it in bounds.

The library works without holding the interpreter, so a thread of its own disturbs nobody.
"""

import os

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# Beyond what is asked for at least (19 MiB, 2 rounds): about a sixth of a second.
MEMORY_KIB = 64 * 1024
ROUNDS = 3
_SALT = 16
_HASH = 32
_MARK = f"$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p=1$"


def hashed(password: str) -> str:
    """Hash a password, as a PHC string that tells how."""
    return _kdf(os.urandom(_SALT)).derive_phc_encoded(_bytes(password))


def fits(password: str, kept: str) -> bool:
    """Say whether a password is the one that was hashed."""
    try:
        Argon2id.verify_phc_encoded(_bytes(password), kept)
    except InvalidKey:
        return False
    return True


def outdated(kept: str) -> bool:
    """Say whether a password was hashed with other costs than today's."""
    return not kept.startswith(_MARK)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _kdf(salt: bytes) -> Argon2id:
    return Argon2id(salt=salt, length=_HASH, iterations=ROUNDS, lanes=1, memory_cost=MEMORY_KIB)
