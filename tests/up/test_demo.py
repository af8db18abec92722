"""The first start of the demo: what it prints, and that every printed command does what it says."""

import json
import re
import shutil
from datetime import datetime
from typing import Any

import psutil
import pytest
import standardwebhooks
import svix.webhooks

from .installation import Installation, until
from .receiver import Receiver

_NEEDED = ("bash", "curl", "openssl")
needs_programs = pytest.mark.skipif(
    not all(shutil.which(name) for name in _NEEDED), reason=f"needs {', '.join(_NEEDED)}"
)


def printed(demo: Installation) -> list[str]:
    """Return the commands as they stand in the output: reading the variables, and the three."""
    tried = demo.said.partition("Try, in another terminal:\n\n")[2]
    parts = re.split(r"\n\n\d [^\n]+:\n\n|\n\nCtrl-C stops", tried)
    return parts[:-1]


def inspected(demo: Installation, reference: str) -> Any:
    """Return the newest requests at the demo's inspector that are about this reference."""
    return [
        request
        for request in demo.api("GET", "/v1/inspect/demo")["data"]
        if request["parsed"]["data"]["message"]["reference"] == reference
    ]


def test_the_first_start_prints_address_key_and_three_commands(demo: Installation) -> None:
    """Where it is, its key exactly once, where that is kept, the demo's secrets, what to try."""
    assert f"Ringback is up at http://127.0.0.1:{demo.port} in " in demo.said
    assert demo.key.startswith("rk_test_")
    assert 1 == demo.said.count(demo.key)
    assert f"{demo.key} (shown once)" in demo.said
    assert f"kept in {demo.config / 'config.toml'}, profile default" in demo.said
    assert f"data     {demo.data}" in demo.said
    shown = ("DEMO_WHATSAPP_SECRET", "DEMO_BANDWIDTH_PASSWORD", "DEMO_ENDPOINT_SECRET")
    assert all(demo.demo[name] in demo.said for name in shown)
    # The panel opens in the mode in which the demo's data is.
    assert re.search(r"/panel/sign-in#token=[A-Za-z0-9_-]+&mode=test\n", demo.said)
    source, *commands = printed(demo)
    assert f". {demo.config / 'demo.env'}" == source
    assert ["in/demo-whatsapp", "in/demo-bandwidth", "v1/messages"] == [
        re.findall(r"\$RINGBACK_URL/([a-z0-9/-]+)", command)[0] for command in commands
    ]


def test_files_with_the_key_are_their_owners_alone(demo: Installation) -> None:
    """The profile and the shell's variables hold secrets; nobody else may read them."""
    for file in demo.config.iterdir():
        assert 0o600 == file.stat().st_mode & 0o777, file


@needs_programs
def test_the_printed_commands_work_as_often_as_one_likes(demo: Installation) -> None:
    """Pasted into bash as they are, again and again: 200, and each time a message of its own."""
    source, whatsapp, bandwidth, messages = printed(demo)
    before = len(demo.messages("order-48213"))
    for command in (whatsapp, bandwidth, bandwidth, whatsapp, whatsapp):
        assert "200" == demo.shell(source, command).split()[-1]
    assert before + 5 == len(demo.messages("order-48213"))
    (newest,) = json.loads(demo.shell(source, messages))["data"]
    assert ("order-48213", "whatsapp", "delivered", "observed") == (
        newest["reference"], newest["provider"], newest["status"], newest["origin"],
    )  # fmt: skip


@needs_programs
@pytest.mark.parametrize("provider", ["whatsapp", "bandwidth"])
def test_message_delivered_arrives_at_the_inspector(demo: Installation, provider: str) -> None:
    """A message that nobody announced: observed, the provider's own tag, first in its life."""
    source, whatsapp, bandwidth, _ = printed(demo)
    demo.shell(source, whatsapp if provider == "whatsapp" else bandwidth)
    message = demo.messages("order-48213")[0]

    def arrived() -> Any:
        found = inspected(demo, "order-48213")
        return [each for each in found if each["parsed"]["data"]["message"]["id"] == message["id"]]

    (request,) = until(arrived)
    event = request["parsed"]
    assert ("message.delivered", "test") == (event["type"], event["mode"])
    shown = event["data"]["message"]
    assert ("observed", provider, "order-48213", "delivered") == (
        shown["origin"], shown["provider"], shown["reference"], shown["status"],
    )  # fmt: skip
    assert 1 == event["data"]["sequence"]
    occurred, received, emitted = (
        datetime.fromisoformat(text)
        for text in (event["timestamp"], event["data"]["received_at"], event["data"]["emitted_at"])
    )
    # The provider's clock counts whole seconds.
    assert occurred <= received <= emitted
    assert (emitted - occurred).total_seconds() < 60


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.webhooks.Webhook])
def test_a_receiver_of_ones_own_verifies_events(
    demo: Installation, receiver: Receiver, library: Any
) -> None:
    """An endpoint added by the API gets the event; the published libraries find it genuine."""
    endpoint = demo.add_endpoint(receiver.url)
    assert 200 == demo.report(f"verified-{receiver.server_port}")
    headers, body = until(lambda: receiver.got)[0]
    verifier = library(endpoint["secret"])
    verifier.verify(body, dict(headers))
    with pytest.raises(Exception, match=r"(?i)signature"):
        verifier.verify(body.replace(b"delivered", b"delivereD", 1), dict(headers))
    assert "message.delivered" == json.loads(body)["type"]
    demo.api("DELETE", f"/v1/endpoints/{endpoint['id']}")


def test_the_timeline_tells_callback_event_attempt(demo: Installation) -> None:
    """The whole story of one message in its order, each entry naming the one it comes from."""
    assert 200 == demo.report("story")
    until(lambda: demo.attempts("story"))
    message = demo.messages("story")[0]["id"]
    entries = demo.api("GET", f"/v1/messages/{message}/timeline")["entries"]
    assert ["callback", "event", "attempt"] == [entry["kind"] for entry in entries]
    callback, event, attempt = entries
    assert ("whatsapp", "accepted") == (callback["provider"], callback["outcome"])
    assert (callback["id"], "message.delivered") == (event["callback"], event["type"])
    assert (event["id"], 200, "delivered") == (
        attempt["event"], attempt["status"], attempt["final"],
    )  # fmt: skip


def test_bandwidth_is_asked_for_its_password_first(demo: Installation) -> None:
    """A request without credentials gets the 401 and the challenge that Bandwidth waits for."""
    answer = demo.ask("POST", "/in/demo-bandwidth", b"[]", {"content-type": "application/json"})
    assert 401 == answer.status
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_the_demo_is_in_test_mode_and_on_loopback(demo: Installation) -> None:
    """Its connections and its endpoint are test ones, and no other machine can reach it."""
    connections = demo.api("GET", "/v1/connections")["data"]
    assert {"whatsapp", "bandwidth", "simulator"} == {each["provider"] for each in connections}
    assert {"test"} == {each["mode"] for each in connections}
    urls = [each["url"] for each in demo.api("GET", "/v1/endpoints")["data"]]
    assert f"http://127.0.0.1:{demo.port}/inspect/demo" in urls
    listening = {
        place.laddr.ip
        for process in demo.processes()
        for place in process.net_connections("tcp")
        if place.status == psutil.CONN_LISTEN
    }
    assert {"127.0.0.1"} == listening
