"""One command that talks to an installation: which one, with which key, and how it speaks.

Precedence of each value: option, then RINGBACK_URL, RINGBACK_API_KEY, RINGBACK_PROFILE, then the
profile. Imported by `ringback --help`: what is heavy is imported where it is needed.
"""

import inspect
import os
import sys
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import typer

from ringback.cli.options import OPTIONS, Chosen, parameters, remember, signed

if TYPE_CHECKING:
    from ringback.cli.output import Output
    from ringback.client.http import Client, Told

USUAL_URL = "http://127.0.0.1:8420"


class Place(NamedTuple):
    """Which installation, with which key, for whom; `source` says where that was found."""

    url: str
    api_key: str | None
    tenant: str | None
    mode: str | None
    source: str


class Session:
    """What a command is given: a client, a way to write data, and a way to talk."""

    def __init__(self, chosen: Chosen) -> None:
        """Take what was chosen; nothing is read or sent yet."""
        self.chosen = chosen
        self._client: Client | None = None

    def __enter__(self) -> Self:
        """Lend it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections, and write what is still to be written."""
        if self._client is not None:
            self._client.close()

    @cached_property
    def place(self) -> Place:
        """Where the installation is.

        Raises:
            StartupError: the configuration file cannot be used, or has no such profile.

        """
        from ringback.services import profile

        chosen, world = self.chosen, os.environ
        named = chosen.profile or world.get("RINGBACK_PROFILE")
        url = chosen.url or world.get("RINGBACK_URL")
        key = chosen.api_key or world.get("RINGBACK_API_KEY")
        name, fields = self._profile(named, url, needed=not (url and key))
        # A profile's key is for its own installation: it is never sent to another address.
        same = url is None or url.rstrip("/") == fields.get("url", "").rstrip("/")
        source = f"profile {name} of {profile.in_force()}" if name and same else "no profile"
        return Place(
            url or fields.get("url") or USUAL_URL,
            key or (fields.get("api_key") if same else None),
            chosen.tenant or (fields.get("tenant") if same else None),
            chosen.mode or (fields.get("mode") if same else None),
            source,
        )

    @staticmethod
    def _profile(named: str | None, url: str | None, *, needed: bool) -> tuple[str, dict[str, str]]:
        """Find the profile: the one that is named, that of the URL, or the usual one."""
        from ringback.services import profile

        if not (named or needed):
            return "", {}
        book = profile.book()
        if named is None and url is not None:
            for name, fields in book.profiles.items():
                if fields.get("url", "").rstrip("/") == url.rstrip("/"):
                    return name, fields
            return "", {}
        return book.named(named) or ("", {})

    @property
    def client(self) -> "Client":
        """The client of that installation.

        Raises:
            NoKey: no key is known.

        """
        if self._client is None:
            from ringback.client.http import Client

            place = self.place
            if place.api_key is None:
                from ringback.cli.failures import NoKey

                raise NoKey(place.url)
            self.detail(f"{place.url}, {place.source}")
            self._client = Client(
                place.url, place.api_key, tenant=place.tenant, mode=place.mode, told=self._told
            )
        return self._client

    def _told(self, told: "Told") -> None:
        status = told.status or "no answer"
        self.detail(
            f"{told.method} {told.path} → {status}, {told.ms:.0f} ms"
            + (f", {told.request_id}" if told.request_id else "")
        )

    @cached_property
    def out(self) -> "Output":
        """Where data goes: standard output, in the format that was chosen."""
        from ringback.cli.output import Output

        return Output(self.chosen.output or "table", no_color=self.chosen.no_color)

    def say(self, text: str) -> None:
        """Talk, on standard error; not with `--quiet`."""
        if not self.chosen.quiet:
            print(text, file=sys.stderr, flush=True)

    def detail(self, text: str) -> None:
        """Talk with `--verbose` only."""
        if self.chosen.verbose:
            print(text, file=sys.stderr, flush=True)

    def confirm(self, question: str) -> None:
        """Ask before something that cannot be undone; end the command unless the answer is yes."""
        if self.chosen.yes:
            return
        if not sys.stdin.isatty():
            raise typer.BadParameter(f"{question} Nobody is here to ask: say so with --yes.")
        if not typer.confirm(question, err=True):
            self.say("Nothing was done.")
            raise typer.Exit(1)

    def show(self, record: Any, columns: Any = ()) -> None:
        """Write one thing."""
        self.out.one(record, columns)


def online(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function whose first parameter is a Session: it gets the options.

    One of the function's own with the same name takes the place of the global one.
    """
    own = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    ]
    mine = {one.name for one in own}
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    def run(**values: Any) -> None:
        ctx = values.pop("ctx")
        given = {name: values.pop(name) for name in OPTIONS if name not in mine}
        with Session(remember(ctx, given)) as session:
            function(session, **values)

    return signed(
        run, [context, *own, *parameters(mine)], function.__name__, function.__doc__ or ""
    )
