"""Which installation is spoken to: `whoami`, `login`, `config`, `open`, and shells' completion."""

import os
import sys
from typing import Annotated, Literal

import typer

from ringback.cli.declared import Column
from ringback.cli.session import Session, online

COMPLETE = "_RINGBACK_COMPLETE"
_Field = Literal["url", "api_key", "tenant", "mode"]
# Where what an id names is found in the API.
_PLACES = {
    "evt": "events", "msg": "messages", "dlv": "deliveries", "att": "attempts",
    "cbk": "callbacks", "end": "endpoints", "con": "connections", "key": "api-keys",
    "ten": "tenants",
}  # fmt: skip
_PROFILES = (
    Column("name", "name", "id"), Column("url", "url"), Column("key", "key"),
    Column("usual", "usual", "status", words=("", "yes")), Column("tenant", "tenant", wide=True),
    Column("mode", "mode", wide=True),
)  # fmt: skip


def add_to(app: typer.Typer, config: typer.Typer) -> None:
    """Add the commands, those of `config` to their group."""
    for one, examples in (
        (whoami, ("whoami", "whoami -o json")),
        (login, ("login --url https://example.com", "login --profile live < key.txt")),
        (open_, ("open", "open msg_01…")),
    ):
        epilog = "\n\n".join(f"$ ringback {example}" for example in examples)
        app.command(one.__name__.rstrip("_"), epilog=epilog)(online(one))
    app.command(epilog='$ eval "$(ringback completion bash)"')(completion)
    for inner in (path, profiles, use, get, set_):
        config.command(inner.__name__.rstrip("_"))(online(inner))


def whoami(session: Session) -> None:
    """Say which key asks, where, for whom, and what it may do."""
    found = session.client.get("/v1/whoami")
    place = session.place
    session.show({"url": place.url, "from": place.source, **found})


def login(session: Session) -> None:
    """Check an API key, and keep it with its installation's address as a profile.

    The key comes from --api-key, RINGBACK_API_KEY, or a question; in a pipe, from standard input.
    """
    from ringback.client.http import Client
    from ringback.services import profile

    chosen = session.chosen
    book = profile.book()
    known = book.profiles.get(chosen.profile or "", {})
    url = (
        chosen.url or os.environ.get("RINGBACK_URL") or known.get("url") or session.place.url
    ).rstrip("/")
    key = chosen.api_key or os.environ.get("RINGBACK_API_KEY") or _asked(url)
    with Client(url, key, tenant=chosen.tenant, mode=chosen.mode) as client:
        who = client.get("/v1/whoami")
    name = chosen.profile or profile.name_for(book, url, key)
    fields = {"url": url, "api_key": key, "tenant": chosen.tenant, "mode": chosen.mode}
    profile.keep(book.file, name, fields)
    if book.file == profile.LOCAL:
        session.say(f"{book.file} holds a secret now: keep it out of version control.")
    whose = f" of {who['tenant_name']}" if who["tenant_name"] else ""
    session.say(f"A {who['kind']} key{whose}: kept as profile {name} in {book.file}.")
    usual = profile.book().named(None)
    if usual is not None and usual[0] != name:
        session.say(f"`--profile {name}` uses it; `ringback config use {name}` makes it usual.")


def _asked(url: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(f"API key for {url}", hide_input=True, err=True)).strip()
    key = sys.stdin.readline().strip()
    if not key:
        raise typer.BadParameter("Give a key: --api-key, RINGBACK_API_KEY, or standard input.")
    return key


def open_(
    session: Session,
    id_: Annotated[
        str | None, typer.Argument(metavar="ID", help="Of anything.", show_default=False)
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Open no browser.")] = False,
) -> None:
    """Print where something is: the API's documentation, or what an id names.

    At a terminal the documentation is opened in a browser, too.
    """
    url = session.place.url.rstrip("/")
    if id_ is None:
        print(f"{url}/docs")
        if not only_print and sys.stdout.isatty():
            import webbrowser

            webbrowser.open(f"{url}/docs", new=2)
        return
    place = _PLACES.get(id_.partition("_")[0])
    if place is None:
        raise typer.BadParameter(f"{id_!r} is no id of Ringback's, as msg_01… is.")
    print(f"{url}/v1/{place}/{id_}")


def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "powershell"],
        typer.Argument(help="Of which shell.", show_default=False),
    ],
) -> None:
    """Print what lets a shell complete commands and options.

    For good: put the line below into the shell's start-up file.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    print(get_completion_script(prog_name="ringback", complete_var=COMPLETE, shell=shell))


def begin_completion() -> None:
    """Answer a shell that completes, as the script of `completion` asks."""
    if COMPLETE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def path(session: Session) -> None:
    """Print which configuration file counts here."""
    from ringback.services import profile

    session.detail("./.ringback.toml if it is there, else the home's.")
    print(profile.in_force().absolute())


def profiles(session: Session) -> None:
    """List the profiles of the configuration file that counts here; keys are not shown."""
    from ringback.services import profile

    book = profile.book()
    usual = book.named(None)
    rows = (
        {
            "name": name, "url": fields.get("url"), "key": _masked(fields.get("api_key")),
            "usual": usual is not None and name == usual[0], "tenant": fields.get("tenant"),
            "mode": fields.get("mode"),
        }
        for name, fields in book.profiles.items()
    )  # fmt: skip
    if not session.out.rows(rows, _PROFILES, "name"):
        session.say(f"There is none in {book.file}: ringback login makes one.")


def _masked(key: str | None) -> str:
    if not key:
        return ""
    return f"{'_'.join(key.split('_')[:2])}_…{key[-4:]}"


def use(
    session: Session,
    name: Annotated[str, typer.Argument(help="Of a profile.", show_default=False)],
) -> None:
    """Let a profile be the one that is meant when none is named."""
    from ringback.services import profile

    file = profile.in_force()
    profile.use(file, name)
    session.say(f"The usual profile in {file} is {name}.")


def get(
    session: Session,
    field: Annotated[_Field, typer.Argument(help="What of it.", show_default=False)],
) -> None:
    """Print a field of the profile; exit code 1 when it is not set."""
    from ringback.services import profile

    found = profile.book().named(session.chosen.profile)
    value = found[1].get(field) if found else None
    if value is None:
        session.say(f"{field} is not set.")
        raise typer.Exit(1)
    print(value)


def set_(
    session: Session,
    field: Annotated[_Field, typer.Argument(help="What of it.", show_default=False)],
    value: Annotated[str, typer.Argument(help="What it is to be; '' removes it.")],
) -> None:
    """Set a field of the profile; one that --profile names is added if need be."""
    from ringback.services import profile

    book = profile.book()
    name = session.chosen.profile
    if name is None:
        found = book.named(None)
        name = found[0] if found else "default"
    profile.keep(book.file, name, {field: value or None})
    session.say(f"{field} of the profile {name} in {book.file} is {'set' if value else 'gone'}.")
