"""Schemas of tenants: which are taken, what they find, and that hostile ones cost little."""

import time
from typing import Any

import pytest

from ringback.domain.json_schemas import (
    FAULTS_MAX,
    LEVELS_MAX,
    SCHEMA_MAX,
    WEIGHT_MAX,
    WORK_MAX,
    check_schema,
    compiled,
    faults_in,
    work_of,
)
from ringback.errors import Invalid

LINE = {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}
ORDER: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.com/order",
    "type": "object",
    "properties": {
        "order": {"type": "string", "pattern": "^[0-9]{1,10}$"},
        "total": {"type": "number", "minimum": 0},
        "a/b": {"enum": ["x", "y"]},
        "paid_at": {"format": "date-time"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "required": ["order", "total"],
    "additionalProperties": False,
    "$defs": {"line": LINE},
}


def found(schema: Any, data: bytes) -> list[tuple[str, str]]:
    """Check data by a schema."""
    kept = compiled(check_schema(schema, "/schema"))
    return [(fault.pointer, fault.detail) for fault in faults_in(kept, data, "/3/data")]


def test_what_fits_and_what_does_not() -> None:
    """Every fault has its place in the request, and no value of the data is repeated in it."""
    good = b'{"order":"48213","total":1e2,"a/b":"x","lines":[{"sku":"s"}]}'
    assert [] == found(ORDER, good)
    bad = b'{"order":"secret","a/b":"secret","paid_at":"secret","lines":[{}],"more":1}'
    faults = dict(found(ORDER, bad))
    assert {
        "/3/data", "/3/data/order", "/3/data/total", "/3/data/a~1b", "/3/data/paid_at",
        "/3/data/lines/0/sku",
    } == set(faults)  # fmt: skip
    assert "This is required." == faults["/3/data/total"] == faults["/3/data/lines/0/sku"]
    assert "'more' was unexpected" in faults["/3/data"]
    assert "secret" not in str(faults)


def test_faults_are_not_listed_without_end() -> None:
    """Of many a few are named; of very many the first; with alternatives only that it is wrong."""
    items = {"properties": {"a": {"items": {"type": "string"}}}}
    assert FAULTS_MAX == len(found(items, b'{"a":[' + b"1," * 99 + b"1]}"))
    large = b'{"a":[' + b"1," * 99_999 + b"1]}"
    assert ["/3/data/a/0"] == [place for place, _ in found(items, large)]
    assert ["/3/data"] == [place for place, _ in found({"anyOf": [items]}, large)]


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "strng"}, "/schema/type"),
        ({"properties": {"a/b": {"minimum": "1"}}}, "/schema/properties/a~1b/minimum"),
        ({"required": "a"}, "/schema/required"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/schema/$schema"),
        ({"$ref": "https://example.com/x"}, "/schema/$ref"),
        ({"allOf": [{"$ref": "file:///etc/passwd"}]}, "/schema/allOf/0/$ref"),
        ({"$ref": "#/$defs/none"}, "/schema/$ref"),
        ({"$ref": "#"}, "/schema"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "/schema/not"),
        ({"items": {"$id": "x"}}, "/schema/items/$id"),
        ({"items": {"unevaluatedProperties": False}}, "/schema/items/unevaluatedProperties"),
        ({"dependencies": {"a": {"$ref": "#/$defs/b"}}}, "/schema/dependencies"),
        ({"items": {"additionalItems": {}}}, "/schema/items/additionalItems"),
        (
            {"$ref": "#/$defs/a/not", "$defs": {"a": {"$id": "http://x/", "not": {}}}},
            "/schema/$ref",
        ),
        ({"$dynamicRef": "#x"}, "/schema/$dynamicRef"),
        ({"pattern": "(?=a)b"}, "/schema/pattern"),
        ({"pattern": "(a)\\1"}, "/schema/pattern"),
        ({"pattern": "(\\w{1,50}){1,50}"}, "/schema/pattern"),
        ({"patternProperties": {"(": {}}}, "/schema/patternProperties/("),
        ({"description": "x" * SCHEMA_MAX}, "/schema"),
        ({"allOf": [{"type": "object"}] * WEIGHT_MAX}, "/schema"),
        ({"properties": {str(n): {} for n in range(WEIGHT_MAX)}}, "/schema"),
        ({"enum": ["x" * 8000, "y" * 8000]}, "/schema"),
    ],
)
def test_what_is_not_taken(schema: Any, place: str) -> None:
    """What is no schema, reaches out, leads back, or could cost too much, with its place."""
    with pytest.raises(Invalid) as refused:
        check_schema(schema, "/schema")
    assert [place] == [fault.pointer for fault in refused.value.faults]


def test_depth_and_doubling_are_bounded() -> None:
    """Neither many levels nor references that double with each step get through."""
    deep: dict[str, Any] = {}
    for _ in range(LEVELS_MAX + 1):
        deep = {"items": deep}
    doubling: dict[str, Any] = {"$ref": "#/$defs/0", "$defs": {"30": {"type": "integer"}}}
    for n in range(30):
        twice = [{"$ref": f"#/$defs/{n + 1}"}] * 2
        doubling["$defs"][str(n)] = {"allOf": twice}
    for schema in (deep, doubling):
        with pytest.raises(Invalid):
            check_schema(schema, "/schema")


def test_the_work_that_is_allowed_takes_less_than_two_seconds() -> None:
    """The slowest that is known: a pattern on the worst text, checks of every element."""
    text = bytes(b"ab"[bit == "1"] for bit in f"{3**100_000:b}"[:200_000])
    pattern = compiled(check_schema({"properties": {"a": {"pattern": "[ab]*a[ab]{90}c"}}}, ""))
    number = compiled(check_schema({"properties": {"a": {"items": {"allOf": [{}] * 80}}}}, ""))
    for schema, data in (
        (pattern, b'{"a":"' + text + b'"}'),
        (number, b'{"a":[' + b"1," * 110_000 + b"1]}"),
    ):
        assert WORK_MAX / 3 < work_of(schema, data) <= WORK_MAX
        began = time.perf_counter()
        faults_in(schema, data, "")
        assert time.perf_counter() - began < 2
