"""Settings: every one is an environment variable `RINGBACK_…`, or `RINGBACK_…_FILE` for a secret.

Read once at start. Unknown RINGBACK_ variables are reported with the nearest known name.
"""

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ringback.domain.delivery_policy import faults_in_schedule
from ringback.domain.networks import LOOPBACK, IpNetwork
from ringback.domain.rate import PER_SECOND_MAX
from ringback.domain.retry import SCHEDULE_S
from ringback.errors import SettingsError

PREFIX = "RINGBACK_"
HIDDEN = "••••"
_FILES = ("DATABASE_URL", "SECRET_KEY", "MEDIA_BUCKET_SECRET")
# No settings, but known: where callers find the server, receivers' secrets, what tests switch on.
_OTHERS = {"API_KEY", "PROFILE", "URL", "WEBHOOK_SECRET", "FAILPOINTS", "FAILPOINTS_LOG"}


class Settings(BaseSettings):
    """Everything an installation can set, with its default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore")

    database_url: str | None = Field(
        None, description="PostgreSQL 15-18 to use; without it an embedded server is started."
    )
    data_dir: Path | None = Field(
        None, description="Where the embedded server and the secret key live."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8420, ge=1, le=65535, description="Port to listen on.")
    public_url: str | None = Field(
        None, description="How providers reach this server; some sign the URL they call."
    )
    trusted_proxies: str = Field(
        ",".join(map(str, LOOPBACK)),
        description="Addresses and networks of proxies, separated by commas: only their "
        "`X-Forwarded-For` is believed when wrong passwords are counted by address.",
    )
    secret_key: str | None = Field(
        None,
        description="Seals stored secrets: 32 bytes in base64. Several, separated by commas, "
        "rotate: the first seals, all open. Made by itself with the embedded server.",
    )
    media_dir: Path | None = Field(
        None,
        description="Where files that people send are kept; `media` in the data directory unless "
        "said. Every worker has to see it.",
    )
    media_bucket: str | None = Field(
        None,
        description="URL of an S3-compatible bucket, `https://example.com/bucket` or with a prefix "
        "behind it, to keep such files in instead.",
    )
    media_bucket_region: str = Field("us-east-1", description="The bucket's region.")
    media_bucket_key_id: str | None = Field(None, description="Access key id for the bucket.")
    media_bucket_secret: str | None = Field(None, description="Secret access key for the bucket.")
    workers: int = Field(1, ge=1, le=64, description="Server processes.")
    lock_egress: bool = Field(
        False,
        description="Refuse to open private networks and further ports for endpoints, "
        "whoever asks.",
    )
    allow_metadata: bool = Field(
        False,
        description="Let what owners open be link-local and cloud metadata addresses, too.",
    )
    rate_limit: int = Field(
        1000,
        ge=0,
        le=PER_SECOND_MAX,
        description="Requests a second that each API key may make, twice as many at once, unless "
        "the key or its tenant has a limit of its own; 0: no limit.",
    )
    retry_schedule: str = Field(
        ",".join(map(str, SCHEDULE_S)),
        description="Seconds to wait after each failed attempt, separated by commas, for endpoints "
        "without a schedule of their own.",
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Log level.")
    request_log: str = Field(
        "errors",
        pattern="^(all|errors|off)$",
        description="Which requests of the API are logged: `all`, `errors` (4xx and 5xx), or none, "
        "`off`.",
    )

    demo_pace: float = Field(
        1.2,
        ge=0,
        le=20,
        description="Messages a second of the [demo](demo.md); 0: the last ten minutes, and then "
        "nothing more.",
    )
    demo_seed: int | None = Field(
        None, description="Makes the demo tell the same story at every start."
    )

    @field_validator("retry_schedule")
    @classmethod
    def _check_schedule(cls, value: str) -> str:
        parts = [part.strip() for part in value.split(",")]
        if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
            raise ValueError("Write seconds, separated by commas.")
        for fault in faults_in_schedule(tuple(map(int, parts)), ""):
            raise ValueError(fault.detail)
        return ",".join(parts)

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        _networks(value)
        return value

    @property
    def proxy_networks(self) -> tuple[IpNetwork, ...]:
        """Where proxies are that are believed about whom they ask for."""
        return _networks(self.trusted_proxies)

    @property
    def retry_schedule_s(self) -> tuple[int, ...]:
        """The waits after each failed attempt, in seconds."""
        return tuple(map(int, self.retry_schedule.split(",")))

    @property
    def base_url(self) -> str:
        """The public URL without a final slash; the listening address when none is set."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def _networks(value: str) -> tuple[IpNetwork, ...]:
    """Read networks with commas between. Raises ValueError."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in value.split(","))
    except ValueError:
        words = "Write addresses or networks, separated by commas: 10.0.0.7,10.1.0.0/16."
        raise ValueError(words) from None


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a value is wrong, or a `_FILE` cannot be read.

    """
    for name in _FILES:
        path = os.environ.get(f"{PREFIX}{name}_FILE")
        if path:
            os.environ[PREFIX + name] = _read(path, f"{PREFIX}{name}_FILE")
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{PREFIX}{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise SettingsError("; ".join(faults)) from None


def _read(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {path}: {error.strerror}") from None


class Effective(NamedTuple):
    """A setting as it is in force: its variable, what may be shown of it, where it comes from.

    `source` is "environment", "file" (that the variable with _FILE names) or "default"; `fault`
    says what is wrong with it.
    """

    variable: str
    value: str | None
    source: str
    fault: str | None


def effective() -> list[Effective]:
    """Return every setting as it is in force, without secrets; what is wrong is said with it."""
    faults, read = {}, {}
    for name in _FILES:
        path = os.environ.get(f"{PREFIX}{name}_FILE")
        if path:
            try:
                read[name.lower()] = _read(path, f"{PREFIX}{name}_FILE")
            except SettingsError as error:
                faults[name.lower()] = str(error)
    try:
        values = Settings(**read).model_dump()  # type: ignore[arg-type]
    except ValidationError as error:
        values = {name: os.environ.get(PREFIX + name.upper()) for name in Settings.model_fields}
        faults |= {str(fault["loc"][0]): fault["msg"] for fault in error.errors()}
        for name, field in Settings.model_fields.items():
            values[name] = values[name] or field.default
    return [
        Effective(PREFIX + name.upper(), _shown(name, value), _source(name), faults.get(name))
        for name, value in (values | read).items()
    ]


def _source(name: str) -> str:
    variable = PREFIX + name.upper()
    if name.upper() in _FILES and os.environ.get(f"{variable}_FILE"):
        return "file"
    return "environment" if os.environ.get(variable) else "default"


def _shown(name: str, value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    if name == "media_bucket_secret":
        return HIDDEN
    if name == "secret_key":
        count = len([key for key in text.split(",") if key.strip()])
        return f"{HIDDEN} ({count} keys)" if count > 1 else HIDDEN
    return without_password(text) if name.endswith("_url") else text


def without_password(url: str) -> str:
    """Return a URL with its password hidden, wherever a database's address may have one."""
    try:
        parts = urlsplit(url)
        login, at, place = parts.netloc.rpartition("@")
    except ValueError:
        return HIDDEN
    if not parts.scheme:
        return HIDDEN  # no URL: nobody knows where its password is
    user, colon, _ = login.partition(":")
    query = re.sub(r"(?i)(^|&)([a-z]*pass[a-z]*)=[^&]*", rf"\1\2={HIDDEN}", parts.query)
    login = f"{quote(user, safe='%')}{colon and f':{HIDDEN}'}{at}"
    return f"{parts.scheme}://{login}{place}{parts.path}{query and f'?{query}'}"


def unknown() -> list[str]:
    """Return a warning for every RINGBACK_ variable that means nothing."""
    known = {name.upper() for name in Settings.model_fields} | {f"{name}_FILE" for name in _FILES}
    known |= _OTHERS
    warnings = []
    for variable in sorted(os.environ):
        name = variable.removeprefix(PREFIX)
        if name != variable and name not in known:
            # Without the prefix, which would make any two of them look alike.
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {PREFIX}{near[0]}?" if near else ""
            warnings.append(f"{variable} is not a setting of Ringback.{hint}")
    return warnings
