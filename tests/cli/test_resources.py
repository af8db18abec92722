"""Resources as commands: one table, held against the API's document and tried on a server."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from ringback.cli.declared import Command
from ringback.cli.root import RESOURCES
from tests.cli.conftest import Run
from tests.server import LIVE_KEY, OPERATOR_KEY, Served

URL = "http://127.0.0.1:28099/hook"


def _endpoint(ringback: Run, *more: str) -> str:
    made = ringback(
        "endpoints", "create", "--url", URL, "--event-types", "message.*", *more, "-o", "id"
    )
    return made.out.strip()


def test_an_endpoint_lives_its_life_by_commands(ringback: Run) -> None:
    """Created, shown, changed, disabled, enabled, its secret rotated, deleted."""
    made = ringback(
        "endpoints", "create", "--url", URL, "--event-types", "message.*,shop.paid",
        "--uid", "orders", "--metadata", "team=orders", "--headers", "x-shop=1",
        "--timeout", "10s", "--retry-schedule", "5s,2m", "-o", "json",
    ).json  # fmt: skip
    assert made["secret"].startswith("whsec_")
    assert (["message.*", "shop.paid"], {"team": "orders"}, 10.0, [5, 120]) == (
        made["event_types"], made["metadata"], made["delivery"]["timeout_s"],
        made["delivery"]["retry_schedule_s"],
    )  # fmt: skip
    changed = ringback(
        "endpoints", "update", "orders", "--description", "Shop", "--no-enabled", "-o", "json"
    ).json
    assert ("Shop", False) == (changed["description"], changed["enabled"])
    ringback("endpoints", "enable", "orders")
    assert ringback("endpoints", "get", "orders", "-o", "json").json["enabled"]
    assert "Disabled orders.\n" == ringback("endpoints", "disable", "orders").err
    rotated = ringback("endpoints", "rotate", "orders", "--overlap", "2h", "-o", "json").json
    assert [made["secret"]] == [one["secret"] for one in rotated["retiring"]]
    assert made["id"] in ringback("endpoints", "list", "-o", "id").lines
    ringback("endpoints", "delete", "orders", "--yes")
    assert "hint: " in ringback("endpoints", "get", "orders", code=4).err


def test_several_ids_are_taken_also_from_standard_input(ringback: Run) -> None:
    """A list with -o id is what another command reads; one that is missing makes it partial."""
    made = [_endpoint(ringback) for _ in range(2)]
    shown = ringback("endpoints", "get", "-", "-o", "id", text="\n".join(made))
    assert made == shown.lines
    part = ringback("endpoints", "disable", made[0], "end_00000000000000000000000000", code=7)
    assert "end_00000000000000000000000000: There is no such endpoint. [404" in part.err
    assert "1 of 2 done." in part.err
    assert "There is nothing to do.\n" == ringback("endpoints", "delete", "-", text="").err
    assert "There is nothing to do.\n" == ringback("endpoints", "disable", "-", text="\n").err
    gone = ringback("endpoints", "delete", "-", "--yes", text=" ".join(made))
    assert [f"Deleted {one}." for one in made] == gone.err.splitlines()


def test_lists_go_on_over_pages_until_the_limit(ringback: Run) -> None:
    """A limit beyond one page is kept exactly, and what is left is said."""
    made = {_endpoint(ringback) for _ in range(3)}
    assert 2 == len(ringback("endpoints", "list", "-n", "2", "-o", "id").lines)
    assert "There is more: --limit 4, or --all." in ringback("endpoints", "list", "-n", "2").err
    assert made <= set(ringback("endpoints", "list", "--all", "-o", "id").lines)
    ringback("endpoints", "delete", *made, "--yes")


def test_a_key_is_made_shown_once_and_revoked(ringback: Run) -> None:
    """With its scopes and an end that is told as a duration; later it is refused with code 3."""
    made = ringback(
        "keys", "create", "--name", "ci", "--scopes", "events:read,messages:read",
        "--expires-at", "90d", "-o", "json",
    ).json  # fmt: skip
    assert ["events:read", "messages:read"] == made["scopes"]
    assert made["expires_at"] is not None
    own = {"RINGBACK_API_KEY": made["key"]}
    ringback("events", "list", **own)
    assert "once: rk_test_" in ringback("keys", "create", "--name", "b", "-o", "id").err
    assert "keys create --scopes" in ringback("endpoints", "list", code=3, **own).err
    ringback("keys", "revoke", made["id"], "--yes")
    assert "ringback whoami" in ringback("events", "list", code=3, **own).err
    assert made["key"] not in ringback("keys", "list", "-o", "json").out


def test_somebody_is_invited_and_let_in_again(ringback: Run) -> None:
    """The link is printed once; a test key is told which key does it."""
    ada = ("people", "create", "--email", "ada@example.com", "--name", "Ada", "--role", "agent")
    assert "live key" in ringback(*ada, code=3).err
    live = {"RINGBACK_API_KEY": LIVE_KEY}
    made = ringback(*ada, "-o", "json", **live).json
    again = ringback("people", "link", "ada@example.com", "-o", "json", **live).json
    for one in (made, again):
        assert "/panel/sign-in#token=" in one["link"]
    assert made["link"] != again["link"]
    assert made["id"] in ringback("people", "list", "-o", "id").lines
    ringback("people", "update", made["id"], "--role", "marketer", **live)
    assert "marketer" == ringback("people", "get", "ada@example.com", "-o", "json").json["role"]
    assert [] == ringback("sessions", "list", "-o", "json", **live).json
    ringback("people", "delete", made["id"], "--yes", **live)


def test_nothing_is_deleted_unasked(ringback: Run) -> None:
    """Without a person to ask and without --yes it is a usage error, and nothing happens."""
    made = _endpoint(ringback)
    assert "--yes" in ringback("endpoints", "delete", made, code=2).err
    ringback("endpoints", "get", made)
    ringback("endpoints", "delete", made, "--yes")


def test_what_is_required_may_be_in_the_data(ringback: Run) -> None:
    """--data is the body, options and --set are put over it, and what is missing is named."""
    body = json.dumps({"url": URL, "event_types": ["a.b"], "delivery": {"timeout_s": 3}})
    made = ringback(
        "endpoints", "create", "--data", "-", "--event-types", "c.d", "--set",
        "delivery.concurrency=2", "-o", "json", text=body,
    ).json  # fmt: skip
    assert (["c.d"], 3.0, 2) == (
        made["event_types"], made["delivery"]["timeout_s"], made["delivery"]["concurrency"],
    )  # fmt: skip
    assert "--event-types" in ringback("endpoints", "create", "--url", URL, code=2).err
    assert (
        "is no pair" in ringback("endpoints", "update", made["id"], "--metadata", "x", code=2).err
    )
    ringback("endpoints", "delete", made["id"], "--yes")


def test_faults_are_told_with_their_place_a_hint_and_the_request(ringback: Run) -> None:
    """Standard output stays empty; the exit code says that it was invalid."""
    done = ringback("endpoints", "create", "--url", "ftp://x", "--event-types", "*", code=5)
    assert "" == done.out
    assert "  /url: " in done.err
    assert "\nhint: " in done.err
    assert "\nrequest: req_" in done.err


# Operations that no resource's command makes: where they are made instead.
_ELSEWHERE = {
    ("POST", "/v1/events"): "ringback emit",
    ("GET", "/v1/whoami"): "ringback whoami",
    ("GET", "/v1/overview"): "ringback overview",
    ("GET", "/v1/search"): "ringback find",
    ("GET", "/v1/endpoints/{id}/stream"): "ringback listen",
    ("POST", "/v1/endpoints/{id}/answers"): "ringback listen",
    # For whoever is signed in: the command line has keys, for most of which nothing is masked.
    ("POST", "/v1/session"): "the panel",
    ("GET", "/v1/session"): "the panel",
    ("PATCH", "/v1/session"): "the panel",
    ("DELETE", "/v1/session"): "the panel",
    ("POST", "/v1/reveal"): "the panel",
}
# Parameters that lists take care of themselves, and one of `ringback tail`.
_PAGING = {"limit", "cursor", "wait"}


def _made() -> Iterator[tuple[str, Command]]:
    for resource in RESOURCES:
        for command in resource.commands:
            yield f"{resource.name} {command.name}", command


def _operations(served: Served) -> tuple[dict[tuple[str, str], Any], Any]:
    """Return the operations of the API's document, and its schemas."""
    paths = httpx.get(f"{served.url}/openapi.json").json()
    found = {
        (method.upper(), _shape(path)): operation
        for path, methods in paths["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/")
    }
    return found, paths["components"]["schemas"]


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{id}", path)


def test_every_operation_has_its_command(served: Served) -> None:
    """What the API can do, the command line can; and nothing that the API cannot."""
    operations = set(_operations(served)[0])
    commands = {(command.method, _shape(command.path)) for _, command in _made()}
    assert operations == commands | set(_ELSEWHERE)


def test_every_filter_and_field_has_its_option(served: Served) -> None:
    """Options are the API's parameters and fields, all of them, by their names."""
    operations, schemas = _operations(served)
    for name, command in _made():
        operation = operations[command.method, _shape(command.path)]
        in_path = set(re.findall(r"\{(\w+)\}", command.path))
        options = {option.field for option in command.options} - in_path
        parameters = operation.get("parameters", ())
        filters = {one["name"] for one in parameters if one["in"] == "query"} - _PAGING
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        fields = set(_fields(content["schema"], schemas)) if content else set()
        fixed = {field for field, _ in command.fixed}
        if fixed:
            assert fixed <= fields, name
        else:
            assert options == filters | fields, name
        required = {one.field for one in command.options if one.required} - in_path
        body = _resolved(content["schema"], schemas) if content else {}
        if command.does == "make":
            assert set(body.get("required", ())) == required, name


def _resolved(schema: Any, schemas: Any) -> Any:
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            return _resolved(one, schemas)
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return schema


def _fields(schema: Any, schemas: Any, before: str = "") -> Iterator[str]:
    """Go through the fields of a body, those of objects in it by their paths."""
    for name, inner in _resolved(schema, schemas).get("properties", {}).items():
        found = _resolved(inner, schemas)
        if "properties" in found:
            yield from _fields(found, schemas, f"{before}{name}.")
        else:
            yield before + name


def test_columns_are_fields_of_the_rows(ringback: Run, served: Served) -> None:
    """Each column of a list names something that its rows have, by the API's document."""
    operations, schemas = _operations(served)
    for resource in RESOURCES:
        for command in resource.commands:
            if command.does != "list" or resource.name in {"events", "inspector"}:
                continue  # their bodies are anybody's
            answer = operations[command.method, _shape(command.path)]["responses"]["200"]
            page = _resolved(answer["content"]["application/json"]["schema"], schemas)
            row = _resolved(page["properties"]["data"]["items"], schemas)
            known = {*_fields(row, schemas), *row["properties"]}
            for column in command.columns or resource.columns:
                assert set(column.path.split("|")) <= known, f"{resource.name} {column.title}"
    assert "message.delivered" in ringback("event-types", "list").out


def _simulated(ringback: Run, *more: str) -> str:
    """Let a message be reported on; return its id once it is delivered."""
    connections = ringback("connections", "list", "-o", "jsonl").lines
    simulator = next(one for one in map(json.loads, connections) if one["provider"] == "simulator")
    made = ringback(
        "connections", "simulate", simulator["id"], "--to", "+15550123", "--from", "+15550100",
        *more, "-o", "json",
    ).json  # fmt: skip
    _until(lambda: _message(ringback, made["message"])["status"] == "delivered")
    return str(made["message"])


def _message(ringback: Run, name: str) -> Any:
    return ringback("messages", "get", name, "-o", "json").json


def _until(done: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_message_is_found_drawn_and_delivered_again(ringback: Run, served: Served) -> None:
    """Its timeline shows callbacks, events and attempts; a delivery is replayed by its id."""
    message = _simulated(ringback, "--reference", "order-7")
    assert [message] == ringback("messages", "list", "--reference", "order-7", "-o", "id").lines
    types = ringback("events", "list", "--message", message, "-o", "csv").lines
    assert any(",message.delivered,+15550123," in line for line in types)
    drawn = ringback("messages", "timeline", message).out
    assert re.search(r"◀ callback  simulator accepted +cbk_", drawn)
    assert re.search(r"● \d message\.delivered +evt_", drawn)
    event = ringback(
        "events", "list", "--message", message, "--type", "message.delivered", "-o", "id"
    ).out.strip()
    _until(lambda: _delivery(ringback, event)["status"] == "delivered")
    drawn = ringback("messages", "timeline", message).out
    assert re.search(r"│ ▶ attempt 1 at delivered: 200 in \d+ ms, delivered +end_", drawn)
    again = ringback("deliveries", "replay", _delivery(ringback, event)["id"], "-o", "id")
    assert again.out.startswith("dlv_")
    entries = ringback("messages", "timeline", message, "-o", "jsonl").lines
    assert {"callback", "event", "attempt"} <= {json.loads(one)["kind"] for one in entries}


def _delivery(ringback: Run, event: str) -> Any:
    return json.loads(ringback("deliveries", "list", "--event", event, "-o", "jsonl").lines[0])


def test_a_callback_is_read_again(ringback: Run) -> None:
    """By default only to see what it says."""
    _simulated(ringback)
    newest = ringback("callbacks", "list", "--outcome", "accepted", "-n", "1", "-o", "id")
    read = ringback("callbacks", "reparse", newest.out.strip(), "-o", "json").json
    assert not read["effects"]
    assert read["items"]


def test_events_are_read_from_a_place_on(ringback: Run, served: Served) -> None:
    """Oldest first, to the end of what there is, over as many requests as it takes."""
    ids = [one["id"] for one in served.api("POST", "/v1/events", [_SHOP] * 100)["data"]]
    ids += [one["id"] for one in served.api("POST", "/v1/events", [_SHOP] * 100)["data"]]
    ids += [one["id"] for one in served.api("POST", "/v1/events", [_SHOP] * 30)["data"]]
    read = ringback(
        "events", "list", "--after", ids[0], "--type", "shop.listed", "--all", "-o", "id"
    )
    assert ids[1:] == read.lines
    assert 205 == len(ringback("events", "list", "-n", "205", "-o", "id").lines)


_SHOP = {"type": "shop.listed", "data": {}}


def test_an_operator_keeps_tenants_and_acts_for_them(ringback: Run) -> None:
    """With --tenant and --mode the operator's key does what the tenant's own would."""
    own = {"RINGBACK_API_KEY": OPERATOR_KEY}
    ringback("tenants", "create", "acme", "--name", "Acme", **own)
    assert "--tenant ID" in ringback("endpoints", "list", code=5, **own).err
    assert "--operator-key" in ringback("tenants", "list", code=3).err
    acting = ("--tenant", "acme", "--mode", "test")
    made = ringback("keys", "create", "--name", "theirs", *acting, "-o", "json", **own).json
    assert "test" == made["kind"]
    theirs = {"RINGBACK_API_KEY": made["key"]}
    ringback("endpoints", "list", **theirs)
    ringback("tenants", "update", "acme", "--suspended", **own)
    assert "--no-suspended" in ringback("endpoints", "list", code=3, **theirs).err
    ringback("tenants", "delete", "acme", "--yes", **own)
    ringback("tenants", "get", "acme", code=4, **own)


def test_help_shows_options_and_examples(ringback: Run) -> None:
    """Each command explains itself, with something to copy."""
    text = ringback("deliveries", "list", "--help").out
    assert "--status" in text
    assert "$ ringback deliveries list --status exhausted" in text
    assert "Did you mean 'list'?" in ringback("deliveries", "lst", code=2).err


def test_an_endpoint_is_tried(ringback: Run, served: Served) -> None:
    """What it answered is shown; one that does not answer is exit code 1, with the reason."""
    inspector = ringback(
        "endpoints", "create", "--url", f"{served.url}/inspect/trial", "--event-types", "*",
        "-o", "id",
    ).out.strip()  # fmt: skip
    done = ringback("endpoints", "test", inspector, "--type", "message.read", "-o", "json").json
    assert [("delivered", 200, "message.read")] == [
        (one["status"], one["answer"], one["type"]) for one in done
    ]
    nobody = _endpoint(ringback)
    failed = ringback("endpoints", "test", nobody, code=1)
    assert "exhausted" in failed.out
    assert "ringback attempts get att_" in failed.err
    only = ringback("emit", "shop.paid", "--endpoint", inspector, "-o", "id").out.strip()
    _until(lambda: _delivery(ringback, only)["status"] == "delivered")
    assert 1 == len(ringback("deliveries", "list", "--event", only, "-o", "id").lines)
    sample = ringback("emit", "call.failed", "--endpoint", inspector, "-o", "jsonl").json
    assert "call.failed" == sample["type"]
    ringback("endpoints", "delete", inspector, nobody, "--yes")


def test_settings_are_read_as_the_provider_says(ringback: Run) -> None:
    """What looks like a number is a text where the schema wants one, and a number where not."""
    made = ringback(
        "connections", "create", "--provider", "whatsapp", "--name", "Numbers", "-o", "json",
        "--config", "app_secret=123456", "--config", "verify_token=1", "--config",
        "phone_number_id=106540352242922",
    ).json  # fmt: skip
    assert "106540352242922" == made["config"]["phone_number_id"]
    trial = ringback(
        "connections", "create", "--provider", "simulator", "--name", "Slow", "-o", "json",
        "--config", "secret=12", "--config", "delay_ms=5", "--config", "outcome=failed",
    ).json  # fmt: skip
    assert (5, "failed") == (trial["config"]["delay_ms"], trial["config"]["outcome"])
    ringback(
        "connections", "rotate", trial["id"], "--config", "delay_ms=7", "--config", "secret=34"
    )
    changed = ringback("connections", "get", trial["id"], "-o", "json").json
    assert 7 == changed["config"]["delay_ms"]
    refused = ringback(
        "connections", "create", "--provider", "pigeon", "--name", "x", "--config", "a=b", code=2
    )
    assert "There is no provider pigeon" in refused.err
    ringback("connections", "delete", made["id"], trial["id"], "--yes")


def test_what_is_shown_in_part_is_whole_json(ringback: Run) -> None:
    """Ids that are missing leave out their rows and set the exit code; the array is closed."""
    made = _endpoint(ringback)
    part = ringback("endpoints", "get", made, "end_0", "-o", "json", code=7)
    assert [made] == [one["id"] for one in part.json]
    ringback("endpoints", "delete", made, "--yes")


def test_types_of_ones_own_are_described(ringback: Run, tmp_path: Path) -> None:
    """With schema and example from files; a sample is the example; what does not fit is refused."""
    schema = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    made = ringback(
        "event-types", "describe", "till.paid", "--description", "Paid.", "--schema",
        f"@{tmp_path / 'schema.json'}", "--example", '{"total": 12}', "-o", "json",
    ).json  # fmt: skip
    assert ("till.paid", schema) == (made["name"], made["schema"])
    shown = ringback("event-types", "schema", "till.paid", "--version", "1", "-o", "json").json
    assert {"number"} == {shown["properties"]["total"]["type"]}
    event = ringback("emit", "till.paid", "-o", "id").out.strip()
    assert {"total": 12} == ringback("events", "get", event, "-o", "json").json["data"]
    refused = ringback("emit", "till.paid", "--set", "data.total=much", code=5)
    assert "/data/total" in refused.err
    ringback("event-types", "delete", "till.paid", "--yes")
    ringback("event-types", "get", "till.paid", code=4)
