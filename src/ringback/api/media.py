"""Files that people send: what is known of each, and the file itself by its signed link."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import structlog
from fastapi import APIRouter, Response
from pydantic import Field
from starlette.requests import Request
from starlette.responses import StreamingResponse

from ringback.api.asked import id_in_path
from ringback.api.auth import CallerDep
from ringback.api.context import Context
from ringback.api.problems import Problem, not_found
from ringback.api.shown import MessageId, Time, View, example, moment
from ringback.domain import ids
from ringback.domain.media import LINK_S, link, linked, served_as
from ringback.services.media_store import StoreError
from ringback.storage import media
from ringback.storage.media import GIVEN_UP, KEPT, PENDING, File

_STATES: dict[int, Literal["pending", "kept", "given_up"]] = {
    PENDING: "pending", KEPT: "kept", GIVEN_UP: "given_up",
}  # fmt: skip
_PENDING_S = "5"
# A file is somebody else's: it is never a page of ours, whatever is in it.
_APART = {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": "private, max-age=3600, immutable",
    "referrer-policy": "no-referrer",
}
# So many are served at the same time, each wholly in memory.
AT_ONCE = 8
_PIECE = 64 * 1024
_serving = asyncio.Semaphore(AT_ONCE)
log = structlog.get_logger()
router = APIRouter(prefix="/media", tags=["messages"])
files = APIRouter(include_in_schema=False)


class MediaView(View):
    """A file that came with a message."""

    id: str = Field(examples=[example("med")])
    message: MessageId
    place: int = Field(description="Which of the message's files it is, from 0.")
    state: Literal["pending", "kept", "given_up"] = Field(
        description="Whether it is still to be fetched from the provider, can be had, or could not "
        "be had within a day."
    )
    content_type: str | None = Field(examples=["image/jpeg"])
    size: int | None = Field(description="Bytes.", examples=[48213])
    sha256: str | None = Field(description="Of the file, in hex.")
    error: str | None = Field(description="Why it could not be had, the last time.")
    created_at: Time
    link: str | None = Field(
        description="Where the file can be fetched without a key, for seven days from now; null "
        "where texts are masked for whoever asks."
    )


def _view(caller: CallerDep, file: File) -> MediaView:
    context = caller.context
    until_s = context.clock.now_ms() // 1000 + LINK_S
    secret = context.configuration.snapshot.hash_key
    return MediaView(
        id=ids.show("med", file.id),
        message=ids.show("msg", file.message),
        place=file.place,
        state=_STATES[file.state],
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256.hex() if file.sha256 else None,
        error=file.error,
        created_at=moment(file.created),
        link=None if caller.asker.masked else link(context.public_url, secret, file.id, until_s),
    )


@router.get("/{media_id}", name="get_media", summary="One file of a message")
async def get(caller: CallerDep, media_id: str) -> MediaView:
    """Return what is known of a file, with a fresh link to it."""
    found = await media.get(caller.context.database, caller.scope, id_in_path("med", media_id))
    if found is None:
        raise not_found("file")
    return _view(caller, found)


@files.get("/media/{token}")
@files.head("/media/{token}")
async def fetch(request: Request, token: str) -> Response:
    """Serve a file to whoever has its link."""
    context: Context = request.app.state.context
    named = linked(context.configuration.snapshot.hash_key, token)
    if named is None:
        raise Problem("not_found", "This link is not whole, or is none of this installation's.")
    file, until_s = named
    if until_s < context.clock.now_ms() // 1000:
        raise Problem(
            "link_expired", "The link was good for seven days. GET /v1/media/{id} makes a new one."
        )
    found = await media.behind_link(context.database, file)
    if found is None:
        raise Problem("link_expired", "The file is no longer kept.")
    if found.state == GIVEN_UP:
        raise Problem("link_expired", "The file could not be had from the provider.")
    if found.state == PENDING:
        words = "The file is being fetched from the provider; come again in a moment."
        raise Problem("media_pending", words, headers={"retry-after": _PENDING_S})
    kind, shown = served_as(found.content_type)
    how = "inline" if shown else "attachment"
    headers = {**_APART, "content-disposition": f'{how}; filename="{ids.show("med", found.id)}"'}
    headers["content-length"] = str(found.size)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=kind)
    if _serving.locked():
        words = "Many files are being fetched from here just now; come again in a moment."
        raise Problem("media_unavailable", words, headers={"retry-after": _PENDING_S})
    await _serving.acquire()
    try:
        content = await _content(context, found)
    except BaseException:
        _serving.release()
        raise
    return StreamingResponse(_pieces(content), headers=headers, media_type=kind)


async def _content(context: Context, file: File) -> bytes:
    try:
        content = await context.store.get(file.id)
    except StoreError as error:
        log.warning("media.unreadable", file=str(file.id), error=str(error)[:300])
        words = "The store of files does not answer as it should; the log says more."
        raise Problem("media_unavailable", words, headers={"retry-after": "30"}) from error
    if content is None:
        raise Problem("link_expired", "The file is no longer in the store.")
    return content


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    """Give a file away piece by piece; it counts as being served until the last one is taken."""
    try:
        for start in range(0, len(content), _PIECE):
            yield content[start : start + _PIECE]
    finally:
        _serving.release()
