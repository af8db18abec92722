"""T10 through the whole engine: a document with a type is stored as it came, answered, unparsed."""

import os
from datetime import UTC, datetime

import pytest

from ringback.domain.endpoints import Mode
from ringback.domain.http import Callback, HttpRequest
from ringback.domain.ids import uuid7
from ringback.domain.outcomes import WORD
from ringback.providers import registry
from ringback.storage import configuration as stored
from tests.services.stage import BASE_URL, Stage

TOKEN = "generic-xml-token-0123456789"
CONFIG: dict[str, object] = {
    "verify": {"scheme": "bearer", "token": "not-a-real-bearer-token"},
    "mapping": {
        "rules": [
            {
                "item": "report",
                "statuses": {"DELIVRD": "delivered"},
                "fields": {"message_id": "/MSG/REF", "status": "/MSG/STATE"},
            }
        ]
    },
}
SOUND = b"<MSG><REF>m1</REF><STATE>DELIVRD</STATE></MSG>"
HOSTILE = b'<!DOCTYPE MSG [<!ENTITY b SYSTEM "file:///etc/hostname">]>' + SOUND.replace(
    b"m1", b"&b;"
)


async def _connect(stage: Stage) -> None:
    configuration, now = stage.engine.configuration, datetime.now(UTC)
    id_ = uuid7(stage.engine.clock.now_ms(), os.urandom(10))
    tenant = next(iter(configuration.snapshot.tenants))
    new = stored.StoredConnection(
        0, id_, tenant, Mode.TEST, "generic", "XML", TOKEN, CONFIG, now, now
    )
    async with configuration.change() as connection:
        await stored.add_connection(connection, configuration.vault, new)


@pytest.mark.parametrize("token", [TOKEN, "demo-bandwidth"])
async def test_a_document_with_a_type_is_kept_unread(stage: Stage, token: str) -> None:
    """2xx, the bytes as they came, outcome unparsed, no event; the next sound one is read."""
    await _connect(stage)
    connection = stage.connection(token)
    provider = registry.get(connection.provider)

    async def post(body: bytes) -> int:
        url, kind = f"{BASE_URL}/in/{token}", (("Content-Type", "text/xml"),)
        asked = HttpRequest("POST", url, kind, body)
        sent = provider.authenticate(asked, connection.config, stage.engine.clock.now_ms())
        callback = Callback(sent.method, sent.url, sent.headers, sent.body, "127.0.0.1")
        return (await stage.receive(callback, token)).status

    assert 200 == await post(HOSTILE)
    ((outcome, body),) = await stage.rows("select outcome, body from callback order by id")
    assert (WORD[outcome], bytes(body)) == ("unparsed", HOSTILE)
    assert 0 == await stage.value("select count(*) from event")
    if token == TOKEN:
        assert 200 == await post(SOUND)
        assert 1 == await stage.value("select count(*) from event where type = 'message.delivered'")
