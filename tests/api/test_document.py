"""The OpenAPI document: complete, sound in itself, and true."""

from collections.abc import Iterator
from typing import Any

import ringback
from ringback.api.problems import CODES
from ringback.domain.scopes import OPERATIONS, SCOPES
from tests.api.house import KEY, OPERATOR_KEY, House, Json


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Return each operation with its name for people."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


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
        assert [["key"]] == [list(way) for way in operation["security"]], name
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                plain = ["text/plain"] if status in {"408", "414"} else []
                assert ["application/problem+json", *plain] == list(answer["content"]), name
    assert (
        list(CODES)
        == document["components"]["schemas"]["ProblemBody"]["properties"]["code"]["enum"]
    )
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_there_are_no_pages_that_load_from_elsewhere(house: House) -> None:
    """FastAPI's own documentation pages fetch scripts from the internet: they are off."""
    for path in ("/docs", "/redoc"):
        assert 404 == (await house.call("GET", path)).status_code


async def test_answers_are_as_documented(house: House) -> None:
    """The rows of each list have the fields that the document says, and no others."""
    await house.hear("m1", "sent", "failed")
    await house.delivered(2)
    await house.post("/v1/endpoints", {"url": "https://example.com/", "event_types": ["call.*"]})
    tried = 0
    document = await house.get("/openapi.json", key=None)
    for name, operation in operations(document):
        method, _, path = name.partition(" ")
        if method != "GET" or "{" in path or "/v1/" not in path:
            continue
        operators = SCOPES[OPERATIONS[operation["operationId"]]].operator
        body = await house.get(path, key=OPERATOR_KEY if operators else KEY)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        row = _row_schema(document, schema)
        assert body["data"], name
        tried += 1
        for shown in body["data"]:
            assert set(row["required"]) <= set(shown), name
            if not row.get("additionalProperties", True):
                assert set(shown) <= set(row["properties"]), name
    assert tried >= 11


def _row_schema(document: Json, schema: Json) -> Json:
    schemas: Json = document["components"]["schemas"]
    page = schemas[schema["$ref"].rpartition("/")[2]]
    row: Json = schemas[page["properties"]["data"]["items"]["$ref"].rpartition("/")[2]]
    return row
