"""A listening endpoint from its listener's side: what it is owed comes down, answers go up.

    stream (GET, server-sent events) ──▶ Work ──▶ somebody forwards it ──▶ report ──▶ answers (POST)

Where it stands moves on when an answer was taken by the server, never before: whoever comes again
with `place` is told again what was not answered. Not here: forwarding (local.py).
"""

import base64
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ringback.client.http import Client, Json, segment
from ringback.client.local import Answer
from ringback.client.problems import ApiError, ClientError
from ringback.client.sse import Stream
from ringback.domain.signing import secret_key

# Answers of one request; more go with the next.
ANSWERS_MAX = 50
# The server takes a little more in one request.
ANSWERS_BYTES_MAX = 768 * 1024
PAUSE_S = 0.5
PAUSE_MAX_S = 15.0
# What an answer of the local program may hold, beside its body.
NAME_MAX = 256
VALUE_MAX = 4096
_AGAIN = frozenset({409, 429, 500, 502, 503, 504})
# What the forwarder says, as the API has it.
_ERRORS = {"connect_timeout": "timeout", "reset": "protocol"}


Lost = Callable[[ClientError, float | None], None]
"""Hears what failed, and in how many seconds it is tried again; None: not again."""


class Work(NamedTuple):
    """One event that a listening endpoint is owed. What has the same lane stays in order.

    `headers` are signed when it was streamed; whoever knows the secret signs anew.
    """

    place: str
    delivery: str
    event: str
    type: str
    lane: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Places:
    """How far everything was dealt with, when it is not dealt with in order."""

    def __init__(self, place: str | None) -> None:
        """Take where it begins."""
        self._done = place
        self._open: dict[str, bool] = {}
        self._lock = threading.Lock()

    def begin(self, place: str) -> bool:
        """Note what came; False when it is under way already, as after a connection was lost."""
        with self._lock:
            if place in self._open:
                return False
            self._open[place] = False
            return True

    def end(self, place: str) -> None:
        """Note that it was dealt with."""
        with self._lock:
            self._open[place] = True
            while self._open and self._open[first := next(iter(self._open))]:
                self._done = first
                del self._open[first]

    @property
    def done(self) -> str | None:
        """The place up to which all was dealt with."""
        with self._lock:
            return self._done

    @property
    def open(self) -> int:
        """How many are under way."""
        with self._lock:
            return sum(not done for done in self._open.values())


class Reporter:
    """Takes answers from any thread and brings them to the server, again until it has them."""

    def __init__(
        self, client: Client, path: str, taken: Callable[[Work], None],
        lost: Lost,
    ) -> None:  # fmt: skip
        """Take where answers go; `taken` hears of each that the server has, or refuses for good."""
        self._client = client
        self._path = path
        self._taken = taken
        self._lost = lost
        self._waiting: deque[tuple[Work, Json, int]] = deque()
        self._change = threading.Condition()
        self._busy = False
        self._closed = self._given_up = False
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
        self._thread.start()

    def put(self, work: Work, answer: Answer) -> None:
        """Add an answer."""
        written = _written(work, answer)
        size = len(json.dumps(written, ensure_ascii=False).encode())
        with self._change:
            self._waiting.append((work, written, size))
            self._change.notify_all()

    def close(self, seconds: float) -> bool:
        """Wait so long until the server has all; say whether it has."""
        deadline = time.monotonic() + seconds
        with self._change:
            self._closed = True
            self._change.notify_all()
            while (self._waiting or self._busy) and (left := deadline - time.monotonic()) > 0:
                self._change.wait(left)
            self._given_up = True
            return not (self._waiting or self._busy)

    def _run(self) -> None:
        failures = 0
        while True:
            with self._change:
                while not self._waiting:
                    if self._closed:
                        return
                    self._change.wait()
                batch = self._batch()
                self._busy = True
            key = f"listen-{secrets.token_hex(16)}"
            while not self._sent(batch, key):
                if self._given_up:
                    return
                time.sleep(min(PAUSE_S * 2 ** min(failures, 8), PAUSE_MAX_S))
                failures += 1
            failures = 0
            with self._change:
                self._busy = False
                self._change.notify_all()

    def _batch(self) -> list[tuple[Work, Json]]:
        batch, size = list[tuple[Work, Json]](), 0
        while self._waiting and len(batch) < ANSWERS_MAX:
            work, written, length = self._waiting[0]
            size += length
            if batch and size > ANSWERS_BYTES_MAX:
                break
            self._waiting.popleft()
            batch.append((work, written))
        return batch

    def _sent(self, batch: list[tuple[Work, Json]], key: str) -> bool:
        body = {"answers": [written for _, written in batch]}
        try:
            self._client.post(self._path, body, idempotency_key=key)
        except ApiError as error:
            if error.status in _AGAIN:
                self._lost(error, PAUSE_S)
                return False
            # One that it refuses for good, as of an event that has gone, costs only itself.
            if len(batch) > 1:
                while batch:
                    if not self._sent(batch[:1], f"{key}-{len(batch)}"):
                        return False
                    del batch[0]
                return True
            self._lost(error, None)
        except ClientError as error:
            self._lost(error, PAUSE_S)
            return False
        for work, _ in batch:
            self._taken(work)
        return True


def _written(work: Work, answer: Answer) -> Json:
    """Write an answer as the API takes it."""
    fields: Json = {
        "delivery": work.delivery,
        "event": work.event,
        "ms": round(answer.ms, 3),
        "url": answer.url[:2048],
        "status": answer.status,
        "error": _ERRORS.get(answer.error, answer.error) if answer.error else None,
        "headers": [[name[:NAME_MAX], value[:VALUE_MAX]] for name, value in answer.headers],
        "truncated": answer.truncated,
    }
    try:
        fields["body"] = answer.body.decode()
    except UnicodeDecodeError:
        fields["body_base64"] = base64.b64encode(answer.body).decode()
    return fields


class Listening:
    """One listening endpoint: opened or made, read, answered for."""

    def __init__(
        self, client: Client, name: str, types: list[str] | None, *,
        lost: Lost = lambda *_: None,
    ) -> None:  # fmt: skip
        """Take its own id and what it wants; None: what it wanted before, or everything."""
        self.name = name
        self.id = ""
        self.types: list[str] = []
        self.secret: str | None = None
        self.mode = ""
        self.made = False
        self._client = client
        self._types = types
        self._lost = lost
        self._stream: Stream | None = None
        self._reporter: Reporter | None = None
        self._places = Places(None)

    def open(self, *, needs_secret: bool = False) -> None:
        """Find the endpoint of this name, or make it.

        Raises:
            ApiError: the key may not, or the name is another kind of endpoint's.

        """
        try:
            found = self._client.get(f"/v1/endpoints/{segment(self.name)}")
        except ApiError as error:
            if error.status != 404:
                raise
            found = self._make()
        if found.get("kind") != "listen":
            detail = f"The endpoint {self.name} has a URL of its own: choose another name."
            raise ApiError(409, "not_now", detail)
        if self._types is not None and sorted(self._types) != sorted(found["event_types"]):
            found = self._client.call(
                "PATCH", f"/v1/endpoints/{found['id']}", body={"event_types": self._types}
            )
        self.id, self.types, self.mode = found["id"], found["event_types"], found["mode"]
        if self.secret is None:
            self._read_secret(needed=needs_secret)

    def _make(self) -> Json:
        made: Json = self._client.post(
            "/v1/endpoints",
            {
                "kind": "listen", "uid": self.name, "event_types": self._types or ["*"],
                "description": "ringback listen",
            },
        )  # fmt: skip
        self.secret, self.made = made["secret"], True
        return made

    def _read_secret(self, *, needed: bool) -> None:
        try:
            self.secret = self._client.get(f"/v1/endpoints/{self.id}/secret")["secret"]
        except ApiError as error:
            # A key that may not see it listens all the same: what is streamed is signed.
            if needed or error.status != 403:
                raise

    @property
    def key(self) -> bytes | None:
        """What signs, if the secret may be known."""
        return secret_key(self.secret) if self.secret else None

    @property
    def place(self) -> str | None:
        """Where another run goes on: behind everything that was answered."""
        if self._stream is not None and not self._places.open:
            return self._stream.last_id
        return self._places.done

    def works(self, after: str | None, place: str | None) -> Iterator[Work]:
        """Go through what the endpoint is owed, for ever: behind a place, or from `after` on.

        Raises:
            ApiError: the server refuses for good: the endpoint or the place has gone.

        """
        base = f"/v1/endpoints/{self.id}"
        self._places = Places(place)
        self._reporter = Reporter(self._client, f"{base}/answers", self._taken, self._lost)
        self._stream = stream = Stream(
            self._client, f"{base}/stream", {"after": after}, last_id=place, lost=self._lost
        )
        for one in stream:
            work = _read(one.id, one.data)
            fresh = self._places.begin(work.place)
            stream.last_id = work.place
            if fresh:
                yield work

    def report(self, work: Work, answer: Answer) -> None:
        """Tell what was answered; it is brought to the server in the background."""
        assert self._reporter is not None
        self._reporter.put(work, answer)

    def _taken(self, work: Work) -> None:
        self._places.end(work.place)

    def close(self, seconds: float) -> bool:
        """Wait so long until the server has all answers; say whether it has."""
        return self._reporter is None or self._reporter.close(seconds)


def _read(place: str, text: str) -> Work:
    data = json.loads(text)
    body: str = data["body"]
    return Work(
        place, data["delivery"], data["event"], data["type"], _lane(body) or data["event"],
        tuple((name, value) for name, value in data["headers"]), body.encode(),
    )  # fmt: skip


def _lane(body: str) -> str:
    """Return what an event is about: events of one message, or one subject, stay in order."""
    event: Any = json.loads(body)
    subject = event.get("subject")
    if subject is None:
        about = event.get("data")
        message = about.get("message") if isinstance(about, dict) else None
        subject = message.get("id") if isinstance(message, dict) else None
    return subject if isinstance(subject, str) else json.dumps(subject) if subject else ""
