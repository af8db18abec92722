"""A database as text, as a dump would have it, and a search for secrets in it."""

import base64

from ringback.storage.configuration import Everything
from ringback.storage.database import Connection


async def dump(connection: Connection) -> bytes:
    """Return all rows of all tables as text; bytes in them are in hex."""
    tables = await connection.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    parts: list[bytes] = []

    async def take(data: bytes) -> None:
        parts.append(data)

    for row in tables:
        await connection.copy_from_table(row["relname"], output=take)
    assert len(tables) > 20
    return b"".join(parts)


def secrets_of(everything: Everything) -> list[str]:
    """Return every secret of a configuration: credentials, tokens, signing secrets."""
    found: list[str] = []
    for connection in everything.connections:
        values = [value for value in connection.config.values() if isinstance(value, str)]
        # The demo's user is called "demo": so is much else.
        found += [connection.token, *(value for value in values if value != "demo")]
    for endpoint in everything.endpoints:
        found += [*endpoint.secrets, *(secret for secret, _ in endpoint.retiring)]
        found += [value for _, value in endpoint.engine.headers]
    return found


def leaked(secrets: list[str], text: bytes) -> list[str]:
    """Return the secrets that a dump holds: as text, in base64 or hex, or the bytes they mean."""
    return [
        secret
        for secret in secrets
        if any(form in text or form.hex().encode() in text for form in _forms(secret))
    ]


def _forms(secret: str) -> list[bytes]:
    bare = secret.removeprefix("whsec_")
    forms = [bare.encode(), base64.b64encode(bare.encode()).rstrip(b"=")]
    try:
        meant = base64.b64decode(bare.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return forms
    return [*forms, meant] if len(meant) >= 16 else forms
