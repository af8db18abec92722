"""Every scenario, through every provider that can play it: over HTTP, at the provider's fake.

All scenarios of a provider run at the same time, in an installation that all share, so that it
takes as long as the longest; what people answer comes after that, as it would.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import typer

from ringback.cli import simulate
from ringback.cli.options import Chosen
from ringback.cli.session import Session
from ringback.domain.http import HttpResponse
from ringback.domain.messages import Status
from ringback.domain.scenarios import SCENARIOS, Scenario
from ringback.providers.base import Provider, TokenRequest
from ringback.providers.config import load_config
from ringback.providers.placeholders import filled
from ringback.providers.registry import PROVIDERS
from ringback.services import catalogue
from ringback.services.fake_apis import PICTURE, read_header
from ringback.services.simulate import moved
from tests.providers.cases import sendable
from tests.server import KEY, LIVE_KEY, Served

Course = tuple[str, Any, str]
PLAYED = [provider for provider in PROVIDERS.values() if provider.simulated]
SENDING = [provider for provider in PLAYED if provider.faked]
by_played = pytest.mark.parametrize("provider", PLAYED, ids=lambda one: one.name)
by_sending = pytest.mark.parametrize("provider", SENDING, ids=lambda one: one.name)
OURS = "+15550100"
PATIENCE_S = 30.0
# Who says of the message itself that it is an opt-out: it has no words to be heard.
SAYS_SO = {"simulator"}
# Who posts its own notice beside the message, with the purpose that it is about.
BESIDE = {"textellent": None, "whatsapp": "marketing"}
# Who tells of the files of people.
WITH_FILES = {"bandwidth", "linkmobility", "simulator", "textellent", "twilio", "whatsapp"}
# What callbacks of a system mean that only a mapping reads.
MAPPING = {
    "rules": [
        {
            "item": "inbound", "when": [{"place": "/kind", "in": ["mo"]}],
            "fields": {"message_id": "/id", "from": "/from", "to": "/to", "text": "/text"},
        },
        {
            "item": "report", "errors": {"1": {"class": "network", "code": "carrier_failure"}},
            "statuses": {"S": "sent", "D": "delivered", "F": "failed", "E": "expired", "R": "read"},
            "fields": {"message_id": "/id", "status": "/state", "to": "/to", "error_code": "/why"},
        },
    ]
}  # fmt: skip


def until(found: Callable[[], bool], told: Callable[[], object] = str) -> None:
    """Wait until something is so; `told` says what is not."""
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


def connect(served: Served, provider: Provider) -> Any:
    """Make a connection with the provider's made-up settings, and nothing else."""
    mapping = {"mapping": MAPPING} if provider.name == "generic" else {}
    body = {
        "provider": provider.name, "name": "Trial",
        "config": {**catalogue.example_config(provider.name), **mapping},
    }  # fmt: skip
    return served.api("POST", "/v1/connections", body)


@pytest.fixture
def session(served: Served) -> Iterator[Session]:
    """What the command line asks with."""
    with Session(Chosen(url=served.url, api_key=KEY)) as session:
        yield session


def playable(
    session: Session, provider: Provider, scenario: Scenario, connection: Any
) -> dict[str, Any] | None:
    """Return what `ringback simulate` would ask for; None where it says that it cannot be played.

    Callbacks of a system that only a mapping reads are proved by nothing but the URL.
    """
    try:
        asked = simulate.Asked(connection=connection["id"])
        _, found, _ = simulate.chosen(session, scenario, asked)
    except typer.BadParameter:
        return None
    if scenario.count > 1 or (scenario.forged and provider.name == "generic"):
        return None
    return simulate.more_of(scenario, found, asked)


def reported(provider: Provider, scenario: Scenario) -> list[Status]:
    """Return the statuses of a scenario that a provider reports."""
    return [one for one in scenario.statuses if one in provider.simulated]


def expected(provider: Provider, scenario: Scenario, outcome: str | None) -> str:
    """Return the status that a message has in the end."""
    told = reported(provider, scenario)
    if scenario.silent and not told:
        return "submitted"
    if outcome in ("uncertain", "refused", "throttled"):
        return "submitted" if outcome == "uncertain" else "failed"
    order = ("sent", "delivered", "failed", "expired", "read")
    return max(scenario.statuses, key=order.index)


def person(provider: Provider, number: int) -> str:
    """Return a number that belongs to nobody, and to no other provider's scenarios."""
    return f"+15550{PLAYED.index(provider) + 20}{number:04}"


def play(
    served: Served, connection: Any, provider: Provider, name: str, person_: str, more: Any
) -> list[Any]:
    """Ask for one scenario; return its messages as they are known at once."""
    scenario = SCENARIOS[name]
    statuses = reported(provider, scenario)
    body = {
        "from": OURS, "to": person_, "reference": f"{provider.name}-{name}", **more,
        **({"statuses": statuses} if statuses else {}),
    }  # fmt: skip
    body |= {late: most for late, most in (("delay_ms", 20), ("answer_ms", 200)) if late in body}
    made = served.api("POST", f"/v1/connections/{connection['id']}/simulate", body)
    return [made, *made["others"]]


def messages(served: Served, connection: Any, direction: str) -> list[Any]:
    """Return the messages of a connection that go out, or come in."""
    query = urlencode({"connection": connection["id"], "direction": direction, "limit": 200})
    found: list[Any] = served.api("GET", f"/v1/messages?{query}")["data"]
    return found


def _left(courses: list[Course], found: list[Any]) -> list[Course]:
    """Return the courses whose messages have not reached their ends."""
    ends = {(one["id"], one["status"]) for one in found}
    ends |= {(one["provider_message_id"], one["status"]) for one in found}
    return [
        course
        for course in courses
        if (course[1]["message"] or course[1]["provider_message_id"], course[2]) not in ends
    ]


def told(served: Served, message: str) -> list[str]:
    """Return the types of a message's events in the order of its life, which has no gaps."""
    found = served.api("GET", f"/v1/events?message={message}&limit=200")["data"]
    ordered = sorted(found, key=lambda event: int(event["data"]["sequence"]))
    assert [*range(1, len(found) + 1)] == [event["data"]["sequence"] for event in ordered]
    return [event["type"] for event in ordered]


@by_played
def test_every_scenario_ends_as_it_says(
    served: Served, session: Session, provider: Provider
) -> None:
    """Sent through the fake where the adapter sends, reported on, answered, and told of."""
    connection = connect(served, provider)
    names: dict[str, int] = {}
    courses: list[Course] = []
    for number, (name, scenario) in enumerate(SCENARIOS.items(), 1):
        more = playable(session, provider, scenario, connection)
        if more is None:
            continue
        names[name] = number
        made = play(served, connection, provider, name, person(provider, number), more)
        if name != "forged":
            ends = [expected(provider, scenario, one["outcome"]) for one in made]
            courses += [(name, one, end) for one, end in zip(made, ends, strict=True)]
    always = {"delivered", "failed", "duplicate", "reordered", "lost", "reply", "stop", "media"}
    assert always <= names.keys()
    left = courses

    def over() -> bool:
        nonlocal left
        left = _left(left, messages(served, connection, "outbound"))
        return not left

    until(over, lambda: left)
    _check_outcomes(provider, courses)
    _check_messages(served, connection, provider, courses)
    rejected = f"/v1/callbacks?connection={connection['id']}&outcome=rejected"
    forged = reported(provider, SCENARIOS["forged"]) if "forged" in names else []
    until(lambda: len(served.api("GET", rejected)["data"]) == len(forged))
    _check_answers(session, served, connection, provider, names)


def _check_outcomes(provider: Provider, courses: list[Course]) -> None:
    """Hold what became of sends to what was asked for."""
    if provider.faked:
        outcomes = {name: one["outcome"] for name, one, _ in courses}
        assert "submitted" == outcomes["delivered"]
        words = {"refused": "refused", "throttled": "throttled"}
        assert words == {name: outcomes[name] for name in words}
        assert outcomes["broken"] in ("uncertain", "refused")


def _check_messages(
    served: Served, connection: Any, provider: Provider, courses: list[Course]
) -> None:
    """Hold messages to scenarios: every report is told, once, and a failure has its reason."""
    found = messages(served, connection, "outbound")
    assert len(courses) == len(found)
    by_id = {one["id"]: one for one in found} | {one["provider_message_id"]: one for one in found}
    for name, one, status in courses:
        message = by_id[one["message"] or one["provider_message_id"]]
        types = told(served, message["id"])
        before = ["message.queued"] if provider.faked else []
        after = {f"message.{word}" for word in reported(provider, SCENARIOS[name])}
        if SCENARIOS[name].outcome != "accepted":
            after = set()
        assert (len({*types}), before) == (len(types), types[: len(before)]), name
        assert {*before, f"message.{status}"} | after <= {*types}, name
        assert (status == "failed") <= (message["error"] is not None), name


def _check_answers(
    session: Session, served: Served, connection: Any, provider: Provider, names: dict[str, int]
) -> None:
    """Let people answer: it comes in once and is found, STOP is heeded, and a picture is kept."""
    answered = {name: number for name, number in names.items() if SCENARIOS[name].answer}
    courses = []
    for name, number in answered.items():
        wanted = ("mms", "whatsapp") if SCENARIOS[name].picture else provider.channels
        channel = next((one for one in wanted if one in provider.channels), "sms")
        people = [person(provider, number)]
        courses += simulate.answers(session, connection, SCENARIOS[name], people, channel)
    assert simulate.wait(session, courses, PATIENCE_S)
    assert len(messages(served, connection, "inbound")) == len(answered)
    by_person = {one["from"]: one for one in messages(served, connection, "inbound")}
    for name, number in answered.items():
        message = by_person[person(provider, number)]
        assert SCENARIOS[name].answer == message["content"]["text"]
        assert (OURS, ["message.received"]) == (message["to"], told(served, message["id"]))
        _check_wish(served, provider, message)
        files = message["content"].get("media", [])
        kept = SCENARIOS[name].picture and provider.name in WITH_FILES
        assert int(kept) == len(files)
        for file in files:
            _check_picture(served, file)


def _check_wish(served: Served, provider: Provider, message: Any) -> None:
    """Hold an answer to what it says of consent: an event and a suppression, or neither."""
    config = load_config(provider.Config, catalogue.example_config(provider.name))
    words = getattr(config, "opt_out_words", [])
    heeded = message["content"]["text"] == "STOP" and (provider.name in SAYS_SO or bool(words))
    path = f"/v1/suppressions?address={message['from'].removeprefix('+')}"
    said: list[tuple[str, str | None]] = [("keyword", None)] * heeded
    if heeded and provider.name in BESIDE:
        said.append(("provider", BESIDE[provider.name]))

    def known() -> list[tuple[str, str | None]]:
        found = served.api("GET", path)["data"]
        past = [served.api("GET", f"/v1/suppressions/{one['id']}")["history"] for one in found[:1]]
        return sorted((one["source"], one["purpose"]) for entries in past for one in entries)

    until(lambda: known() == said, known)
    suppressed = served.api("GET", path)["data"]
    assert {one[1] for one in said} == {one["purpose"] for one in suppressed}
    for one in suppressed:
        event = served.api("GET", f"/v1/events/{one['event']}")
        assert "contact.opted_out" == event["type"]
        assert message["from"] == event["data"]["contact"]["value"]
        if one["source"] == "keyword":
            assert ("STOP", message["id"]) == (one["evidence"]["keyword"], one["message"])


def _check_picture(served: Served, file: Any) -> None:
    """Hold a person's file to the picture that people send here."""
    shown = f"/v1/media/{file['file']}"
    until(lambda: served.api("GET", shown)["state"] == "kept")
    assert "image/png" == served.api("GET", shown)["content_type"]
    assert PICTURE == served.client.get(file["link"]).content


@by_sending
def test_a_library_of_the_providers_is_answered_and_told(
    served: Served, provider: Provider
) -> None:
    """Its requests come without our header: the number decides, callbacks and answers follow."""
    connection = connect(served, provider)
    base = connection["callback_url"].replace("/in/", "/fake/")
    answers = [name for name, one in SCENARIOS.items() if one.answer]
    wanted = dict.fromkeys(("delivered", "failed", *answers), "submitted")
    wanted |= {"refused": "refused", "throttled": "throttled"}
    results = {}
    for name in wanted:
        number = SCENARIOS[name].number
        assert number is not None
        results[name] = _send(served.client, provider, base, number)
    assert wanted == {name: result.outcome for name, result in results.items()}
    courses: list[Course] = [
        (name, {"message": None, "provider_message_id": results[name].message_ids[0]}, status)
        for name, status in (("delivered", "delivered"), ("failed", "failed"))
    ]
    until(lambda: not _left(courses, messages(served, connection, "outbound")))
    until(lambda: len(messages(served, connection, "inbound")) == len(answers))
    said = {one["from"]: one["content"] for one in messages(served, connection, "inbound")}
    assert {SCENARIOS[name].number: SCENARIOS[name].answer for name in answers} == {
        who: content["text"] for who, content in said.items()
    }
    media = said[str(SCENARIOS["media"].number)].get("media", [])
    assert int(provider.name in WITH_FILES) == len(media), media


def _send(client: httpx.Client, provider: Provider, base: str, to: str) -> Any:
    """Send as the adapter describes, straight to the fake."""
    config = filled(load_config(provider.Config, catalogue.example_config(provider.name)))
    flow = provider.send(sendable(provider, to=to), config)
    try:
        step = next(flow)
        while True:
            request = moved(step.request if isinstance(step, TokenRequest) else step, base)
            got = client.request(
                request.method, request.url, headers=dict(request.headers), content=request.body
            )
            step = flow.send(HttpResponse(got.status_code, tuple(got.headers.items()), got.content))
    except StopIteration as end:
        return end.value


def test_a_fake_is_only_for_tests(served: Served) -> None:
    """Live connections, unknown tokens and other addresses are 404; a wrong scenario is 400."""
    simulator = PROVIDERS["simulator"]
    live = {"provider": "simulator", "name": "Live", "config": {"secret": "x"}}
    made = served.api("POST", "/v1/connections", live, LIVE_KEY)
    token = made["callback_url"].rpartition("/")[2]
    assert 404 == httpx.post(f"{served.url}/fake/{token}/messages").status_code
    served.api("DELETE", f"/v1/connections/{made['id']}", key=LIVE_KEY)
    assert 404 == httpx.post(f"{served.url}/fake/nobody/messages").status_code
    base = connect(served, simulator)["callback_url"].replace("/in/", "/fake/")
    other = httpx.post(f"{base}/elsewhere?a=b")
    assert (404, "The faked API of Simulator has no POST /elsewhere.\n") == (
        other.status_code, other.text,
    )  # fmt: skip
    wrong = httpx.post(f"{base}/messages", headers={"Ringback-Scenario": "sunshine"})
    assert (400, True) == (wrong.status_code, "delivered, failed" in wrong.text)
    batch = httpx.post(f"{base}/messages", headers={"Ringback-Scenario": "batch"})
    assert (400, True) == (batch.status_code, "simulate batch` plays" in batch.text)
    assert PICTURE == httpx.get(f"{base}/ringback/picture.png").content


def test_a_header_chooses_the_scenario(served: Served) -> None:
    """Also with a code; `quiet` posts nothing."""
    connection = connect(served, PROVIDERS["simulator"])
    base = connection["callback_url"].replace("/in/", "/fake/")
    body = {"to": "+15550123", "from": OURS, "text": "Hi"}
    refused = httpx.post(
        f"{base}/messages", json=body, headers={"Ringback-Scenario": "refused; code=spam"}
    )
    assert (400, {"error": "spam"}) == (refused.status_code, refused.json())
    quiet = {"Ringback-Scenario": "delivered; quiet"}
    httpx.post(f"{base}/messages", json=body, headers=quiet)
    told = httpx.post(f"{base}/messages", json=body, headers={"Ringback-Scenario": "reply"})
    id_ = told.json()["id"]
    path = f"/v1/messages?connection={connection['id']}"
    until(lambda: len(served.api("GET", path)["data"]) == 2)
    found = served.api("GET", path)["data"]
    assert [None, id_] == [
        None if one["direction"] == "inbound" else one["provider_message_id"] for one in found
    ]


@pytest.mark.parametrize(
    "value", ["", "sunshine", "batch", "refused; code=", "refused; loud", "; quiet"]
)
def test_a_header_that_says_nothing_known(value: str) -> None:
    """It is refused, not guessed."""
    assert read_header(value) is None
