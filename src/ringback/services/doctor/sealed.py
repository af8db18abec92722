"""Sealed secrets: whether the secret key at hand opens all of them."""

from collections.abc import Sequence

from ringback.domain.ids import show
from ringback.errors import DatabaseUnavailable, RingbackError, SettingsError, VaultError
from ringback.services.doctor.finding import (
    Check,
    Found,
    Ground,
    Group,
    count,
    ok,
    problem,
    skipped,
    warning,
)
from ringback.storage import doctor as stored
from ringback.storage.configuration import opens, read
from ringback.storage.vault import Vault

NAMED_MAX = 5
_NEEDS = ("migrated", "secret_key")
_FIX = (
    "Set RINGBACK_SECRET_KEY to the key that this database was first started with; during a "
    "rotation list both, the new one first, separated by a comma."
)


def _vault(ground: Ground) -> Vault:
    assert ground.secret_key is not None
    return Vault(*[key for key in ground.secret_key.split(",") if key.strip()])


async def _key(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    check, _ = await stored.sealed(ground.connection)
    try:
        vault = _vault(ground)
        if check is None:
            return [ok("No server has started on this database yet: it will take this key.")]
        opens(vault, check)
    except SettingsError as error:
        return [problem(str(error), "Mend RINGBACK_SECRET_KEY, or the file that it comes from.")]
    return [ok("The secret key is this database's.")]


async def _all(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    try:
        vault = _vault(ground)
    except SettingsError:
        return [skipped("The secret key cannot be read.")]
    _, rows = await stored.sealed(ground.connection)
    lost, old = [], 0
    for each in rows:
        try:
            vault.open(each.sealed, each.row)
        except VaultError:
            lost.append(show(each.kind, each.id))
        else:
            old += not vault.is_current(each.sealed)
    if lost:
        more = f" and {len(lost) - NAMED_MAX} more" if len(lost) > NAMED_MAX else ""
        says = f"The secrets of {', '.join(lost[:NAMED_MAX])}{more} cannot be opened."
        fix = f"{_FIX} What no key opens must be deleted and made anew."
        return [problem(says, fix)]
    try:
        ground.everything = await read(ground.connection, vault)
    except (DatabaseUnavailable, RingbackError) as error:
        return [problem(f"The configuration cannot be read: {error}", "Report it: it is a defect.")]
    if old:
        says = f"{count(old, 'secret')} still sealed with an older key."
        fix = (
            "Keep that key in RINGBACK_SECRET_KEY, after the new one; what is written is resealed."
        )
        return [warning(says, fix)]
    return [ok(f"All {count(len(rows), 'sealed secret')} can be opened.")]


GROUP = Group(
    "secrets",
    "Secrets",
    (
        Check(
            "secrets.key", "whether the secret key is the one of this database",
            "it is another one, or has the wrong form", _key, _NEEDS,
        ),
        Check(
            "secrets.sealed", "every sealed secret of connections and endpoints",
            "one cannot be opened; one that is sealed with an older key is a warning", _all, _NEEDS,
        ),
    ),
)  # fmt: skip
