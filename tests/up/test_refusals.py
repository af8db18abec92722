"""Starts that are refused: exit code 1 within seconds, and one paragraph that says what to do."""

import socket
from pathlib import Path

import pytest

from .conftest import Make
from .installation import Installation, free_port

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def test_a_taken_port(make_installation: Make) -> None:
    """Somebody else listens there: say so before anything is made, and how to choose another."""
    late = make_installation()
    with socket.create_server(("127.0.0.1", late.port)):
        reason = late.refused("--demo=bare")
    assert f"Cannot listen on 127.0.0.1, port {late.port}: Address already in use." in reason
    assert "RINGBACK_PORT" in reason
    assert not late.data.exists()


def test_a_port_and_a_data_directory_of_another_installation(
    demo: Installation, make_installation: Make
) -> None:
    """A second `up` on the same data names the process of the first, which goes on."""
    same_port = make_installation(RINGBACK_PORT=str(demo.port))
    assert "Another program has the port" in same_port.refused("--demo=bare")
    same_data = make_installation(RINGBACK_DATA_DIR=str(demo.data))
    reason = same_data.refused("--demo=bare")
    assert f"already running on {demo.data} (process {demo.pid})" in reason
    assert "RINGBACK_DATA_DIR" in reason
    assert 200 == demo.ask("GET", "/readyz").status


def test_an_address_that_is_none_or_not_ours(make_installation: Make) -> None:
    """A name is refused with what to write instead, another machine's address as such."""
    reason = make_installation(RINGBACK_HOST="localhost").refused()
    assert "'localhost'" in reason
    assert "127.0.0.1" in reason
    reason = make_installation().refused("--host", "192.0.2.1")
    assert "Cannot listen on 192.0.2.1" in reason
    assert "Another program" not in reason


def test_a_database_that_nobody_answers_at(make_installation: Make) -> None:
    """The address of one's own database leads nowhere: say which variable to look at."""
    nowhere = f"postgresql://me:secret@127.0.0.1:{free_port()}/x"
    lost = make_installation(RINGBACK_DATABASE_URL=nowhere, RINGBACK_SECRET_KEY=KEY)
    reason = lost.refused("--demo=bare")
    assert "Cannot reach PostgreSQL" in reason
    assert "RINGBACK_DATABASE_URL" in reason
    assert "secret" not in reason


@pytest.mark.parametrize("address", ["nonsense", "mysql://me@127.0.0.1:1/x"])
def test_a_database_address_that_is_none(make_installation: Make, address: str) -> None:
    """What cannot be read as an address is told from what does not answer."""
    wrong = make_installation(RINGBACK_DATABASE_URL=address, RINGBACK_SECRET_KEY=KEY)
    assert "RINGBACK_DATABASE_URL" in wrong.refused("--demo=bare")


def test_a_database_of_ones_own_without_the_key(make_installation: Make) -> None:
    """Nothing is invented that would have to be kept: the message has the command."""
    lone = make_installation(RINGBACK_DATABASE_URL="postgresql://me@127.0.0.1:1/x")
    reason = lone.refused("--demo=bare")
    assert "RINGBACK_SECRET_KEY is not set" in reason
    assert "openssl rand -base64 32" in reason


def test_a_secret_key_of_the_wrong_shape(make_installation: Make, empty_dsn: str) -> None:
    """It is 32 bytes in base64, and the message says how to make it."""
    wrong = make_installation(RINGBACK_DATABASE_URL=empty_dsn, RINGBACK_SECRET_KEY="guess me")
    reason = wrong.refused("--demo=bare")
    assert "32 bytes in base64" in reason
    assert "guess me" not in wrong.said


@pytest.mark.parametrize("name", ["RINGBACK_DATA_DIR", "XDG_CONFIG_HOME"])
def test_a_directory_that_cannot_be_written(
    make_installation: Make, empty_dsn: str, tmp_path: Path, name: str
) -> None:
    """The data's and the profile's directory are named, with the variable that moves them."""
    (tmp_path / "file").touch()
    closed = make_installation(**{name: str(tmp_path / "file" / "inside")})
    if name != "RINGBACK_DATA_DIR":
        closed.variables["RINGBACK_DATABASE_URL"] = empty_dsn
        closed.variables["RINGBACK_SECRET_KEY"] = KEY
    reason = closed.refused("--demo=bare")
    assert str(tmp_path / "file") in reason
    assert name in reason


def test_settings_out_of_range(make_installation: Make) -> None:
    """Every wrong variable is named at once; an option has the same limits."""
    wrong = make_installation(RINGBACK_WORKERS="none")
    wrong.variables["RINGBACK_PORT"] = "99999"
    reason = wrong.refused()
    assert "RINGBACK_PORT" in reason
    assert "RINGBACK_WORKERS" in reason
    option = make_installation()
    option.spawn("--port", "99999")
    assert 2 == option.wait()
    assert "--port" in option.said


def test_an_unknown_variable_is_reported_with_the_nearest_name(make_installation: Make) -> None:
    """A slip of the finger would otherwise be silent, and the default would be used."""
    slip = make_installation(RINGBACK_HOTS="0.0.0.0", RINGBACK_HOST="nowhere")
    slip.refused()
    assert "RINGBACK_HOTS is not a setting of Ringback. Did you mean RINGBACK_HOST?" in slip.said
