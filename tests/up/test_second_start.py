"""Starting again: the data, the key and the demo's secrets are those of the first start."""

import asyncio

import asyncpg

from .conftest import Make
from .installation import Installation, until
from .receiver import Receiver


def test_a_second_start_finds_everything(own: Installation) -> None:
    """Messages, endpoints and secrets stay; the key is not shown again, but where it is."""
    own.start()
    first, key = own.demo, own.key
    assert 200 == own.report("kept")
    (message,) = own.messages("kept")
    assert 0 == own.stop()
    own.start()
    assert key not in own.said
    assert f"API key  in {own.config / 'config.toml'}, profile default" in own.said
    assert "creating the database" not in own.said
    assert first == own.demo
    assert [message] == own.messages("kept")
    assert 200 == own.report("kept")
    assert 2 == len(own.messages("kept"))
    assert 0 == own.stop()


def test_the_demo_moves_with_its_port(own: Installation) -> None:
    """On another port the demo's endpoint is the inspector there, and there is still one."""
    own.port += 100
    own.start("--demo=bare", "--port", str(own.port))
    # The shell's file of the old address is not touched.
    assert f". {own.config}/demo-local-{own.port}.env" in own.said
    assert [f"http://127.0.0.1:{own.port}/inspect/demo"] == [
        each["url"] for each in own.api("GET", "/v1/endpoints")["data"]
    ]
    assert 200 == own.report("moved")
    until(lambda: [each for each in own.attempts("moved") if each["final"] == "delivered"])
    assert 0 == own.stop()


def test_data_of_another_version(own: Installation) -> None:
    """It is left alone, and the directory to move away is named; what is said does that."""
    own.start()
    asyncio.run(_made_by_another(own.dsn))
    assert 0 == own.stop()
    reason = own.refused()
    assert "made by another version of Ringback" in reason
    command = reason[reason.index("mv ") :]
    assert f"mv {own.data} {own.data}.old" == command.strip()
    own.shell(command)
    assert not own.data.exists()


async def _made_by_another(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("update migration set checksum = 'x' where name = '0001_foundation'")
    await connection.close()


def test_a_live_key_survives_the_demo(make_installation: Make, receiver: Receiver) -> None:
    """First without the demo, then with it, then without: the live key is still the profile's."""
    live = make_installation()
    live.start("--host", "127.0.0.1")
    profile = live.config / "config.toml"
    text = profile.read_text(encoding="utf-8")
    (key,) = (line.split('"')[1] for line in text.splitlines() if line.startswith("api_key"))
    assert key.startswith("rk_live_")
    assert key in live.said
    assert 0 == live.stop()
    live.start()
    assert live.key.startswith("rk_test_")
    assert 0 == live.stop()
    live.start("--host", "127.0.0.1")
    assert key in profile.read_text(encoding="utf-8")
    assert "rk_" not in live.said
    answer = live.ask("GET", "/v1/messages", headers={"authorization": f"Bearer {key}"})
    assert 200 == answer.status
    assert 0 == live.stop()
