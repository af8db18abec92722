"""How connections to PostgreSQL are looked after."""

import socket
from types import SimpleNamespace
from typing import cast

import pytest

from ringback.storage import database
from ringback.storage.database import Connection


async def test_an_option_that_the_system_refuses_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection serves all the same, with every option that it takes."""
    # Linux takes no probes after nothing.
    monkeypatch.setattr(database, "_PROBE_AFTER_S", 0)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as ours,
    ):
        with pytest.raises(OSError, match="Invalid"):
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 0)
        transport = SimpleNamespace(get_extra_info=lambda _: ours)
        await database._look_after(cast("Connection", SimpleNamespace(_transport=transport)))
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        waits = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert database.VANISHED_S * 1000 == waits
