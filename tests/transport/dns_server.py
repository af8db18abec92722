"""A DNS server for tests that changes its mind, and a resolver that asks it over UDP.

Each name follows a script: a list of answers, one per resolution, from the beginning again when it
is at its end. The resolver asks for A and AAAA, follows nothing itself (the server sends the whole
CNAME chain, as recursive servers do) and keeps nothing.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord  # type: ignore[import-untyped]


@dataclass
class Zone:
    """The scripts by name, and how often each name was asked for its A records."""

    scripts: dict[str, list[list[str]]]
    cnames: dict[str, str] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def answer(self, query: DNSRecord) -> DNSRecord:
        """Answer one query: A queries move a script on, AAAA queries see the same step."""
        reply = query.reply()
        name = str(query.q.qname).rstrip(".").lower()
        kind = QTYPE[query.q.qtype]
        if kind == "A":
            self.asked[name] = self.asked.get(name, 0) + 1
        owner = name
        while owner in self.cnames:
            target = self.cnames[owner]
            reply.add_answer(RR(owner, QTYPE.CNAME, rdata=CNAME(target), ttl=0))
            owner = target
        script = self.scripts.get(name)
        if not script:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        for address in script[(self.asked.get(name, 1) - 1) % len(script)]:
            if kind == "A" and ":" not in address:
                reply.add_answer(RR(owner, QTYPE.A, rdata=A(address), ttl=0))
            elif kind == "AAAA" and ":" in address:
                reply.add_answer(RR(owner, QTYPE.AAAA, rdata=AAAA(address), ttl=0))
        return reply


class _Server(asyncio.DatagramProtocol):
    """The UDP side of a zone."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._zone.answer(DNSRecord.parse(data)).pack(), addr)


class Resolver:
    """Asks the server; what `Client(resolve=…)` takes."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, host: str, port: int) -> list[tuple[int, str]]:
        """Ask for A, then for AAAA; raises OSError when the name does not exist."""
        del port
        found: list[tuple[int, str]] = []
        for kind, family in (("A", socket.AF_INET), ("AAAA", socket.AF_INET6)):
            reply = await self._ask(DNSRecord.question(host, kind))
            if reply.header.rcode != RCODE.NOERROR:
                raise OSError(f"{host}: {RCODE[reply.header.rcode]}")
            kinds = {record.rtype for record in reply.rr}
            assert kinds <= {QTYPE.A, QTYPE.AAAA, QTYPE.CNAME}
            found += [
                (int(family), str(record.rdata))
                for record in reply.rr
                if record.rtype != QTYPE.CNAME
            ]
        return found

    async def _ask(self, question: DNSRecord) -> DNSRecord:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(("127.0.0.1", self._port))
            await loop.sock_sendall(sock, question.pack())
            return DNSRecord.parse(await loop.sock_recv(sock, 4096))


@asynccontextmanager
async def resolving(zone: Zone) -> AsyncIterator[Resolver]:
    """Serve a zone on a free UDP port while the block runs."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(zone), local_addr=("127.0.0.1", 0)
    )
    try:
        yield Resolver(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()
