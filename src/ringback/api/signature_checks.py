"""Signature checks: whether a receiver should take a request, and if not, why; code that checks."""

import base64
import binascii
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.problems import Problem, Where, not_found
from ringback.api.shown import AttemptId, EndpointId, RawBody, Time, View, body_of, example
from ringback.api.spans import MOMENT_MAX, moment_of
from ringback.domain import ids, pasted
from ringback.domain.events import rfc3339
from ringback.domain.signature_check import TOLERANCE_S, Received, received
from ringback.domain.snippets import snippets
from ringback.errors import Fault, Invalid
from ringback.services.signature_checks import (
    BODY_MAX,
    Examined,
    Known,
    Which,
    examine,
    examine_attempt,
    of_attempt,
    secrets_of,
)
from ringback.storage import attempts, events
from ringback.storage.configuration import StoredEndpoint

TOLERANCE_MAX_S = 31_536_000
HEADERS_MAX = 100
_SECRET_MAX = 256
router = APIRouter(prefix="/signature-checks", tags=["endpoints"])
_Text = Annotated[str, Field(max_length=BODY_MAX)]


class SignatureCheckRequest(Asked):
    """Which request is to be checked, and with whose secret.

    An `attempt` says both. Otherwise `request`, or `headers` and a body; and an `endpoint` or a
    `secret`.
    """

    attempt: str | None = Field(default=None, examples=[example("att")])
    endpoint: str | None = Field(
        default=None, max_length=128, description="By its id or your own: with its secrets.",
        examples=[example("end")],
    )  # fmt: skip
    secret: str | None = Field(
        default=None, max_length=_SECRET_MAX, description="One to check with, `whsec_…`."
    )
    request: _Text | None = Field(
        default=None, description="All of it as it was pasted: headers, an empty line, the body."
    )
    headers: dict[str, str] | None = Field(
        default=None, max_length=HEADERS_MAX, description="As they came, in any case.",
        examples=[{"webhook-id": "evt_01…", "webhook-timestamp": "1772463682",
                   "webhook-signature": "v1,K5oZ…"}],
    )  # fmt: skip
    body: _Text | None = Field(default=None, description="As it came, byte for byte.")
    body_base64: _Text | None = Field(default=None, description="A body that is no text.")
    at: str | None = Field(
        default=None, max_length=MOMENT_MAX,
        description="When it came, if not now: `2026-03-02T15:01:22Z`, or `15m` ago.",
    )  # fmt: skip
    tolerance_s: int = Field(
        default=TOLERANCE_S, ge=0, le=TOLERANCE_MAX_S,
        description="How far its timestamp may be off.",
    )  # fmt: skip


class CauseView(View):
    """Why it has to be refused."""

    code: str = Field(examples=["too_old"])
    detail: str = Field(description="What is wrong, and what to do.")


class ComparedView(View):
    """What one secret makes of the request."""

    secret: Which = Field(description="`retiring`: replaced, and signs as well until then.")
    hint: str = Field(description="Its last four characters.", examples=["aLSw"])
    until: Time | None
    signature: str | None = Field(
        description="What it makes of `signed`; null when it is no secret or something is missing.",
        examples=["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="],
    )
    fits: bool = Field(description="Whether that is among what was received.")


class SignatureCheck(View):
    """What was found."""

    valid: bool = Field(description="Whether a receiver should take it.")
    causes: list[CauseView] = Field(description="Why not, the likeliest first.")
    attempt: AttemptId | None
    endpoint: EndpointId | None
    id: str | None = Field(description="webhook-id.")
    timestamp: str | None = Field(description="webhook-timestamp.")
    received: list[str] = Field(description="The signatures that came with it.")
    signed: RawBody | None = Field(
        description="The bytes that are signed: id, timestamp and body, with dots between."
    )
    secrets: list[ComparedView]
    snippets: dict[Literal["python", "javascript", "php", "curl"], str] = Field(
        description="Code that verifies, or for `curl` a signed request to a receiver. It takes "
        "the secret from the variable RINGBACK_WEBHOOK_SECRET."
    )


@router.post("", name="check_signature", summary="Check a signature, and say why it is refused")
async def check(caller: CallerDep, body: SignatureCheckRequest) -> SignatureCheck:
    """Check a request as its receiver does; if it has to be refused, find out why."""
    if body.attempt is not None:
        return await _check_attempt(caller, body, body.attempt)
    given, endpoint = _given(body), _endpoint(caller, body.endpoint)
    now_ms = caller.context.clock.now_ms()
    known = [Known(body.secret, "given")] if body.secret is not None else []
    if endpoint is not None:
        await caller.manager.note_check(caller.scope, endpoint)
        known += secrets_of(endpoint, now_ms)
    if not known:
        raise Invalid(Fault("/endpoint", "Say with whose secret: endpoint, or secret."))
    at_ms = now_ms if body.at is None else moment_of(body.at, now_ms, "at")
    if at_ms is None:
        raise Invalid(Fault("/at", "Write 15m, 2h or 7d, or 2026-03-02T15:01:22Z."))
    found = await examine(given, known, at_ms // 1000, body.tolerance_s)
    return _view(found, endpoint)


async def _check_attempt(
    caller: Caller, body: SignatureCheckRequest, attempt_id: str
) -> SignatureCheck:
    others = ("endpoint", "secret", "request", "headers", "body", "body_base64", "at")
    named = [name for name in others if getattr(body, name) is not None]
    if named:
        raise Invalid(*(Fault(f"/{name}", "An attempt says this itself.") for name in named))
    identifier = ids.read("att", attempt_id)
    database = caller.context.database
    found = None
    if identifier is not None:
        found = await attempts.get(database, caller.scope, identifier)
    if found is None:
        raise not_found("attempt")
    event = await events.get(database, caller.scope, found.attempt.event)
    given = of_attempt(found.attempt.detail.get("request"), event.body if event else None)
    endpoint = caller.manager.endpoint(caller.scope, found.attempt.endpoint)
    if given is None or endpoint is None:
        detail = "Nothing was sent, or its event or endpoint is gone: there is nothing to check."
        raise Problem("invalid", "This attempt cannot be checked.", [Where(detail, "/attempt")])
    known = secrets_of(endpoint, ids.time_of(found.attempt.id))
    return _view(examine_attempt(given, known), endpoint, attempt_id)


def _given(body: SignatureCheckRequest) -> Received:
    if body.request is not None:
        for name in ("headers", "body", "body_base64"):
            if getattr(body, name) is not None:
                raise Invalid(Fault(f"/{name}", "The request has this already."))
        whole = pasted.read(body.request.encode())
        if whole is None:
            words = "Give a whole request: its headers, an empty line, and the body."
            raise Invalid(Fault("/request", words))
        return received(whole.headers, whole.body)
    if body.headers is None:
        raise Invalid(Fault("/headers", "Give the headers, or a whole request, or an attempt."))
    if (body.body is None) == (body.body_base64 is None):
        raise Invalid(Fault("/body", "Give the body as it came: as body, or as body_base64."))
    return received(list(body.headers.items()), _bytes(body))


def _bytes(body: SignatureCheckRequest) -> bytes:
    if body.body_base64 is None:
        return (body.body or "").encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body.body_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(Fault("/body_base64", "This is not base64.")) from None


def _endpoint(caller: Caller, named: str | None) -> StoredEndpoint | None:
    if named is None:
        return None
    identifier = ids.read("end", named)
    manager = caller.manager
    found = (
        manager.endpoint_by_uid(caller.scope, named)
        if identifier is None
        else manager.endpoint(caller.scope, identifier)
    )
    if found is None:
        raise Invalid(Fault("/endpoint", "There is no such endpoint."))
    return found


def _view(
    found: Examined, endpoint: StoredEndpoint | None, attempt: str | None = None
) -> SignatureCheck:
    return SignatureCheck(
        valid=found.valid,
        causes=[CauseView(code=one.code, detail=one.detail) for one in found.causes],
        attempt=attempt,
        endpoint=ids.show("end", endpoint.engine.id) if endpoint else None,
        id=found.given.id,
        timestamp=found.given.timestamp,
        received=(found.given.signature or "").split(),
        signed=None if found.signed is None else body_of(found.signed),
        secrets=[
            ComparedView(
                secret=one.known.which,
                hint=one.known.secret[-4:],
                until=None if one.known.until_ms is None else rfc3339(one.known.until_ms),
                signature=one.signature,
                fits=one.fits,
            )
            for one in found.compared
        ],
        snippets=snippets(endpoint.engine.url if endpoint else None),
    )
