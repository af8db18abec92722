"""The OpenAPI document: complete, sound in itself, and true."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from openapi_spec_validator import OpenAPIV31SpecValidator

import ringback
from ringback.api.problems import CODES
from ringback.domain.event_examples import example
from ringback.domain.event_types import CATALOGUE
from ringback.domain.scopes import OPERATIONS, SCOPES
from tests.api.house import KEY, NEEDED, OPERATOR_KEY, House, Json
from tests.api.test_suppressions import said, wish


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Return each operation with its name for people."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


# Lists that have nothing unless somebody signs in.
EMPTY = ("GET /v1/sessions", "GET /v1/people")
# Past the framework, where keys alone are read; and what makes a session of nothing.
BY_KEY_ALONE = ("publish_events", "post_native")
BY_NOTHING = ("create_session",)


def ways(operation: Json) -> list[list[str]]:
    """Return how an operation knows who asks: by a key or a session."""
    if operation["operationId"] in BY_NOTHING:
        return []
    return [["key"]] if operation["operationId"] in BY_KEY_ALONE else [["key"], ["session"]]


def references(node: Any) -> Iterator[str]:
    """Return every reference in a document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


async def test_it_is_complete_and_sound(house: House) -> None:
    """Titled, versioned, every reference leads somewhere, every operation has one name."""
    document = await house.get("/openapi.json", key=None)
    assert ("3.1.0", "Ringback", ringback.__version__) == (
        document["openapi"], document["info"]["title"], document["info"]["version"],
    )  # fmt: skip
    schemas = document["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(document)} <= set(schemas)
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] in ("path", "query", "header"), name


async def test_errors_are_problems_in_the_document_too(house: House) -> None:
    """Each error of a route under /v1 has the problem's media type, and the codes are listed."""
    document = await house.get("/openapi.json", key=None)
    for name, operation in operations(document):
        if "/v1/" not in name:
            continue
        assert ways(operation) == [list(way) for way in operation["security"]], name
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                plain = ["text/plain"] if status in {"408", "414"} else []
                assert ["application/problem+json", *plain] == list(answer["content"]), name
    assert (
        list(CODES)
        == document["components"]["schemas"]["ProblemBody"]["properties"]["code"]["enum"]
    )
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_it_is_a_document_of_openapi(house: House) -> None:
    """A validator of others' finds nothing wrong with it."""
    document = await house.get("/openapi.json", key=None)
    assert [] == [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()]


async def test_every_event_is_a_webhook(house: House) -> None:
    """Each type has its schema by reference, an example, the headers and what may be answered."""
    document = await house.get("/openapi.json", key=None)
    assert list(CATALOGUE) == list(document["webhooks"])
    for type_, methods in document["webhooks"].items():
        webhook = methods["post"]
        content = webhook["requestBody"]["content"]["application/json"]
        assert f"#/components/schemas/{type_}" == content["schema"]["$ref"]
        assert json.loads(example(type_)) == content["example"]
        assert {"2XX", "410", "4XX", "5XX"} == set(webhook["responses"])
        assert {"webhook-id", "webhook-timestamp", "webhook-signature", "ringback-attempt"} == {
            header["name"] for header in webhook["parameters"]
        }


async def test_every_example_fits_its_schema(house: House) -> None:
    """Each JSON body that is asked for, answered or sent as an event has an example that fits."""
    document = await house.get("/openapi.json", key=None)
    tried = 0
    for name, operation in [*operations(document), *operations({"paths": document["webhooks"]})]:
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            content = body.get("content", {}).get("application/json")
            if content is not None:
                whole = {"components": document["components"], **content["schema"]}
                errors = jsonschema_rs.Draft202012Validator(whole).iter_errors(content["example"])
                assert [] == [error.message for error in errors], name
                tried += 1
    assert tried >= 80


async def test_answers_are_as_documented(house: House) -> None:
    """The rows of each list have the fields that the document says, and no others."""
    await house.hear("m1", "sent", "failed")
    await house.delivered(2)
    await house.post("/v1/endpoints", {"url": "https://example.com/", "event_types": ["call.*"]})
    await said(house, wish("opted_out"))
    tried = 0
    document = await house.get("/openapi.json", key=None)
    for name, operation in operations(document):
        method, _, path = name.partition(" ")
        if method != "GET" or "{" in path or "/v1/" not in path:
            continue
        operators = SCOPES[OPERATIONS[operation["operationId"]]].operator
        key = OPERATOR_KEY if operators else KEY
        body = await house.get(path, key=key, **NEEDED.get(path, {}))
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        row = _row_schema(document, schema)
        if row is None:
            continue
        assert body["data"] or name in EMPTY, name
        tried += 1
        for shown in body["data"]:
            assert set(row["required"]) <= set(shown), name
            if not row.get("additionalProperties", True):
                assert set(shown) <= set(row["properties"]), name
    assert tried >= 11


def _row_schema(document: Json, schema: Json) -> Json | None:
    """Return the schema of a list's rows; None for what is no list."""
    schemas: Json = document["components"]["schemas"]
    page = schemas[schema["$ref"].rpartition("/")[2]]
    if "data" not in page["properties"]:
        return None
    row: Json = schemas[page["properties"]["data"]["items"]["$ref"].rpartition("/")[2]]
    return row
