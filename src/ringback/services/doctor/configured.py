"""The settings: whether they can be read, and whether they go together."""

import os
from collections.abc import Sequence

from ringback.services.doctor.finding import Check, Found, Ground, Group, ok, problem, warning
from ringback.settings import PREFIX, unknown

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened at
_BOTH = ("DATABASE_URL", "SECRET_KEY")


async def _readable(ground: Ground) -> Sequence[Found]:
    if ground.settings is None:
        fix = "Mend it in the environment; `ringback config show` shows what is in force."
        return [problem(ground.fault, fix)]
    return [ok("Every setting can be read.")]


async def _known(ground: Ground) -> Sequence[Found]:
    found = [
        warning(said, "Rename or remove it: what it should set is not set.") for said in unknown()
    ]
    for name in _BOTH:
        if ground.environment.get(PREFIX + name) and ground.environment.get(f"{PREFIX}{name}_FILE"):
            both = f"{PREFIX}{name} and {PREFIX}{name}_FILE are both set; the file counts."
            found.append(warning(both, "Remove one of them."))
    return found or [ok("No variable is unknown.")]


async def _secret_key(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    if settings.database_url and not settings.secret_key:
        return [
            problem(
                "RINGBACK_SECRET_KEY is not set, and the database is one of your own.",
                "Set it to the key that this database was first started with; for a new one: "
                "openssl rand -base64 32, stored safely.",
            )
        ]
    if settings.secret_key:
        return [ok("The secret key is set.")]
    where = "is in the data directory" if ground.secret_key else "will be made at the first start"
    return [ok(f"The secret key {where}.")]


async def _workers(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    cores = os.cpu_count() or 1
    if settings.workers > 2 * cores:
        says = f"RINGBACK_WORKERS is {settings.workers}, and there are {cores} cores."
        return [warning(says, f"More than {cores} workers make nothing faster here.")]
    return [ok(f"Worker processes: {settings.workers}; cores: {cores}.")]


async def _listening(ground: Ground) -> Sequence[Found]:
    settings = ground.settings
    assert settings is not None
    if settings.host in _EVERYWHERE and not settings.public_url:
        return [
            warning(
                f"The server listens on every address (RINGBACK_HOST={settings.host}) and speaks "
                "plain HTTP, and there is no RINGBACK_PUBLIC_URL.",
                "Put a proxy with TLS before it and name its URL; or listen on 127.0.0.1.",
            )
        ]
    return [ok(f"The server listens on {settings.host}, port {settings.port}.")]


GROUP = Group(
    "settings",
    "Settings",
    (
        Check("settings.readable", "every `RINGBACK_` setting", "one has a wrong value", _readable),
        Check(
            "settings.known", "variables that mean nothing, and some that are set twice",
            "one is unknown (the nearest known name is told), or both a variable and its `_FILE` "
            "are set",
            _known,
        ),
        Check(
            "settings.secret_key", "the key that seals secrets",
            "the database is one of your own and no key is set", _secret_key, ("settings",),
        ),
        Check(
            "settings.workers", "the number of worker processes",
            "there are twice as many as cores", _workers, ("settings",),
        ),
        Check(
            "settings.listening", "where the server listens",
            "on every address, in plain HTTP, without a public URL", _listening, ("settings",),
        ),
    ),
)  # fmt: skip
