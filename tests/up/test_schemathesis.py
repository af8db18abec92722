"""Every operation of the document, called with what it allows and with what it does not.

Three callers: a key that may do everything, one that may only read, an operator who acts for the
tenant. Whatever they send, the answer is one that the document describes, and never an error of
ours.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from ringback.domain.scopes import SCOPES
from tests.sizes import SIZES

from .installation import Installation

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance,
]  # fmt: skip
READING = [name for name in SCOPES if name.endswith(":read") and not SCOPES[name].operator]
Headers = dict[str, str]


class Field:
    """An installation with something of everything, and the keys of three callers."""

    def __init__(self, installation: Installation) -> None:
        """Start it."""
        installation.start("--demo=bare", "--operator-key")
        self.url = f"http://127.0.0.1:{installation.port}"
        found = re.search(r"rk_op_\S+", installation.said)
        assert found is not None
        named = installation.key
        self.full = {"authorization": f"Bearer {named}"}
        reading = self.made("/v1/api-keys", {"name": "reader", "scopes": READING})
        self.roles: dict[str, Headers] = {
            "full": self.full,
            "reader": {"authorization": f"Bearer {reading['key']}"},
            "operator": {
                "authorization": f"Bearer {found[0]}",
                "ringback-tenant": "default", "ringback-mode": "test",
            },
        }  # fmt: skip
        self.document = httpx.get(f"{self.url}/openapi.json", timeout=10).json()
        self.known = self.things()

    def made(self, path: str, body: Any) -> Any:
        """Make something."""
        answer = httpx.post(self.url + path, json=body, headers=self.full, timeout=10)
        assert answer.is_success, answer.text
        return answer.json()

    def things(self) -> dict[str, list[str]]:
        """Make one of each; return ids by the name of the path parameter that takes them."""
        endpoint = self.made(
            "/v1/endpoints",
            {"url": f"{self.url}/inspect/here", "event_types": ["*"], "uid": "here"},
        )
        self.made("/v1/events", {"type": "shop.paid", "data": {}})
        connections = self.listed("connections")
        simulated = next(row["id"] for row in connections if row["provider"] == "simulator")
        told = {"to": "+15550101", "from": "+15550100"}
        self.made(f"/v1/connections/{simulated}/simulate", told)
        httpx.put(
            f"{self.url}/v1/tenants/sacrifice", json={}, headers=self.roles["operator"], timeout=10
        )
        described = {"schema": {"type": "object"}, "example": {}}
        url = f"{self.url}/v1/event-types/shop.described"
        httpx.put(url, json=described, headers=self.full, timeout=10)
        native = {"provider": "native", "name": "Ours", "token": "ours-in-native", "config": {}}
        self.made("/v1/connections", native)
        return {
            "token": ["ours-in-native"],
            "endpoint_id": [endpoint["id"], "here"],
            "connection_id": [simulated],
            "key_id": [self.made("/v1/api-keys", {"name": "sacrifice"})["id"]],
            "tenant_id": ["sacrifice"],
            "name": ["here"],
            "event_type": ["message.sent", "shop.described"],
            "version": ["1"],
            **{
                f"{name}_id": [row["id"] for row in self.listed(plural)]
                for name, plural in (
                    ("message", "messages"), ("event", "events"), ("callback", "callbacks"),
                    ("delivery", "deliveries"), ("attempt", "attempts"),
                )
            },
        }  # fmt: skip

    def listed(self, name: str) -> Any:
        """List something."""
        answer = httpx.get(f"{self.url}/v1/{name}", headers=self.full, timeout=10)
        return answer.json()["data"]


@pytest.fixture(scope="module")
def field(own: Installation) -> Field:
    """The installation of these tests."""
    return Field(own)


def operations(document: Any) -> Iterator[Any]:
    """Return every operation."""
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def tried(field: Field, operation: Any, role: str, mode: GenerationMode) -> Counter[int]:
    """Call an operation with what is thought of; return the statuses of its answers."""
    dice = random.Random(f"{operation.label} {role} {mode}")
    statuses: Counter[int] = Counter()

    @seed(dice.randrange(1 << 32))
    @settings(
        max_examples=SIZES.api_examples, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        if dice.random() < 0.7:
            made_likely(case, field.known, dice)
        response = case.call(base_url=field.url, headers=field.roles[role], timeout=20)
        case.validate_response(response, checks=CHECKS)
        statuses[response.status_code] += 1

    call()
    return statuses


def made_likely(case: Any, known: dict[str, list[str]], dice: random.Random) -> None:
    """Name what there is, and leave out what nobody can make up: else little comes of a call."""
    for name in case.path_parameters or {}:
        if known.get(name):
            case.path_parameters[name] = dice.choice(known[name])
    if case.query:
        case.query = {name: value for name, value in case.query.items() if name == "limit"}
    for name in ("Ringback-Tenant", "Ringback-Mode", "Idempotency-Key"):
        case.headers.pop(name, None)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", ["full", "reader", "operator"])
def test_every_operation_answers_as_described(field: Field, role: str) -> None:
    """No 5xx, and no answer whose status, headers, media type or body the document lacks."""
    done: Counter[int] = Counter()
    well = set()
    for operation in operations(field.document):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.POSITIVE or _can_be_wrong(operation):
                statuses = tried(field, operation, role, mode)
                done += statuses
                if any(status < 300 for status in statuses):
                    well.add(operation.label)
    # Most of what a role may do was also done, so that answers were looked at, not refusals only.
    assert len(well) >= {"full": 20, "reader": 12, "operator": 20}[role], (sorted(well), done)
    assert (403 in done) == (role != "operator")


def _can_be_wrong(operation: Any) -> bool:
    """Say whether there is anything to be got wrong: a body or a query."""
    return bool(list(operation.body) or list(operation.query))


def test_a_wrong_document_is_noticed(field: Field) -> None:
    """The test above can fail: a field that the document lacks is found out."""
    document = json.loads(json.dumps(field.document))
    del document["components"]["schemas"]["EventTypeView"]["properties"]["description"]
    document["components"]["schemas"]["EventTypeView"]["required"] = ["name"]
    wrong = next(each for each in operations(document) if each.path == "/v1/event-types")
    with pytest.raises(FailureGroup):
        tried(field, wrong, "full", GenerationMode.POSITIVE)
