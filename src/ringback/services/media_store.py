"""Where people's files are kept: a directory, or a bucket that speaks the S3 API.

A directory has to be one that every worker sees; with workers on several machines that is a bucket
or a shared file system. Files are named by their ids alone.
"""

import asyncio
import ipaddress
import os
import uuid
from pathlib import Path
from typing import Protocol

import msgspec

from ringback.domain.bucket_signing import Credentials, signed
from ringback.domain.http import HttpRequest
from ringback.domain.media import FILE_MAX
from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.errors import RingbackError
from ringback.services.clock import Clock
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

DEADLINE_S = 60.0
_TYPE = "application/octet-stream"


class StoreError(RingbackError):
    """A file cannot be kept or read; the text says why."""


class Store(Protocol):
    """Keeps bytes under an id. All three raise StoreError when it cannot."""

    async def put(self, file: uuid.UUID, content: bytes) -> None:
        """Keep a file; once this returns it survives a crash of this machine's software."""

    async def get(self, file: uuid.UUID) -> bytes | None:
        """Return a file, or None when there is none."""

    async def delete(self, file: uuid.UUID) -> None:
        """Remove a file; that there is none is fine."""


class Directory:
    """Keeps files below a directory, which is made when it is needed, for this user alone."""

    def __init__(self, root: Path) -> None:
        """Take the directory."""
        self._root = root

    async def put(self, file: uuid.UUID, content: bytes) -> None:
        """Write a file beside its place, and move it there whole."""
        await self._in_thread(self._put, file, content)

    async def get(self, file: uuid.UUID) -> bytes | None:
        """Read a file."""
        found: bytes | None = await self._in_thread(self._get, file)
        return found

    async def delete(self, file: uuid.UUID) -> None:
        """Remove a file."""
        await self._in_thread(self._delete, file)

    async def _in_thread(self, work: object, *arguments: object) -> bytes | None:
        assert callable(work)
        try:
            result: bytes | None = await asyncio.to_thread(work, *arguments)
        except OSError as error:
            raise StoreError(f"{self._root}: {error.strerror or error}") from None
        return result

    def _path(self, file: uuid.UUID) -> Path:
        # The end of an id is random: 256 directories of about the same size.
        return self._root / file.hex[-2:] / file.hex

    def _put(self, file: uuid.UUID, content: bytes) -> None:
        path = self._path(file)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _get(self, file: uuid.UUID) -> bytes | None:
        try:
            return self._path(file).read_bytes()
        except FileNotFoundError:
            return None

    def _delete(self, file: uuid.UUID) -> None:
        self._path(file).unlink(missing_ok=True)


class Bucket:
    """Keeps files in a bucket, addressed by path: `{url}/{id}`.

    Whoever runs this installation has named it, so it may be at a private address.
    """

    def __init__(self, client: Client, clock: Clock, url: str, credentials: Credentials) -> None:
        """Take the bucket's URL, with a prefix if there is one."""
        self._client = client
        self._clock = clock
        self._url = url.rstrip("/")
        self._credentials = credentials
        Target.parse(url)
        everywhere = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
        self._policy = msgspec.structs.replace(TEST, allowed_networks=everywhere)

    async def put(self, file: uuid.UUID, content: bytes) -> None:
        """Upload a file."""
        answer = await self._ask("PUT", file, content)
        if not answer.ok:
            raise self._error("keep", answer)

    async def get(self, file: uuid.UUID) -> bytes | None:
        """Download a file."""
        answer = await self._ask("GET", file)
        if answer.error is None and answer.status == 404:
            return None
        if not answer.ok or answer.truncated:
            raise self._error("read", answer)
        return answer.body

    async def delete(self, file: uuid.UUID) -> None:
        """Remove a file."""
        answer = await self._ask("DELETE", file)
        if not answer.ok and answer.status != 404:
            raise self._error("remove", answer)

    async def _ask(self, method: str, file: uuid.UUID, content: bytes = b"") -> Exchange:
        headers = (("content-type", _TYPE),) if content else ()
        request = HttpRequest(method, f"{self._url}/{file.hex}", headers, content)
        proven = signed(request, self._credentials, self._clock.now_ms())
        return await self._client.send(
            Outgoing.of(proven), policy=self._policy, deadline_s=DEADLINE_S, body_max=FILE_MAX
        )

    def _error(self, what: str, answer: Exchange) -> StoreError:
        why = answer.detail or f"it answered {answer.status}: {answer.body[:200]!r}"
        return StoreError(f"The bucket {self._url} did not {what} a file: {why}")
