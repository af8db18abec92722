"""What is wrong with a secret in a header, in words: which half of Basic, or which header.

For people who set a connection up, never for whoever sent it: a caller is not told which half was
right. No word holds what was sent or what would be right.
"""

import base64
import binascii
import hmac
import re

from ringback.domain.http import Callback

# Headers that come with every request, and those beyond it, are no places for a secret.
HEADERS_MAX = 64
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}")


def parted(header: str) -> tuple[bytes, bytes] | None:
    """Return user name and password of an Authorization header; None if it is not Basic."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    username, colon, password = decoded.partition(b":")
    return (username, password) if colon else None


def same(sent: tuple[bytes, bytes], username: str | None, password: str | None) -> bool:
    """Say whether credentials are those of a user, where there is one."""
    if not username or not password:
        return False
    known = hmac.compare_digest(sent[0], username.encode())
    return hmac.compare_digest(sent[1], password.encode()) and known


def fault(header: str, username: str, password: str, where: str) -> str | None:
    """Say what is wrong with the credentials that came; None for those that are right.

    `where` says in words at which place of the provider's they are entered.
    """
    sent = parted(header)
    if sent is None:
        scheme = header.strip().partition(" ")[0]
        if scheme.lower() == "basic":
            return (
                "What came after Basic is no base64 of a user name, a colon and a password: enter "
                f"both anew {where}."
            )
        return f"It came with another scheme than Basic: enter a user name and a password {where}."
    if same(sent, username, password):
        return None
    if same(sent, password, username):
        return f"User name and password stand in each other's place {where}."
    if same((sent[0].strip(), sent[1].strip()), username.strip(), password.strip()):
        return f"They fit but for blanks around them: enter both anew, here and {where}."
    if same((sent[0].lower(), sent[1]), username.lower(), password):
        return (
            f"The password fits, and the user name but for capital letters: enter it anew {where}."
        )
    known = hmac.compare_digest(sent[0], username.encode())
    right = hmac.compare_digest(sent[1], password.encode())
    if known:
        empty = "" if sent[1] else ", which is empty"
        return (
            f"The user name fits, and the password does not{empty}: enter this connection's "
            f"password {where}."
        )
    if right:
        return (
            "The password fits, and the user name does not: enter this connection's user name "
            f"{where}."
        )
    return (
        "Neither user name nor password fit: another connection's are entered "
        f"{where}, or it is somebody else."
    )


def header_fault(callback: Callback, name: str, value: str, where: str) -> str | None:
    """Say what is wrong with a header that holds a secret of ours; None: no idea.

    `where` says in words at which place of the provider's it is entered. One that is called
    Authorization and begins with Basic is looked at in its halves.
    """
    given = callback.header_values(name)
    if not value or len(given) > 1:
        return None
    if not given:
        for other, held in callback.headers[:HEADERS_MAX]:
            if _same(held, value) and _NAME.fullmatch(other):
                return (
                    f"Its value came in the header {other}: enter that name here, or this one "
                    f"{where}."
                )
        return None
    known = parted(value)
    if known is not None:
        username, password = (half.decode("utf-8", "replace") for half in known)
        return fault(given[0], username, password, where)
    sent = given[0].strip()
    if _same(sent, value.strip()):
        return f"It fits but for blanks around it: enter it anew, here and {where}."
    if _same(sent.strip("'\""), value):
        return f"It fits without the quotation marks around it: leave them out {where}."
    scheme, _, rest = sent.partition(" ")
    if _same(rest.strip(), value) and scheme.isalpha():
        return (
            "It fits without the word before it: enter the whole value here, or leave it out "
            f"{where}."
        )
    if _same(value.partition(" ")[2].strip(), sent):
        return f"It fits without the word before it here: leave it out here, or enter it {where}."
    if not sent:
        return f"The header is empty: enter the value {where}."
    return None


def _same(sent: str, known: str) -> bool:
    right = hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), known.encode())
    return right and bool(known)
