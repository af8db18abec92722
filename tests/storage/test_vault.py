"""Secrets at rest: sealed for one row, opened by any of the keys, and in no dump."""

import base64
import os
from pathlib import Path

import pytest

from ringback.errors import SettingsError, VaultError
from ringback.services import first_run
from ringback.services.demo.sets import BARE
from ringback.storage.configuration import check_vault, load
from ringback.storage.database import Database, connect
from ringback.storage.vault import Vault, new_secret_key
from tests.storage.dump import dump, leaked, secrets_of

ROW = "connection 0199-1"


def test_what_was_sealed_is_opened() -> None:
    """Any bytes come back as they were; the same bytes never look the same twice."""
    vault = Vault(new_secret_key())
    for plain in (b"", b"\0", b"secret", os.urandom(100_000)):
        sealed = [vault.seal(plain, ROW) for _ in range(20)]
        assert 20 == len(set(sealed))
        assert {plain} == {vault.open(one, ROW) for one in sealed}
        assert not plain or plain not in sealed[0] or len(plain) == 1


def test_a_secret_belongs_to_its_row() -> None:
    """Copied to another row, of this tenant or of another, it does not open."""
    vault = Vault(new_secret_key())
    sealed = vault.seal(b"secret", ROW)
    for row in ("connection 0199-2", "endpoint 0199-1", "", ROW + " "):
        with pytest.raises(VaultError, match="changed or moved"):
            vault.open(sealed, row)


def test_every_flipped_bit_is_noticed() -> None:
    """Version, key id, nonce, text and tag: none of them can be changed, nor cut short."""
    vault = Vault(new_secret_key())
    sealed = vault.seal(b"secret", ROW)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(VaultError):
            vault.open(bytes(changed), ROW)
    for size in range(len(sealed)):
        with pytest.raises(VaultError):
            vault.open(sealed[:size], ROW)
    with pytest.raises(VaultError):
        vault.open(sealed + b"\0", ROW)


def test_keys_rotate() -> None:
    """With two keys the first seals and both open; without the old one, old secrets stay shut."""
    old, new = new_secret_key(), new_secret_key()
    before = Vault(old).seal(b"secret", ROW)
    both = Vault(new, old)
    assert b"secret" == both.open(before, ROW)
    after = both.seal(b"secret", ROW)
    assert b"secret" == Vault(new).open(after, ROW)
    for vault, sealed in ((Vault(new), before), (Vault(old), after)):
        with pytest.raises(VaultError, match=r"another key.*RINGBACK_SECRET_KEY"):
            vault.open(sealed, ROW)


@pytest.mark.parametrize(
    "key",
    [
        "", " ", "abc", "not base64!", base64.b64encode(bytes(31)).decode(),
        base64.b64encode(bytes(33)).decode(), "é" * 32, new_secret_key() + "=",
        base64.b64encode(bytes(32)).decode()[:-1],
    ],
)  # fmt: skip
def test_a_key_of_the_wrong_shape_is_refused(key: str) -> None:
    """The message says how to make one, and does not repeat what was given."""
    with pytest.raises(SettingsError, match="openssl rand -base64 32") as caught:
        Vault(key)
    assert len(key) < 4 or key not in str(caught.value)
    with pytest.raises(SettingsError):
        Vault(new_secret_key(), key)
    with pytest.raises(SettingsError, match="not set"):
        Vault()


def test_both_alphabets_of_base64_are_taken() -> None:
    """What openssl prints and what we make ourselves, with a line end behind it."""
    raw = b"\xfb\xff" * 16
    sealed = Vault(base64.urlsafe_b64encode(raw).decode()).seal(b"secret", ROW)
    assert b"secret" == Vault(base64.b64encode(raw).decode() + "\n").open(sealed, ROW)


async def test_another_key_is_noticed_at_the_start(dsn: str) -> None:
    """The first start seals a check; a start with another key is refused, with both it is not."""
    old, new = new_secret_key(), new_secret_key()
    database = Database(dsn)
    await database.open()
    await check_vault(database, Vault(old))
    await check_vault(database, Vault(old))
    await check_vault(database, Vault(new, old))
    with pytest.raises(SettingsError, match="first started with"):
        await check_vault(database, Vault(new))
    await database.close()


async def test_a_dump_holds_no_secret(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configs, tokens, signing secrets and API keys: not as text, bytes or base64 in any table."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    key = new_secret_key()
    started = await first_run.prepare(
        dsn, Vault(key), "http://127.0.0.1:8420", demo=first_run.Demo(BARE)
    )
    database = Database(dsn)
    await database.open()
    everything = await load(database, Vault(key))
    await database.close()
    secrets = [key, started.profile.api_key, *secrets_of(everything)]
    assert len(secrets) >= 10
    raw = await connect(dsn)
    try:
        text = await dump(raw)
        assert [] == leaked(secrets, text)
        # It would be found: as text, and as the bytes of a column.
        plain = secrets[-1].encode()
        await raw.execute("update installation set key_check = $1", plain)
        await raw.execute("update tenant set name = $1", secrets[0])
        assert [secrets[0], secrets[-1]] == leaked(secrets, await dump(raw))
    finally:
        await raw.close()
