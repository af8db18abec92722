"""Files in an S3-compatible bucket; the vendor's own signer says what has to be sent."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as VendorsCredentials

from ringback.domain.bucket_signing import Credentials, signed
from ringback.domain.http import HttpRequest
from ringback.services.clock import Clock
from ringback.services.media_store import Bucket, StoreError
from ringback.transport.client import Client
from tests.transport.receivers import Receiver, receiving

KEY = Credentials("AKIDEXAMPLE", "not-a-real-secret-access-key", "eu-central-1")
_SIGNED = ("host", "content-type", "x-amz-content-sha256", "x-amz-date")


def vendors(method: str, url: str, headers: dict[str, str], body: bytes) -> str:
    """Return the Authorization header that the vendor's signer makes at the time of a request."""
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    request.context["timestamp"] = headers["x-amz-date"]
    request.context["payload_signing_enabled"] = True
    signer = S3SigV4Auth(VendorsCredentials(KEY.key_id, KEY.secret), "s3", KEY.region)
    canonical = signer.canonical_request(request)
    proof = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, "
        f"Signature={proof}"
    )


def test_signatures_are_the_vendors() -> None:
    """A thousand random requests: path, host, port, type, body, moment; the same signature."""
    dice = random.Random(20261122)
    letters = "abcXYZ019-_.~"
    for _ in range(1000):
        path = "/".join("".join(dice.choices(letters, k=dice.randint(1, 9))) for _ in range(3))
        host = dice.choice(("bucket.example", "bucket.example:9000", "127.0.0.1:9000"))
        body = dice.randbytes(dice.randint(0, 60))
        method = dice.choice(("GET", "PUT", "DELETE"))
        typed = (("content-type", "application/octet-stream"),) if method == "PUT" else ()
        now = dice.randint(1_500_000_000_000, 2_000_000_000_000)
        url = f"https://{host}/{path}"
        request = signed(HttpRequest(method, url, typed, body), KEY, now)
        headers = {name: value for name, value in request.headers if name != "authorization"}
        moment = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        assert moment == headers["x-amz-date"]
        assert dict(request.headers)["authorization"] == vendors(method, url, headers, body)


class _Store:
    """A bucket of one path, which takes nothing that the vendor's signer has not signed."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the connection ends."""
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            fields = {
                name.lower(): value
                for name, _, value in (line.partition(": ") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            status, content = self._answer(method, path, fields, body)
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(content), content)
            )
            await writer.drain()

    def _answer(
        self, method: str, path: str, fields: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        signed_ones = {name: fields[name] for name in _SIGNED if name in fields}
        if vendors(method, self.url + path, signed_ones, body) != fields["authorization"]:
            return 403, b"<Code>SignatureDoesNotMatch</Code>"
        if method == "PUT":
            self.kept[path] = body
        if method == "DELETE":
            self.kept.pop(path, None)
            return 204, b""
        return (
            (200, self.kept[path] if method == "GET" else b"") if path in self.kept else (404, b"")
        )


@pytest.fixture
async def store() -> AsyncIterator[tuple[_Store, Receiver]]:
    """A bucket that listens."""
    kept = _Store()
    async with receiving(kept.serve) as receiver:
        kept.url = f"http://127.0.0.1:{receiver.port}"
        yield kept, receiver


async def test_a_file_is_put_got_and_removed(store: tuple[_Store, Receiver]) -> None:
    """Under its id behind the prefix; a whole 300 kB; what is not there is None."""
    kept, receiver = store
    client, file = Client(), uuid.uuid4()
    bucket = Bucket(client, Clock(), receiver.url("/files/media/"), KEY)
    content = random.Random(1).randbytes(300_000)
    assert None is await bucket.get(file)
    await bucket.put(file, content)
    assert {f"/files/media/{file.hex}": content} == kept.kept
    assert content == await bucket.get(file)
    await bucket.delete(file)
    await bucket.delete(file)
    assert {} == kept.kept
    await client.close()


async def test_a_bucket_that_refuses_says_why(store: tuple[_Store, Receiver]) -> None:
    """A wrong key is the bucket's own word; nobody there is ours."""
    _, receiver = store
    client, file = Client(), uuid.uuid4()
    wrong = Credentials("AKIDEXAMPLE", "not-a-real-secret-either", "eu-central-1")
    with pytest.raises(StoreError, match="SignatureDoesNotMatch"):
        await Bucket(client, Clock(), receiver.url("/files"), wrong).put(file, b"x")
    with pytest.raises(StoreError, match="read a file"):
        await Bucket(client, Clock(), "http://127.0.0.1:9", KEY).get(file)
    assert "not-a-real" not in repr(wrong)
    await client.close()
