"""Resources as commands: one table, held against the API's document and tried on a server."""

import json

from tests.cli.conftest import Run

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
    assert "keys create --scopes" in ringback("endpoints", "list", code=3, **own).err
    ringback("keys", "revoke", made["id"], "--yes")
    assert "ringback whoami" in ringback("events", "list", code=3, **own).err
    assert made["key"] not in ringback("keys", "list", "-o", "json").out


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
