"""The doctor's checks of what is outside: the public URL, its certificate, the way out."""

import datetime as dt
import os
import ssl
from pathlib import Path

import pytest
import trustme

from tests.services.examined import free_port, look, only
from tests.transport.receivers import receiving

pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize(
    ("url", "state", "says"),
    [
        ("http://hooks.example.com", "problem", "plain http"),
        ("https://hooks.example.com?x=1", "problem", "query"),
        ("https://localhost", "warning", "no provider reaches it"),
        ("https://192.168.1.5", "warning", "no provider reaches it"),
        ("https://hooks.example.com:9000", "warning", "no other port"),
        ("https://hooks.example.com:8443/ringback", "ok", "/ringback"),
        ("nonsense", "problem", "no URL"),
    ],
)
async def test_a_public_url_that_providers_cannot_call(url: str, state: str, says: str) -> None:
    """Scheme, host, port and what does not belong into it."""
    only(await look(public_url=url), "public_url.form", state, says)


OURS = b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"ok"}'


async def test_who_answers_at_the_public_url_and_here() -> None:
    """Nobody, an unknown name, another program, and Ringback."""
    found = await look(public_url=f"http://127.0.0.1:{free_port()}")
    only(found, "public_url.reached", "warning", "cannot be reached from here")
    found = await look(public_url="http://no-such-host.invalid")
    only(found, "public_url.reached", "problem", "DNS record")
    async with receiving() as receiver:
        found = await look(public_url=receiver.url(), port=str(receiver.port))
        only(found, "public_url.reached", "problem", "not by Ringback")
        only(found, "server.answers", "problem", "Something else than Ringback")
        receiver.reply = OURS
        only(await look(), "public_url.reached", "ok")
        body = b'{"ready":false,"reasons":["The clock is off."]}'
        receiver.reply = b"HTTP/1.1 503 No\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        only(await look(), "server.answers", "problem", "The clock is off.")


@pytest.mark.parametrize(
    ("names", "days", "state", "says"),
    [
        (("localhost",), 60, "ok", "Trusted"),
        (("localhost",), 10, "warning", "Renew it now"),
        (("localhost",), 1, "problem", "Renew it now"),
        (("localhost",), -1, "problem", "expired"),
        (("other.example",), 60, "problem", "for that very name"),
        (None, 60, "problem", "whole chain"),
    ],
)
async def test_the_certificate_of_the_public_url(
    names: tuple[str, ...] | None, days: int, state: str, says: str, tmp_path: Path
) -> None:
    """Trusted and long enough; ending soon, ended, of another name, of an unknown authority."""
    authority, trusted = trustme.CA(), trustme.CA()
    file = tmp_path / "ca.pem"
    (trusted if names is None else authority).cert_pem.write_to_path(str(file))
    os.environ["SSL_CERT_FILE"] = str(file)
    now = dt.datetime.now(dt.UTC)
    leaf = authority.issue_cert(
        *(names or ("localhost",)), not_before=now - dt.timedelta(days=5),
        not_after=now + dt.timedelta(days=days, hours=1),
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    async with receiving(context=context) as receiver:
        receiver.reply = OURS
        found = await look(public_url=f"https://localhost:{receiver.port}")
    only(found, "public_url.certificate", state, says)


async def test_the_way_out() -> None:
    """A proxy that is not used, metadata addresses that may be opened, no authority at all."""
    os.environ |= {"HTTPS_PROXY": "http://proxy:3128", "SSL_CERT_FILE": "/dev/null"}
    os.environ["SSL_CERT_DIR"] = "/nowhere"
    found = await look(allow_metadata="1")
    only(found, "egress.proxies", "warning", "HTTPS_PROXY")
    only(found, "egress.rules", "warning", "RINGBACK_ALLOW_METADATA")
    only(found, "egress.authorities", "problem", "ca-certificates")
    assert "3128" not in str(found)
