"""People who sign in, their sessions, and what an e-mail address and a password have to be. Pure.

Not contacts: those are whom messages are for.
"""

import hashlib
import hmac
import re
import unicodedata
import uuid
from typing import Literal

import msgspec

from ringback.domain.roles import OWNER, Role
from ringback.errors import Fault

NAME_MAX = 128
EMAIL_MAX = 254
PASSWORD_MIN = 12
PASSWORD_MAX = 256
# A session ends after so long without a request, and after so long in any case; in seconds.
IDLE_S = 12 * 3600
SESSION_S = 30 * 86_400
# How long a link may be used, in seconds, once.
Purpose = Literal["first_run", "invitation", "reset", "offer"]
LINK_S: dict[Purpose, int] = {
    "first_run": 86_400, "invitation": 7 * 86_400, "reset": 86_400, "offer": 7 * 86_400,
}  # fmt: skip
_EMAIL = re.compile(r"[^\s@\x00-\x20<>\"(),;:\\]+@[^\s@\x00-\x20<>\"(),;:\\]+")
_CSRF = b"ringback csrf"


class Person(msgspec.Struct, frozen=True):
    """Somebody who may sign in.

    `roles` are by the numbers of tenants; an `owner` needs none. Without an e-mail address
    or a password (`secured`) there are only links to sign in with.
    """

    id: uuid.UUID
    email: str | None
    name: str
    owner: bool
    secured: bool
    created_ms: int
    roles: dict[int, Role] = {}

    def role_in(self, tenant: int) -> Role | None:
        """Return the role that this person has in a tenant, or None."""
        return OWNER if self.owner else self.roles.get(tenant)


class Session(msgspec.Struct, frozen=True):
    """Somebody is signed in, somewhere, until it ends; times in milliseconds since 1970."""

    id: uuid.UUID
    person: uuid.UUID
    created_ms: int
    used_ms: int
    expires_ms: int
    address: str
    agent: str


def secret_hash(secret: str) -> bytes:
    """Hash the secret of a session or a link as it is stored; it has 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def csrf_of(secret: str) -> str:
    """Return what requests of a session have to say beside its cookie: only its owner knows it."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), _CSRF, "sha256").hexdigest()


def plain_email(text: str) -> str:
    """Return an e-mail address as it is compared and stored."""
    return unicodedata.normalize("NFC", text).strip().lower()


def faults_in_email(email: str, pointer: str = "/email") -> list[Fault]:
    """Say what is wrong with an e-mail address; whether it exists, nobody knows."""
    if len(email) > EMAIL_MAX or not _EMAIL.fullmatch(email):
        return [Fault(pointer, "Write an e-mail address, such as ada@example.com.")]
    return []


def faults_in_name(name: str, pointer: str = "/name") -> list[Fault]:
    """Say what is wrong with a person's name."""
    if not 0 < len(name.strip()) <= NAME_MAX or any(ord(char) < 32 for char in name):
        return [Fault(pointer, f"A name has 1 to {NAME_MAX} characters.")]
    return []


def plain_password(text: str) -> str:
    """Return a password as it is hashed: the same however a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", text)


def faults_in_password(password: str, email: str | None, pointer: str = "/password") -> list[Fault]:
    """Say what is wrong with a new password. Its length counts, and nothing about its letters."""
    plain = plain_password(password)
    if len(plain) < PASSWORD_MIN:
        words = f"Choose at least {PASSWORD_MIN} characters: a few words that you remember do well."
        return [Fault(pointer, words)]
    if len(plain) > PASSWORD_MAX:
        return [Fault(pointer, f"Choose at most {PASSWORD_MAX} characters.")]
    if email is not None and plain.lower() in {email, email.partition("@")[0]}:
        return [Fault(pointer, "Choose something else than your e-mail address.")]
    return []
