"""Connections: configured provider accounts, each with the URL that its callbacks go to."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import Asked, id_in_path
from ringback.api.audit import who_of
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import Page, PageQuery, Pager, within
from ringback.api.problems import Problem, not_found
from ringback.api.samples import Samples, may_ask, sample_of
from ringback.api.shown import CallbackId, ConnectionId, Time, View, example, moment
from ringback.domain import ids
from ringback.domain.endpoints import Pause
from ringback.domain.events import rfc3339
from ringback.domain.masking import HIDDEN
from ringback.domain.targets import MAX_URL
from ringback.services import catalogue, connection_changes, mapping_trials
from ringback.services.connection_changes import (
    OVERLAP_MAX_S,
    OVERLAP_S,
    Changes,
    Edges,
    OnBadSignature,
    Part,
)
from ringback.services.manage import TOKEN_MAX, LimitReached, NewConnection, TokenTaken
from ringback.services.receive import PREVIOUS
from ringback.storage import callbacks, counts, held
from ringback.storage.audit import Actor
from ringback.storage.configuration import StoredConnection

NAME_MAX = 128
REASON_MAX = 500
# What is held of a connection is counted up to here.
HELD_COUNTED = 10_000
_IN = "/in/"
_OF_MAPPING = frozenset(("mapping", "preset"))
_UNTESTED = (
    "Its mapping is saved, and has read no callback yet. Let one come in, then try it: "
    "ringback connections try-mapping --connection {}"
)
router = APIRouter(prefix="/connections", tags=["connections"])


class LastCallbackView(View):
    """The newest callback of a connection."""

    id: CallbackId
    received_at: Time
    outcome: str = Field(examples=["accepted"])


class OverlapView(View):
    """Earlier secrets that still count."""

    ends_at: Time = Field(description="When the last of them ends.")
    used: int = Field(description="How many callbacks only they fitted, over 30 days.")


class PauseView(View):
    """Since when something is paused, by whom, and why."""

    since: Time
    by: str = Field(
        description="The id of the API key or the person, or `installation`.",
        examples=[example("key")],
    )
    reason: str = Field(examples=["The order system is being moved."])


class PausesView(View):
    """What is paused."""

    intake: PauseView | None = Field(
        description="Callbacks are answered 503 and not stored; null: they are taken."
    )
    processing: PauseView | None = Field(
        description="Callbacks are stored and answered, and not read; null: they are read."
    )


class HeldView(View):
    """Callbacks that are stored and not read yet."""

    count: int
    at_least: bool = Field(description="Whether there are more than were counted: 10,000.")
    oldest_at: Time | None = Field(description="When the oldest of them came.")
    resuming: bool = Field(description="Whether they are being read.")


class ConnectionView(View):
    """A connection. Secrets of its config are never shown: at most their last four characters."""

    id: ConnectionId
    provider: str = Field(examples=["whatsapp"])
    name: str = Field(examples=["WhatsApp, main number"])
    mode: str = Field(description="`live` or `test`.", examples=["live"])
    callback_url: str = Field(
        description="What to give to the provider; whoever knows it may post to it. Its last part "
        "is hidden from who lacks the scope `connections:write`.",
        examples=["https://hooks.example.com/in/9f2c1d84a7b34e60"],
    )
    config: dict[str, Any] = Field(examples=[{"app_secret": "…9c1f", "verify_token": "…a07e"}])
    public_url: str | None = Field(
        description="Where its provider reaches this installation, if not where everybody does.",
        examples=["https://hooks.example.com"],
    )
    on_bad_signature: OnBadSignature = Field(
        description="`reject`, or `quarantine`: answered like a good one, kept, and not read."
    )
    overlap: OverlapView | None = Field(
        description="What was before the last rotation and still counts; null: nothing."
    )
    paused: PausesView
    held: HeldView | None = Field(
        description="What came while its processing was paused; null when there can be nothing."
    )
    usable: bool = Field(description="False when this version cannot read the stored config.")
    counts: dict[str, int] = Field(
        description="What is counted and not listed, over 30 days: handshakes, challenges, and "
        "floods of duplicates or rejections.",
        examples=[{"handshake": 1}],
    )
    last_callback: LastCallbackView | None
    created_at: Time
    updated_at: Time


class ToEnterView(View):
    """What is to be entered at the provider; told only now."""

    url: str = Field(
        description="The callback URL, with the proof in it where it stands there.",
        examples=["https://hooks.example.com/in/9f2c1d84a7b34e60"],
    )
    made_up: dict[str, str] = Field(
        description="Settings that were left out and have been made up.",
        examples=[{"verify_token": "0f9c1d84a7b34e60"}],
    )


class NewConnectionView(ConnectionView):
    """A connection that was just made or given new secrets, with what goes to the provider."""

    to_enter: ToEnterView
    mapping_tested: bool | None = Field(
        description="Whether the mapping that was given reads a callback; null: none was given."
    )
    to_do: str | None = Field(
        description="What is left to do where the mapping was not tested.", examples=[None]
    )


class ConnectionChange(Asked):
    """What is to change of a connection; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=NAME_MAX)
    public_url: str | None = Field(
        default=None, max_length=MAX_URL,
        description="The URL before `/in/` as its provider calls it; empty: as in the settings.",
    )  # fmt: skip
    on_bad_signature: OnBadSignature | None = None


class ConnectionRotation(Asked):
    """New secrets of a connection."""

    config: dict[str, Any] = Field(
        min_length=1, description="The fields that change; the others stay.",
        examples=[{"app_secret": "77d1…"}],
    )  # fmt: skip
    overlap_s: int = Field(
        default=OVERLAP_S, ge=0, le=OVERLAP_MAX_S,
        description="For so many seconds the old ones count as well; 0: they end at once.",
    )  # fmt: skip
    samples: Samples = Field(default=[])
    force: bool = Field(
        default=False,
        description="Change its mapping even if the new one reads none of the samples, or, without "
        "samples, of the connection's last callbacks.",
    )


class ConnectionPause(Asked):
    """What is to be paused."""

    part: Part = Field(
        description="`intake`: callbacks are answered 503 and not stored, so that the provider "
        "tries again. `processing`: they are stored, and read once it is resumed."
    )
    reason: str = Field(
        default="", max_length=REASON_MAX, description="Why; kept and shown.",
        examples=["The order system is being moved."],
    )  # fmt: skip


class ConnectionResumption(Asked):
    """What is to go on."""

    part: Part


class ConnectionCreate(Asked):
    """A new connection."""

    provider: str = Field(max_length=64, examples=["whatsapp"])
    name: str = Field(min_length=1, max_length=NAME_MAX, examples=["WhatsApp, main number"])
    config: dict[str, Any] = Field(
        description="The provider's settings; `GET /v1/providers` has the schema. Those that are "
        "`x-chosen` may be left out: they are made up.",
        examples=[{"app_secret": "0f9c…", "verify_token": "choose-one"}],
    )
    token: str | None = Field(
        default=None,
        max_length=TOKEN_MAX,
        description="The last part of the callback URL; made by chance when left out.",
    )
    public_url: str | None = Field(
        default=None, max_length=MAX_URL,
        description="The URL before `/in/` as its provider calls it, if not as in the settings.",
    )  # fmt: skip
    on_bad_signature: OnBadSignature = Field(
        default="reject",
        description="`reject`, or `quarantine`: answered like a good one, kept, and not read.",
    )
    samples: Samples = Field(default=[])
    force: bool = Field(
        default=False,
        description="Add it even if its mapping reads none of the samples.",
    )


async def view(caller: Caller, connection: StoredConnection) -> ConnectionView:
    """Show a connection without its secrets."""
    context = caller.context
    counted = await counts.of_connection(context.database, connection.no, *caller.scope)
    last = await callbacks.last_of_connection(context.database, caller.scope, connection.no)
    config = catalogue.redacted(connection.provider, connection.config)
    public = connection.public_url or context.public_url
    ends = [until for _, until in connection.previous if until > context.clock.now_ms()]
    overlap = None
    if ends:
        overlap = OverlapView(ends_at=rfc3339(max(ends)), used=counted.get(PREVIOUS, 0))
    return ConnectionView(
        id=ids.show("con", connection.id),
        provider=connection.provider,
        name=connection.name,
        mode=connection.mode.word,
        callback_url=callback_url(caller, f"{public}{_IN}{connection.token}"),
        config=config or {},
        public_url=connection.public_url,
        on_bad_signature=connection.on_bad_signature,
        overlap=overlap,
        paused=PausesView(
            intake=_pause(connection.pauses.intake),
            processing=_pause(connection.pauses.processing),
        ),
        held=await _held(caller, connection),
        usable=config is not None,
        counts=counted,
        last_callback=last
        and LastCallbackView(
            id=ids.show("cbk", last.id), received_at=moment(last.received), outcome=last.outcome
        ),
        created_at=moment(connection.created),
        updated_at=moment(connection.updated),
    )


async def _new(
    caller: Caller, connection: StoredConnection, made_up: dict[str, str], tested: bool | None
) -> NewConnectionView:
    """Show a connection with what is to be entered at its provider."""
    shown = await view(caller, connection)
    url = f"{connection.public_url or caller.context.public_url}{_IN}{connection.token}"
    url = catalogue.url_to_enter(connection.provider, connection.config, url)
    to_enter = ToEnterView(url=url, made_up=made_up)
    to_do = _UNTESTED.format(shown.id) if tested is False else None
    return NewConnectionView(
        **shown.model_dump(), to_enter=to_enter, mapping_tested=tested, to_do=to_do
    )


def _pause(pause: Pause | None) -> PauseView | None:
    if pause is None:
        return None
    by = who_of(Actor(pause.by, pause.person) if pause.by else None)
    return PauseView(since=rfc3339(pause.since), by=by, reason=pause.reason)


async def _held(caller: Caller, connection: StoredConnection) -> HeldView | None:
    pauses = connection.pauses
    if not pauses.may_hold:
        return None
    async with caller.context.database.acquire() as session:
        found = await held.count(session, [connection.no], HELD_COUNTED)
    count, oldest, _ = found[connection.no]
    return HeldView(
        count=count, at_least=count >= HELD_COUNTED, oldest_at=oldest and moment(oldest),
        resuming=pauses.processing is None and count > 0,
    )  # fmt: skip


def callback_url(caller: Caller, url: str) -> str:
    """Return a callback URL as the caller may see it: its token is as good as a password."""
    path, mark, query = url.partition("?")
    base, _, token = path.rpartition(_IN)
    if not token or caller.asker.may("connections:write"):
        return url
    return f"{base}{_IN}{HIDDEN}{mark}{query}"


def known_connection(caller: Caller, connection_id: str) -> StoredConnection:
    """Find the connection of a path. Raises Problem when there is none of this caller's."""
    identifier = id_in_path("con", connection_id)
    found = caller.manager.connection(caller.scope, identifier)
    if found is None:
        raise not_found("connection")
    return found


@router.post("", name="create_connection", status_code=201, summary="Add a connection")
async def create(caller: CallerDep, body: ConnectionCreate) -> NewConnectionView:
    """Add a connection. When the answer comes, every worker takes its callbacks.

    Where `samples` are given, its mapping must read one of them at least.
    """
    made_up = catalogue.made_up(body.provider, body.config)
    config = {**body.config, **made_up}
    samples = [sample_of(one) for one in body.samples]
    masked = caller.asker.masked
    tested = mapping_trials.check(body.provider, config, samples, masked=masked, force=body.force)
    new = NewConnection(
        body.provider, body.name, config, body.token, body.public_url, body.on_bad_signature
    )
    try:
        made = await caller.manager.add_connection(caller.scope, new)
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    except TokenTaken as error:
        raise Problem("token_taken", "Choose another token, or leave it out.") from error
    given = not _OF_MAPPING.isdisjoint(body.config)
    return await _new(caller, made, made_up, tested if given else None)


@router.get("", name="list_connections", summary="List connections")
async def page(
    request: Request, response: Response, caller: CallerDep, query: Annotated[PageQuery, Query()]
) -> Page[ConnectionView]:
    """List the connections of the key's tenant and mode, newest first."""
    pager = Pager(request, caller, query)
    rows = caller.manager.connections(caller.scope)
    found = within(rows, _key, pager.window)
    cut = pager.cut(found, _key, response)
    views = [await view(caller, row) for row in cut.rows]
    return Page(data=views, next=cut.next, prev=cut.prev)


def _key(row: StoredConnection) -> tuple[int, ...]:
    return (row.id.int,)


@router.get("/{connection_id}", name="get_connection", summary="One connection")
async def get(caller: CallerDep, connection_id: str) -> ConnectionView:
    """Return a connection, without its secrets."""
    return await view(caller, known_connection(caller, connection_id))


@router.patch("/{connection_id}", name="change_connection", summary="Change a connection")
async def change(caller: CallerDep, connection_id: str, body: ConnectionChange) -> ConnectionView:
    """Change what is given. When the answer comes, every worker goes by it."""
    known = known_connection(caller, connection_id)
    changes = Changes(body.name, body.public_url, body.on_bad_signature)
    changed = await connection_changes.change(_edges(caller), caller.scope, known, changes)
    if changed is None:
        raise not_found("connection")
    return await view(caller, changed)


@router.post(
    "/{connection_id}/rotate", name="rotate_connection", summary="Change a connection's secrets"
)
async def rotate(
    caller: CallerDep, connection_id: str, body: ConnectionRotation
) -> NewConnectionView:
    """Take callbacks with new secrets, and for a while with the old ones too, so none is lost."""
    known, edges = known_connection(caller, connection_id), _edges(caller)
    of_mapping = not _OF_MAPPING.isdisjoint(body.config)
    tested = await _check_mapping(caller, known, body) if of_mapping else None
    try:
        changed = await connection_changes.rotate(
            edges, caller.scope, known, body.config, body.overlap_s
        )
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    if changed is None:
        raise not_found("connection")
    return await _new(caller, changed, {}, tested)


@router.post("/{connection_id}/pause", name="pause_connection", summary="Pause a connection")
async def pause(caller: CallerDep, connection_id: str, body: ConnectionPause) -> ConnectionView:
    """Pause its intake or its processing. When the answer comes, every worker goes by it.

    What is paused already stays so, with the reason that was given first.
    """
    known, edges = known_connection(caller, connection_id), _edges(caller)
    changed = await connection_changes.pause(edges, caller.scope, known, body.part, body.reason)
    if changed is None:
        raise not_found("connection")
    return await view(caller, changed)


@router.post(
    "/{connection_id}/resume", name="resume_connection", summary="Let a connection go on"
)  # fmt: skip
async def resume(
    caller: CallerDep, connection_id: str, body: ConnectionResumption
) -> ConnectionView:
    """Let its intake or its processing go on; what was held is read now, in the background."""
    known, edges = known_connection(caller, connection_id), _edges(caller)
    changed = await connection_changes.resume(edges, caller.scope, known, body.part)
    if changed is None:
        raise not_found("connection")
    return await view(caller, changed)


@router.delete(
    "/{connection_id}/overlap", name="end_connection_overlap", status_code=204,
    summary="End an overlap",
)  # fmt: skip
async def end_overlap(caller: CallerDep, connection_id: str) -> None:
    """Let only the newest secrets count from now on."""
    known = known_connection(caller, connection_id)
    if await connection_changes.end_overlap(_edges(caller), caller.scope, known) is None:
        raise not_found("connection")


async def _check_mapping(
    caller: Caller, known: StoredConnection, body: ConnectionRotation
) -> bool | None:
    """Try a mapping that is to take the place of another. Raises Invalid unless it is forced."""
    samples = [sample_of(one) for one in body.samples]
    if not samples and may_ask(caller):
        database = caller.context.database
        samples = await mapping_trials.last(database, caller.scope, known.id)
    config = {**known.config, **body.config}
    masked = caller.asker.masked
    return mapping_trials.check(known.provider, config, samples, masked=masked, force=body.force)


def _edges(caller: Caller) -> Edges:
    return Edges(caller.context.configuration, caller.context.clock, caller.asker.actor)


@router.delete(
    "/{connection_id}", name="delete_connection", status_code=204, summary="Delete a connection"
)
async def delete(caller: CallerDep, connection_id: str) -> None:
    """Delete a connection. Its callback URL is unknown from then on; what it brought stays."""
    found = known_connection(caller, connection_id)
    if not await caller.manager.delete_connection(caller.scope, found.id):
        raise not_found("connection")
