"""T30: what stands in the URL of an endpoint or a connection gets into no log, however it fails."""

import pytest

from ringback.errors import Invalid
from ringback.services.manage import Manager, NewEndpoint
from ringback.services.simulate import Plan
from ringback.storage.lists import Scope
from tests.services.sink import until
from tests.services.stage import Stage

CANARY = "CANARY-in-a-url"


async def test_no_part_of_a_url_is_logged(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused, unreachable, answering badly, denied, never resolved: without the allow-list too."""
    await stage.execute("update endpoint set deleted = now()")
    query = f"token={CANARY}"
    urls = [
        f"{stage.sink.url}?{query}", f"http://127.0.0.1:1/{CANARY}?{query}",
        f"http://127.0.0.1:1099/?{query}", f"http://10.9.9.9/?{query}",
        f"http://nowhere.invalid/?{query}", f"https://127.0.0.1:{stage.sink.port}/?{query}",
        f"http://user:{CANARY}@127.0.0.1/",
    ]  # fmt: skip
    for url in urls:
        await stage.add_endpoint(url)
    engine = stage.engine
    endpoint = next(iter(engine.configuration.snapshot.endpoints.values()))
    scope = Scope(endpoint.tenant, endpoint.mode)
    manager = Manager(engine.configuration, engine.database, engine.clock, None)
    for url in (urls[-1], f"ftp://x/{CANARY}", f"http://[{CANARY}]/", f"https://10.1.1.1/?{query}"):
        with pytest.raises(Invalid) as refused:
            await manager.add_endpoint(scope, NewEndpoint(url, ["*"]))
        assert CANARY not in str(refused.value.faults)
    stage.sink.answers.append((500, ""))
    await stage.receive(stage.callback("sent"))
    await until(lambda: engine.recorder.attempts == len(urls), 30)
    # The simulator logs that nobody listens at our own door: so the log was looked at.
    await engine.simulator.simulate(
        stage.connection(), Plan("+15550100", "+16505551234", "sms", ("received",))
    )
    await until(lambda: not engine.simulator._tasks)
    told = capsys.readouterr()
    assert "simulate.refused" in told.out + told.err
    assert CANARY not in told.out + told.err
    assert "demo-whatsapp" not in told.out + told.err
