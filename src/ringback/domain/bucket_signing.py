"""The signature that S3-compatible stores want: AWS Signature Version 4, in a header. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import msgspec

from ringback.domain.http import HttpRequest

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(msgspec.Struct, frozen=True):
    """Who asks, and the region that the bucket is in."""

    key_id: str
    secret: str
    region: str

    def __repr__(self) -> str:
        return f"<credentials {self.key_id[:4]}… for {self.region}>"


def signed(request: HttpRequest, credentials: Credentials, now_ms: int) -> HttpRequest:
    """Return a request without a query, with the headers that prove who asks."""
    parts = urlsplit(request.url)
    moment = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(request.body).hexdigest()
    headers = {
        "host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": moment,
        **{name.lower(): value.strip() for name, value in request.headers},
    }  # fmt: skip
    names = ";".join(sorted(headers))
    canonical = "\n".join((
        request.method, quote(parts.path, safe="/-_.~%"), "",
        *(f"{name}:{headers[name]}" for name in sorted(headers)), "",
        names, digest,
    ))  # fmt: skip
    scope = f"{moment[:8]}/{credentials.region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{credentials.secret}".encode()
    for step in (moment[:8], credentials.region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), hashlib.sha256)
    proof = hmac.digest(key, text.encode(), hashlib.sha256).hex()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={proof}"
    )
    more = tuple((name, headers[name]) for name in sorted(headers) if name != "host")
    return msgspec.structs.replace(request, headers=(*more, ("authorization", authorization)))
