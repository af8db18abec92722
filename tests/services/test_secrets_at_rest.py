"""What traffic leaves in the database: no secret of a connection, an endpoint or a key."""

from ringback.domain.http import Callback
from ringback.storage.database import connect
from tests.services.sink import until
from tests.services.stage import Stage, fresh
from tests.storage.dump import dump, leaked, secrets_of


async def test_traffic_leaves_no_secret_behind(stage: Stage) -> None:
    """Accepted, forged and challenged callbacks, deliveries and their attempts: nothing to find."""
    tokens = ("demo-whatsapp", "demo-bandwidth", "demo-simulator")
    for token in tokens:
        good = stage.callback("delivered", fresh(), token=token)
        assert (await stage.receive(good, token)).status < 300
        forged = Callback(good.method, good.url, good.headers, good.body + b" ")
        await stage.receive(forged, token)
        bare = Callback(good.method, f"{good.url}?again=1", (), good.body)
        await stage.receive(bare, token)
    await until(lambda: len(stage.sink.received) >= len(tokens))
    await until(lambda: stage.engine.push.active == 0)
    await stage.engine.recorder.drained()
    assert await stage.value("select count(*) from attempt") == len(stage.sink.received)
    secrets = [stage.secret_key, *secrets_of(stage.engine.configuration.everything)]
    connection = await connect(stage.dsn)
    try:
        text = await dump(connection)
    finally:
        await connection.close()
    assert b"webhook-signature".hex().encode() in text
    assert [] == leaked(secrets, text)
