"""`ringback emit` and `ringback simulate`: the options that they take."""

from inspect import cleandoc
from typing import Annotated, Literal

import typer

from ringback.cli.session import Session, online
from ringback.domain.scenarios import SCENARIOS

_SCENARIOS = "\n\n".join(f"{name}: {one.what}" for name, one in SCENARIOS.items())


def add_to(app: typer.Typer) -> None:
    """Add both commands."""
    app.command(
        epilog="$ ringback emit shop.order_paid --set subject=order-1 --set data.total=12\n\n"
        "$ ringback emit shop.order_paid --set 'subject=order-{n}' --count 1000 --rate 50\n\n"
        "$ ringback emit message.delivered --set reference=order-1\n\n"
        "$ ringback emit --list",
    )(online(emit))
    app.command(
        epilog="$ ringback simulate delivered\n\n$ ringback simulate reply --to +15550123\n\n"
        "$ ringback simulate storm --count 500\n\n"
        "$ ringback simulate refused --provider whatsapp --error-class consent",
        help=f"{cleandoc(simulate.__doc__ or '')}\n\n{_SCENARIOS}",
    )(online(simulate))


def emit(
    session: Session,
    type_: Annotated[
        str | None,
        typer.Argument(metavar="TYPE", help="One of your own, or of the catalogue.",
                       show_default=False),
    ] = None,
    assigned: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", show_default=False,
                     help="A field of the event: subject=order-{n}, data.total=12; {n} counts."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", show_default=False,
                     help="An event, or its data, as JSON; - is standard input."),
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, metavar="N", help="So many.")] = 1,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.01, metavar="N", show_default=False,
                     help="So many a second; as fast as it goes if not said."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="ID", show_default=False,
                     help="To this endpoint alone; of the catalogue, its example."),
    ] = None,
    connection: Annotated[
        str | None,
        typer.Option("--connection", metavar="ID", show_default=False,
                     help="For messages: whose callbacks; a simulator's if not said."),
    ] = None,
    shown: Annotated[bool, typer.Option("--list", help="List the types there are.")] = False,
) -> None:  # fmt: skip
    """Emit a sample event: everything that follows from a real one follows from it.

    A type of your own is published. A message's comes about by callbacks of a simulated provider,
    in test mode. Of the other types, and of all of them with --endpoint, one endpoint is sent the
    catalogue's example.
    """
    from ringback.cli import emit as work

    if shown:
        work.show_types(session)
        return
    if type_ is None:
        raise typer.BadParameter("Name a type; --list shows them.", param_hint="TYPE")
    work.run(
        session, type_, assigned=assigned or [], file=file, count=count, rate=rate,
        endpoint=endpoint, connection=connection,
    )  # fmt: skip


def simulate(
    session: Session,
    scenario: Annotated[
        str,
        typer.Argument(metavar="SCENARIO", help="What is to happen: one of the above.",
                       show_default=False, autocompletion=lambda: list(SCENARIOS)),
    ],
    connection: Annotated[
        str | None,
        typer.Option("--connection", metavar="ID", show_default=False,
                     help="Whose callbacks; a simulator's if not said."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("--count", min=1, metavar="N", show_default=False, help="So many messages."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="ADDRESS", show_default=False,
                     help="Whom they are for; somebody else each time if not said."),
    ] = None,
    channel: Annotated[
        Literal["sms", "mms", "whatsapp", "rcs"] | None,
        typer.Option("--channel", help="How they are sent.", show_default=False),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="TEXT", show_default=False,
                     help="The sender's own name for them."),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="TEXT", show_default=False, help="What they say."),
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="NAME", show_default=False,
                     help="Through this provider: its newest test connection, or a new one with "
                     "made-up credentials."),
    ] = None,
    error_code: Annotated[
        str | None,
        typer.Option("--error-code", metavar="CODE", show_default=False,
                     help="The provider's code of a failure or refusal."),
    ] = None,
    error_class: Annotated[
        Literal["recipient", "sender", "content", "policy", "consent", "credit", "throttled",
                "network", "platform", "unknown"] | None,
        typer.Option("--error-class", show_default=False,
                     help="Any code of the provider's that means this."),
    ] = None,
    wait: Annotated[
        str, typer.Option("--wait", metavar="SPAN", help="How long to wait for the end of it.")
    ] = "15s",
) -> None:  # fmt: skip
    """Send through a provider's faked API, let its signed callbacks come in, and show the end.

    That is: the message, its status, its events in order, and how telling them went. In test mode.
    """
    from ringback.cli import simulate as work
    from ringback.cli.values import seconds

    asked = work.Asked(
        connection=connection, provider=provider, count=count, to=to, channel=channel,
        reference=reference, text=text, error_code=error_code, error_class=error_class,
        patience_s=seconds(wait),
    )  # fmt: skip
    work.run(session, scenario, asked)
