"""T29: who is talked to over TLS, and how; real handshakes with certificates made for the test."""

import asyncio
import datetime as dt
import ssl
import warnings
from pathlib import Path

import pytest
import trustme

from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.transport import trust
from ringback.transport.client import Client, Options
from ringback.transport.exchange import Exchange, Outgoing

from .receivers import Handler, Receiver, eventually, receiving

BOTH_LOOPS = True
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The authority that the client of a test trusts."""
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """The client's context, as the product makes it for an endpoint with its own authority."""
    return trust.context(authority.cert_pem.bytes().decode())


def server(
    authority: trustme.CA,
    *names: str,
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
) -> ssl.SSLContext:
    """Make a server's context with a certificate for `names`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf = authority.issue_cert(
        *(names or ("127.0.0.1",)), not_before=not_before, not_after=not_after
    )
    leaf.configure_cert(context)
    return context


def self_signed(folder: Path) -> ssl.SSLContext:
    """Make a server that shows a certificate signed by itself."""
    made, file = trustme.CA(), folder / "self.pem"
    made.private_key_pem.write_to_path(file)
    made.cert_pem.write_to_path(file, append=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def post(
    client: Client, receiver: Receiver, context: ssl.SSLContext | None = None, host: str = ""
) -> Exchange:
    """Send a POST over TLS."""
    url = f"https://{host or '127.0.0.1'}:{receiver.port}/hook"
    request = Outgoing("POST", Target.parse(url), (), b"{}")
    return await client.send(request, policy=TEST, deadline_s=5, context=context)


async def test_good_certificate(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """A valid certificate is accepted; facts and timings are told; the connection is kept."""
    async with receiving(context=server(authority, not_after=NOW + 30 * DAY)) as receiver:
        client = Client()
        first, second = [await post(client, receiver, trusting) for _ in range(2)]
        await client.close()
    assert (200, b"ok", False) == (first.status, first.body, first.reused)
    assert first.tls is not None
    assert first.tls.version in {"TLSv1.2", "TLSv1.3"}
    assert first.tls.cipher
    assert first.tls.expires_at is not None
    assert abs(first.tls.expires_at - (NOW + 30 * DAY).timestamp()) < 5
    assert first.timings.tls > 0
    assert (200, True, 0.0) == (second.status, second.reused, second.timings.tls)
    assert (1, first.tls) == (receiver.connections, second.tls)


async def test_name_is_verified_at_the_pinned_address(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    """SNI, certificate check and Host use the name, the connection goes to the checked address."""
    seen: list[str | None] = []

    async def resolve(_host: str, _port: int) -> list[tuple[int, str]]:
        return [(2, "127.0.0.1")]

    context = server(authority, "hooks.example")
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    async with receiving(context=context) as receiver:
        client = Client(resolve=resolve)
        good = await post(client, receiver, trusting, "hooks.example")
        other = await post(client, receiver, trusting, "other.example")
        await client.close()
    assert (200, ("127.0.0.1", receiver.port)) == (good.status, good.address)
    assert ("tls", False) == (other.error, other.sent)
    assert ["hooks.example", "other.example"] == seen
    assert [f"Host: hooks.example:{receiver.port}".encode()] == [
        head.split(b"\r\n")[1] for head in receiver.heads
    ]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("expired", "expired"),
        ("not_yet", "not yet valid"),
        ("wrong_host", "mismatch"),
        ("unknown_authority", "unable to get local issuer"),
        ("self_signed", "self-signed"),
    ],
)
async def test_bad_certificates_are_refused(
    authority: trustme.CA, trusting: ssl.SSLContext, case: str, words: str, tmp_path: Path
) -> None:
    """Expired, early, for another host, from an unknown authority: nothing is sent, reason told."""
    context = {
        "expired": lambda: server(authority, not_after=NOW - DAY),
        "not_yet": lambda: server(authority, not_before=NOW + DAY, not_after=NOW + 9 * DAY),
        "wrong_host": lambda: server(authority, "127.0.0.2"),
        "unknown_authority": lambda: server(trustme.CA()),
        "self_signed": lambda: self_signed(tmp_path),
    }[case]()
    async with receiving(context=context) as receiver:
        client = Client()
        exchanges = [await post(client, receiver, trusting) for _ in range(3)]
        await eventually(lambda: client.open_connections == 0)
        await client.close()
    assert [("tls", False, None)] * 3 == [(e.error, e.sent, e.status) for e in exchanges]
    assert words in exchanges[0].detail
    assert [] == receiver.heads


async def test_system_authorities_are_the_default(authority: trustme.CA) -> None:
    """Without a context of its own, a request trusts the system's authorities: not the test's."""
    async with receiving(context=server(authority)) as receiver:
        client = Client()
        exchange = await post(client, receiver)
        await client.close()
    assert "tls" == exchange.error


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_old_versions_are_refused(
    authority: trustme.CA, trusting: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    """A server that speaks only TLS 1.0 or 1.1 is refused, though a lax client reaches it."""
    context = server(authority)
    lax = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # they are old: that is the point
        for one in (context, lax):
            one.set_ciphers("ALL:@SECLEVEL=0")
            one.minimum_version = version
            one.maximum_version = version
    async with receiving(context=context) as receiver:
        client = Client()
        exchange = await post(client, receiver, trusting)
        reachable = await post(client, receiver, lax)
        await client.close()
    assert ("tls", False) == (exchange.error, exchange.sent)
    assert 200 == reachable.status
    assert reachable.tls is not None
    assert version.name.replace("_", ".") in {reachable.tls.version, reachable.tls.version + ".0"}


async def test_contexts_do_not_share_connections(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    """A connection that one trust opened is not used by a request with another."""
    async with receiving(context=server(authority)) as receiver:
        client = Client()
        assert 200 == (await post(client, receiver, trusting)).status
        other = trust.context(trustme.CA().cert_pem.bytes().decode())
        assert "tls" == (await post(client, receiver, other)).error
        assert (await post(client, receiver, trusting)).reused
        await client.close()


async def test_contexts_are_made_once() -> None:
    """The same certificates give the same context, so connections are kept across requests."""
    pem, other = (trustme.CA().cert_pem.bytes().decode() for _ in range(2))
    assert trust.cached_context(pem) is trust.cached_context(pem)
    assert trust.cached_context(pem) is not trust.cached_context(other)
    for context in (trust.cached_context(pem), trust.context()):
        assert ssl.CERT_REQUIRED == context.verify_mode
        assert context.check_hostname
        assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    with pytest.raises(ssl.SSLError):
        trust.context("no certificate")


async def test_a_handshake_that_stalls_ends_in_time() -> None:
    """A server that accepts and then says nothing, or no TLS, or hangs up, is a `tls` error."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(5)

    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(5)

    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async def outcome(handler: Handler) -> Exchange:
        async with receiving(handler) as receiver:
            client = Client(options=Options(connect_s=0.3))
            exchange = await post(client, receiver)
            await eventually(lambda: client.open_connections == 0)
            await client.close()
            return exchange

    outcomes = [await outcome(handler) for handler in (silent, plain, hang_up)]
    assert ["tls"] * 3 == [one.error for one in outcomes]
    assert all(one.detail and not one.sent for one in outcomes)
    assert all(one.timings.total < 3000 for one in outcomes)


async def test_large_bodies_over_tls(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    """A body of many TLS records arrives whole, and the connection is kept."""
    body = bytes(range(256)) * 4096
    async with receiving(context=server(authority)) as receiver:
        client = Client()
        request = Outgoing("POST", Target.parse(receiver.url("/", "https")), (), body)
        results = [
            await client.send(request, policy=TEST, deadline_s=5, context=trusting)
            for _ in range(2)
        ]
        await client.close()
    assert [(200, False), (200, True)] == [(one.status, one.reused) for one in results]
    assert [body, body] == receiver.bodies


def test_nothing_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: trustme.CA
) -> None:
    """The trust that an endpoint brings is all there is: the system's is not added to it."""
    file = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = trust.context(authority.cert_pem.bytes().decode())
    assert 1 == len(context.get_ca_certs())
