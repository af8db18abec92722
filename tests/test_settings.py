"""Settings: read from the environment once, with faults in words and warnings for typing errors."""

import os
from pathlib import Path

import pytest

from ringback.errors import SettingsError
from ringback.settings import Settings, load, unknown


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget every setting that the surroundings have."""
    for name in list(os.environ):
        if name.startswith("RINGBACK_"):
            monkeypatch.delenv(name)
    # `load` writes what it read from a file into the environment: take that back too.
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_without_a_setting_there_are_defaults() -> None:
    """Loopback, port 8420, one worker, the embedded database."""
    settings = load()
    assert ("127.0.0.1", 8420, 1, "info") == (
        settings.host, settings.port, settings.workers, settings.log_level,
    )  # fmt: skip
    nothing = (
        settings.database_url, settings.data_dir, settings.public_url, settings.secret_key,
    )  # fmt: skip
    assert (None, None, None, None) == nothing
    assert "http://127.0.0.1:8420" == settings.base_url


def test_every_setting_is_an_environment_variable() -> None:
    """Each by its name; an empty one is as good as none."""
    given = {
        "DATABASE_URL": "postgresql:///x", "DATA_DIR": "/tmp/x", "HOST": "::1", "PORT": "9000",
        "PUBLIC_URL": "https://hooks.example.com/", "SECRET_KEY": "k", "WORKERS": "4",
        "LOG_LEVEL": "debug", "LOCK_EGRESS": "true", "ALLOW_METADATA": "true",
        "RETRY_SCHEDULE": "1,60", "REQUEST_LOG": "all", "RATE_LIMIT": "7",
        "DEMO_PACE": "0.5", "DEMO_SEED": "42", "TRUSTED_PROXIES": "10.0.0.7,10.1.0.0/16",
        "MEDIA_DIR": "/tmp/x/media", "MEDIA_BUCKET": "https://example.com/bucket",
        "MEDIA_BUCKET_REGION": "eu-central-1", "MEDIA_BUCKET_KEY_ID": "akid",
        "MEDIA_BUCKET_SECRET": "s",
    }  # fmt: skip
    assert {name.lower() for name in given} == set(Settings.model_fields)
    for name, value in given.items():
        os.environ[f"RINGBACK_{name}"] = value
    settings = load()
    read = {name.upper(): str(value).lower() for name, value in settings.model_dump().items()}
    assert given == read
    assert [] == unknown()
    for name in given:
        os.environ[f"RINGBACK_{name}"] = ""
    assert Settings() == load()
    assert 8420 == load().port


@pytest.mark.parametrize(
    ("settings", "base_url"),
    [
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8420"),
        ({"host": "::", "port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "::1"}, "http://[::1]:8420"),
        ({"host": "hooks.internal"}, "http://hooks.internal:8420"),
        ({"public_url": "https://x.example/ringback/"}, "https://x.example/ringback"),
        ({"public_url": "https://x.example", "host": "0.0.0.0"}, "https://x.example"),
    ],
)
def test_the_base_url_is_where_providers_reach_us(
    settings: dict[str, str | int], base_url: str
) -> None:
    """The public URL without a final slash; else the address, and loopback for any address."""
    assert base_url == Settings.model_validate(settings).base_url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"), ("PORT", "65536"), ("PORT", "http"), ("PORT", "80.5"), ("WORKERS", "0"),
        ("WORKERS", "65"), ("LOG_LEVEL", "loud"), ("LOG_LEVEL", "INFO "),
        ("RETRY_SCHEDULE", "0"), ("RETRY_SCHEDULE", "5,"), ("RETRY_SCHEDULE", "5;6"),
        ("RETRY_SCHEDULE", "604801"), ("RETRY_SCHEDULE", ",".join(["1"] * 21)),
        ("TRUSTED_PROXIES", "proxy"), ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("RETRY_SCHEDULE", "-5"), ("RETRY_SCHEDULE", "1.5"), ("RETRY_SCHEDULE", "\u0661"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    """The message names the variable, so that it can be found and mended."""
    os.environ[f"RINGBACK_{name}"] = value
    with pytest.raises(SettingsError, match=f"RINGBACK_{name}: "):
        load()


def test_all_faults_are_told_at_once() -> None:
    """Whoever mends one does not have to start again to hear of the next; no value is repeated."""
    os.environ |= {
        "RINGBACK_PORT": "x1234",
        "RINGBACK_WORKERS": "y1234",
        "RINGBACK_SECRET_KEY": "k",
    }
    with pytest.raises(SettingsError) as caught:
        load()
    assert "RINGBACK_PORT" in str(caught.value)
    assert "RINGBACK_WORKERS" in str(caught.value)
    assert "1234" not in str(caught.value)


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    """As container platforms hand them out: the file's content without the line end counts."""
    file = tmp_path / "key"
    file.write_text("  from-file\n", encoding="utf-8")
    os.environ |= {"RINGBACK_SECRET_KEY_FILE": str(file), "RINGBACK_DATABASE_URL_FILE": str(file)}
    settings = load()
    assert ("from-file", "from-file") == (settings.secret_key, settings.database_url)
    assert [] == unknown()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With the variable that names it and what the system says."""
    os.environ["RINGBACK_SECRET_KEY_FILE"] = str(tmp_path / "none")
    with pytest.raises(SettingsError, match=r"RINGBACK_SECRET_KEY_FILE: cannot read .*No such"):
        load()


def test_a_name_that_means_nothing_is_reported() -> None:
    """With the nearest name that does; other programs' variables are none of our business."""
    os.environ |= {"RINGBACK_PROT": "1", "RINGBACK_XYZZY": "1", "RINGBACKPORT": "1", "PORT": "1"}
    os.environ |= {"RINGBACK_API_KEY": "k", "RINGBACK_URL": "u"}
    near, far = unknown()
    assert "RINGBACK_PROT is not a setting of Ringback. Did you mean RINGBACK_PORT?" == near
    assert "RINGBACK_XYZZY is not a setting of Ringback." == far
