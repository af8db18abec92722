"""Commands made of declarations: the typer side, and what each does when it is run.

Imported by `ringback --help`: what is heavy is imported where it is needed.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ringback.cli.declared import Command, Option, Resource
from ringback.cli.options import OPTIONS, parameters, remember, signed

if TYPE_CHECKING:
    from ringback.cli.session import Session

LIMIT = 50
_BODY = frozenset({"make", "change", "act", "try"})
_TYPES: dict[str, Any] = {
    "whole": int, "number": float, "flag": bool, "list": list[str], "numbers": list[str],
    "pairs": list[str], "settings": list[str],
}  # fmt: skip


def group_of(resource: Resource) -> typer.Typer:
    """Make the group of a resource's commands."""
    group = typer.Typer(no_args_is_help=True, help=resource.help, rich_markup_mode="rich")
    for command in resource.commands:
        add(group, resource, command)
    return group


def add(group: typer.Typer, resource: Resource, command: Command) -> None:
    """Add one command to a group."""
    own = [*_argument(resource, command), *(_parameter(one) for one in command.options)]
    if command.does == "list":
        own += _list_options(command)
    if command.does in _BODY and command.options:
        own += _body_options()
    mine = {one.name for one in own}

    def run(**values: Any) -> None:
        from ringback.cli.session import Session

        ctx = values.pop("ctx")
        given = {name: values.pop(name) for name in OPTIONS if name not in mine}
        with Session(remember(ctx, given)) as session:
            _RUNNERS[command.does](session, resource, command, values)

    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    name = f"{resource.name}_{command.name}".replace("-", "_")
    everything = [context, *own, *parameters(mine)]
    group.command(command.name, epilog=_examples(command))(
        signed(run, everything, name, command.help)
    )


def _examples(command: Command) -> str:
    return "\n\n".join(f"$ ringback {example}".replace("[", r"\[") for example in command.examples)


def keyword(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    """Make a parameter that is given by name."""
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _argument(resource: Resource, command: Command) -> list[inspect.Parameter]:
    if "{id}" not in command.path:
        return []
    article = "an" if resource.thing[0] in "aeiouA" else "a"
    text = command.argument_help or f"The id of {article} {resource.thing}."
    if command.many and not command.argument_help:
        text = "Ids, separated by spaces; - reads them from standard input."
    label = command.argument or ("ID…" if command.many else "ID")
    kind: Any = list[str] if command.many else str
    annotation = Annotated[kind, typer.Argument(metavar=label, help=text, show_default=False)]
    return [keyword("ids", annotation, inspect.Parameter.empty)]


def _parameter(option: Option) -> inspect.Parameter:
    kind = _TYPES.get(option.takes, str)
    if option.choices:
        kind = Literal[option.choices]
    names = option.dashed
    if option.takes == "flag":
        names += f"/--no-{names.removeprefix('--')}"
    # Not of typer's: with --data it may be in there.
    text = option.help + (r" \[required]" if option.required else "")
    metavar = None if option.takes == "flag" else option.metavar or None
    told = typer.Option(names, help=text, show_default=False, metavar=metavar)
    return keyword(option.called, Annotated[kind | None, told])


def _list_options(command: Command) -> list[inspect.Parameter]:
    limit = typer.Option(
        "--limit", "-n", min=1, metavar="N", help="At most so many rows.", show_default=True
    )
    everything = typer.Option("--all", help="Every row that there is.")
    return (
        [
            keyword("limit", Annotated[int, limit], LIMIT),
            keyword("everything", Annotated[bool, everything], default=False),
        ]
        if command.paged
        else []
    )


def _body_options() -> list[inspect.Parameter]:
    data = typer.Option(
        "--data", "-d", metavar="JSON", help="The request's body: JSON, @FILE, or - for standard "
        "input; options are put over it.", show_default=False,
    )  # fmt: skip
    set_ = typer.Option(
        "--set", metavar="PATH=VALUE", help="Any field by its path, as in delivery.order=none; "
        "may be repeated.", show_default=False,
    )  # fmt: skip
    return [
        keyword("data", Annotated[str | None, data]),
        keyword("assigned", Annotated[list[str] | None, set_]),
    ]


def _value(option: Option, given: Any) -> Any:
    """Turn what was given for an option into what the API takes."""
    from datetime import UTC, datetime

    from ringback.cli import values

    now = datetime.now(UTC)
    readers: dict[str, Callable[[Any], Any]] = {
        "list": values.items,
        "numbers": lambda texts: [_whole(text) for text in values.items(texts)],
        "pairs": values.pairs,
        "settings": values.pairs,
        "json": values.document,
        "past": lambda text: values.moment(text, now),
        "future": lambda text: values.moment(text, now, ahead=True),
        "place": lambda text: values.place(text, now),
        "seconds": values.seconds,
        "schedule": lambda text: None if text == "usual" else values.each([text], values.seconds),
    }
    read = readers.get(option.takes)
    if read is None:
        return given
    try:
        return read(given)
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option.dashed) from None


def _whole(text: str) -> int:
    if not text.isdigit():
        raise typer.BadParameter(f"{text!r} is no number.")
    return int(text)


def _query(command: Command, given: dict[str, Any]) -> dict[str, Any]:
    return {
        option.field: _value(option, given[option.called])
        for option in command.options
        if given.get(option.called) is not None
    }


def _beside(command: Command, given: dict[str, Any]) -> dict[str, Any] | None:
    """Return the query of a request for one thing: the options that do not stand in its path."""
    query = _query(command, given)
    return {name: value for name, value in query.items() if f"{{{name}}}" not in command.path}


def body_of(command: Command, given: dict[str, Any]) -> dict[str, Any]:
    """Make the body of a request: --data, then options, then --set."""
    from ringback.cli import values

    body: dict[str, Any] = {}
    if given.get("data") is not None:
        document = values.document(given["data"])
        if not isinstance(document, dict):
            raise typer.BadParameter("The body has to be a JSON object.", param_hint="--data")
        body = document
    for option in command.options:
        if given.get(option.called) is not None:
            values.put(body, option.field, _value(option, given[option.called]))
    values.assignments(given.get("assigned") or (), body)
    for option in command.options:
        if option.required and option.field not in body:
            raise typer.BadParameter("It is required.", param_hint=option.dashed)
    return {**body, **dict(command.fixed)}


def _list(session: "Session", resource: Resource, command: Command, given: dict[str, Any]) -> None:
    columns = command.columns or resource.columns
    limit = None if given.get("everything") else given.get("limit")
    path = _path(command, given["ids"]) if "ids" in given else command.path
    beyond: list[str] = []
    rows = _rows(session, command, path, _query(command, given), limit, beyond)
    count = session.out.rows(rows, columns, resource.key)
    if beyond:
        session.say(f"There is more: --limit {2 * count}, or --all.")
    elif not count:
        session.say("There is nothing.")


def _rows(
    session: "Session",
    command: Command,
    path: str,
    query: dict[str, Any],
    limit: int | None,
    beyond: list[str],
) -> Iterator[dict[str, Any]]:
    """Go through the rows, at most `limit`; say in `beyond` that there are more of them."""
    from ringback.client.http import PAGE_MAX

    left = limit
    size = min(limit or PAGE_MAX, PAGE_MAX) if command.paged else None
    for page in session.client.pages(path, query, size=size):
        yield from page.data[:left]
        left = None if left is None else left - min(left, len(page.data))
        if left == 0:
            if page.next is not None:
                beyond.append(page.next)
            return


def _path(command: Command, identifier: str, given: dict[str, Any] | None = None) -> str:
    """Fill in a path: the id, and options that stand in it."""
    from ringback.client.http import segment

    path = command.path.replace("{id}", segment(identifier))
    for option in command.options:
        if f"{{{option.field}}}" in path:
            value = (given or {}).get(option.called)
            if value is None:
                raise typer.BadParameter("It is required.", param_hint=option.dashed)
            path = path.replace(f"{{{option.field}}}", segment(str(value)))
    return path


def for_each(
    session: "Session", given: Any, ask: Callable[[str], Any]
) -> Iterator[tuple[str, Any]]:
    """Ask for each of several ids, and go on when one is refused; end with the right exit code.

    With a single id the error is raised as it is.
    """
    from ringback.cli import failures, values
    from ringback.client.problems import ApiError

    names = [given] if isinstance(given, str) else values.named(given)
    if not names:
        session.say("There is nothing to do.")
    codes = []
    for name in names:
        try:
            yield name, ask(name)
        except ApiError as error:
            if len(names) == 1 or failures.exit_code(error) in {failures.KEY, failures.NETWORK}:
                raise
            codes.append(failures.explain(error, name))
    if codes:
        session.say(f"{len(names) - len(codes)} of {len(names)} done.")
        raise typer.Exit(codes[0] if len(codes) == len(names) else failures.PARTIAL)


def _get(session: "Session", resource: Resource, command: Command, given: dict[str, Any]) -> None:
    found = for_each(
        session,
        given["ids"],
        lambda one: session.client.get(_path(command, one, given), _beside(command, given)),
    )
    columns = command.columns or resource.columns
    if isinstance(given["ids"], str) or (given["ids"] != ["-"] and len(given["ids"]) == 1):
        for _, record in found:
            session.out.one(record, columns, resource.key)
        return
    session.out.several((record for _, record in found), columns, resource.key)


def _make(session: "Session", resource: Resource, command: Command, given: dict[str, Any]) -> None:
    body = body_of(command, given)
    for option in command.options:
        if option.takes == "settings" and given.get(option.called):
            body[option.field] = _settings(session, body["provider"], body[option.field])
    made = session.client.post(command.path, body)
    session.out.one(made, resource.columns, resource.key)
    for secret in ("key", "link"):
        if made.get(secret) and session.out.format in {"id", "csv"}:
            # It is told nowhere else, and never again.
            print(f"The {secret}, shown this once: {made[secret]}", file=sys.stderr)
    _say_what_is_left(session, made)


def _say_what_is_left(session: "Session", answer: Any) -> None:
    """Say what an answer says is still to be done, such as trying a mapping that is not tested."""
    if isinstance(answer, dict) and answer.get("to_do"):
        session.say(answer["to_do"])


def _settings(session: "Session", provider: str, given: dict[str, str]) -> dict[str, Any]:
    """Read a provider's settings as its schema says: `106540352` may be a text or a number."""
    from ringback.cli import values

    providers = session.client.rows("/v1/providers", paged=False)
    schemas = {one["name"]: one["config_schema"] for one in providers}
    schema = schemas.get(provider)
    if schema is None:
        raise typer.BadParameter(
            f"There is no provider {provider}, only {', '.join(schemas)}.",
            param_hint="--provider",
        )
    return values.by_schema(given, schema)


def _change(
    session: "Session", resource: Resource, command: Command, given: dict[str, Any]
) -> None:
    body = body_of(command, given)
    if not body:
        raise typer.BadParameter("Say what to change; --help lists what can be.")
    changed = for_each(
        session, given["ids"],
        lambda one: session.client.call(command.method, _path(command, one), body=body),
    )  # fmt: skip
    if command.done and session.out.format == "table":
        for name, _ in changed:
            session.say(f"{command.done} {name}.")
        return
    for _, record in changed:
        session.out.one(record, resource.columns, resource.key)


def _act(session: "Session", resource: Resource, command: Command, given: dict[str, Any]) -> None:
    body = body_of(command, given) if command.sends else None
    settings = next((one for one in command.options if one.takes == "settings"), None)

    def ask(one: str) -> Any:
        if settings is None or body is None or not given.get(settings.called):
            return session.client.post(_path(command, one), body)
        changed = session.client.get(_path(command, one).rpartition("/")[0])
        read = _settings(session, changed["provider"], body[settings.field])
        return session.client.post(_path(command, one), {**body, settings.field: read})

    done = for_each(session, given["ids"], ask)
    for name, record in done:
        session.out.one(record, command.columns, resource.key)
        _say_what_is_left(session, record)
        if command.done:
            session.say(f"{command.done} {name}.")


def _draw(session: "Session", resource: Resource, command: Command, given: dict[str, Any]) -> None:
    from ringback.cli import timeline

    found = session.client.get(_path(command, given["ids"]))
    if session.out.format == "table":
        timeline.draw(session.out, found)
    elif session.out.format == "json":
        session.out.one(found)
    else:
        session.out.several(found["entries"], resource.columns, resource.key)


def _try(session: "Session", resource: Resource, command: Command, given: dict[str, Any]) -> None:
    from ringback.cli import trial

    del resource
    body = body_of(command, given)
    sent = for_each(
        session, given["ids"], lambda one: session.client.post(_path(command, one), body)
    )
    trial.show(session, sent, command.columns)


def _remove(
    session: "Session", resource: Resource, command: Command, given: dict[str, Any]
) -> None:
    del resource
    from ringback.cli import values

    names = values.named(given["ids"])
    if not names:
        session.say("There is nothing to do.")
        return
    what = names[0] if len(names) == 1 else f"these {len(names)}"
    session.confirm(f"{command.name.capitalize()} {what}?")
    gone = for_each(
        session, names, lambda one: session.client.call("DELETE", _path(command, one))
    )  # fmt: skip
    for name, _ in gone:
        session.say(f"{command.done} {name}.")


_RUNNERS: dict[str, Callable[["Session", Resource, Command, dict[str, Any]], None]] = {
    "list": _list, "get": _get, "make": _make, "change": _change, "act": _act, "remove": _remove,
    "draw": _draw, "try": _try,
}  # fmt: skip
