"""What can go wrong when the API is asked: refused, out of reach, or too slow."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ringback.errors import RingbackError

REQUEST_ID_HEADER = "ringback-request-id"


class Place(msgspec.Struct, frozen=True):
    """One fault of a request: where (a JSON pointer into the body, or a parameter), and what."""

    where: str
    detail: str


class ClientError(RingbackError):
    """The API did not do what it was asked for. `request_id`: when it has answered at all."""

    request_id: str | None = None


class Unreachable(ClientError):
    """Nobody answers at the installation's address, or the connection broke."""


class TimedOut(ClientError):
    """The installation took too long; whether it did what was asked is not known."""


class NotTheApi(ClientError):
    """Somebody answers there, but it is not Ringback."""


class ApiError(ClientError):
    """An answer that is not a success (RFC 9457).

    `status` is HTTP's, `code` stable, `detail` for people, `errors` every fault with its place;
    `retry_after_s` is how many seconds the server asks to wait, if it does.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        title: str = "",
        errors: tuple[Place, ...] = (),
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Take what the answer says."""
        super().__init__(detail or title or f"The answer was {status}.")
        self.status = status
        self.code = code
        self.detail = detail
        self.title = title
        self.errors = errors
        self.request_id = request_id
        self.retry_after_s = retry_after_s


def read(
    status: int, headers: Mapping[str, str], body: bytes, retry_after_s: float | None
) -> ClientError:
    """Make the error of an answer that is not a success; one that is no problem is not the API's.

    The listener itself answers 408 and the like in plain words.
    """
    request_id = headers.get(REQUEST_ID_HEADER)
    said = _decoded(body)
    if not isinstance(said, dict) or "code" not in said:
        text = body[:200].decode("utf-8", "replace").strip()
        if request_id is None and status not in {408, 413, 414, 429, 502, 503, 504}:
            return NotTheApi(f"The answer was {status} and not one of Ringback's: {text!r}.")
        return ApiError(status, "", text, request_id=request_id, retry_after_s=retry_after_s)
    return ApiError(
        status,
        str(said["code"]),
        str(said.get("detail") or ""),
        title=str(said.get("title") or ""),
        errors=tuple(_places(said.get("errors"))),
        request_id=str(said.get("instance") or request_id or "") or None,
        retry_after_s=retry_after_s,
    )


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _places(errors: Any) -> list[Place]:
    if not isinstance(errors, list):
        return []
    return [
        Place(str(one.get("pointer") or one.get("parameter") or ""), str(one.get("detail") or ""))
        for one in errors
        if isinstance(one, dict)
    ]
