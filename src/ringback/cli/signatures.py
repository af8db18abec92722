"""`ringback sign` and `ringback verify`: Standard Webhooks signatures, made and explained.

Both work on what they are given, without a server.
"""

import os
import secrets as chance
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

SECRETS = "RINGBACK_WEBHOOK_SECRET"
_PANEL = "Try it"
INPUT_MAX = 64 * 1024 * 1024
_FROM_ENV = f"Without it, {SECRETS} (several separated by commas)."
_SECRET = typer.Option(
    None, "--secret", help=f"Signing secret, whsec_…; may be given several times. {_FROM_ENV}"
)
_HEADER = typer.Option(
    None, "--header", "-H", help="A header as it came, 'Name: value'; any number of them."
)
_FILE = typer.Option(None, "--file", help="Read from a file instead of standard input.")


def add_to(app: typer.Typer) -> None:
    """Add both commands."""
    app.command(rich_help_panel=_PANEL)(sign)
    app.command(rich_help_panel=_PANEL)(verify)


def sign(
    secret: list[str] | None = _SECRET,
    id: str | None = typer.Option(None, "--id", help="The id; a new one if left out."),  # noqa: A002
    timestamp: int | None = typer.Option(
        None, "--timestamp", min=0, help="Seconds since 1970; now if left out."
    ),
    file: Path | None = _FILE,
) -> None:
    """Sign a body, and print the three headers to send with it.

    The body is read from standard input, byte for byte. For curl:
    ringback sign --file body.json > headers; curl -H @headers --data-binary @body.json URL
    """
    from ringback.domain.signature_check import key_of
    from ringback.domain.signing import Signer

    given = _secrets(secret)
    keys = [key_of(each) for each in given]
    for number, key in enumerate(keys, 1):
        if key is None:
            _usage(f"Secret {number} of {len(keys)} is not whsec_ and base64.")
    if id is not None and (not id or not id.isascii() or not id.isprintable() or "." in id):
        _usage("An id is printable ASCII without dots: dots separate it from the timestamp.")
    event = id or f"msg_{chance.token_hex(13)}"
    stamp = int(time.time()) if timestamp is None else timestamp
    signer = Signer(tuple(key for key in keys if key is not None))
    print(f"webhook-id: {event}")
    print(f"webhook-timestamp: {stamp}")
    print(f"webhook-signature: {signer.sign(event, stamp, _read(file))}")


def verify(
    secret: list[str] | None = _SECRET,
    id: str | None = typer.Option(None, "--id", help="webhook-id."),  # noqa: A002
    timestamp: str | None = typer.Option(None, "--timestamp", help="webhook-timestamp."),
    signature: str | None = typer.Option(None, "--signature", help="webhook-signature."),
    header: list[str] | None = _HEADER,
    file: Path | None = _FILE,
    tolerance: str = typer.Option(
        "5m", "--tolerance", help="How far the timestamp may be off, either way."
    ),
    at: str | None = typer.Option(
        None,
        "--at",
        help="Check as of then: a time (ISO 8601), seconds since 1970, or 2h ago.",
    ),
) -> None:
    """Check a signed webhook; if it must be refused, say why.

    The body is read from standard input, byte for byte. Without --id, --timestamp, --signature
    and --header, the input is a whole request as it was pasted: headers, an empty line, the body.
    """
    from ringback.cli.values import seconds
    from ringback.domain import pasted
    from ringback.domain.signature_check import check, received

    given = _secrets(secret)
    text = _read(file)
    fields = {"id": id, "timestamp": timestamp, "signature": signature}
    headers, body = [], text
    if header or any(value is not None for value in fields.values()):
        for line in header or []:
            found = pasted.field(line)
            if found is None:
                _usage(f"{line!r} is no header. Write it as 'Name: value'.")
            headers.append(found)
    else:
        request = pasted.read(text)
        if request is None:
            _usage(
                "Give the headers with --header (or --id, --timestamp and --signature), or a "
                "whole request: its headers, an empty line, and the body."
            )
        headers, body = list(request.headers), request.body
    now = _moment(at)
    checked = check(received(headers, body, given=fields), given, now, int(seconds(tolerance)))
    if checked.ok:
        which = f", made with secret {(checked.secret or 0) + 1} of {len(given)}"
        print(f"The signature is right{which if len(given) > 1 else ''}; the timestamp is fresh.")
        return
    print("A receiver must refuse this.")
    for cause in checked.causes:
        print(f"- {cause.detail} ({cause.code})")
    raise typer.Exit(1)


def _secrets(given: list[str] | None) -> list[str]:
    found = given or os.environ.get(SECRETS, "").split(",")
    kept = [each for each in found if each.strip()]
    if not kept:
        _usage(f"Give the signing secret with --secret or in {SECRETS}.")
    return kept if given else [each.strip() for each in kept]


def _read(file: Path | None) -> bytes:
    try:
        if file is not None:
            with file.open("rb") as source:
                text = source.read(INPUT_MAX + 1)
        else:
            if sys.stdin.isatty():
                _talk("Reading from the terminal; Ctrl-D ends it.")
            text = sys.stdin.buffer.read(INPUT_MAX + 1)
    except OSError as error:
        _usage(f"Cannot read {file}: {error.strerror}.")
    if len(text) > INPUT_MAX:
        _usage(f"The input has more than {INPUT_MAX} bytes.")
    return text


def _moment(text: str | None) -> int:
    if text is None:
        return int(time.time())
    if text.isascii() and text.isdigit():
        return int(text)
    from ringback.cli.values import moment

    return int(datetime.fromisoformat(moment(text, datetime.now(UTC))).timestamp())


def _talk(text: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True, emoji=False).print(escape(text))


def _usage(text: str) -> NoReturn:
    _talk(text)
    raise typer.Exit(2)
