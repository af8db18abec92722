"""Examples of bodies for the document, put together from the examples of their fields."""

from typing import Any

_PLAIN: dict[str, Any] = {
    "string": "text", "integer": 1, "number": 1.0, "boolean": True, "object": {}, "array": [],
    "null": None,
}  # fmt: skip
_TIME = "2026-03-02T15:01:22.646Z"
_DEEP = 6
Schema = dict[str, Any]


def add_examples(document: dict[str, Any]) -> None:
    """Give every JSON body that is asked for or answered an example; problems are alike."""
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            asked = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if asked is not None:
                asked["example"] = example(asked["schema"], schemas, whole=False)
            for answer in operation["responses"].values():
                told = answer.get("content", {}).get("application/json")
                if told is not None:
                    told["example"] = example(told["schema"], schemas)


def example(
    schema: Schema, schemas: dict[str, Schema], *, whole: bool = True, depth: int = _DEEP
) -> Any:
    """Put an example together.

    With `whole` an object has all its fields; without, those that are needed or have examples.
    """
    if "$ref" in schema:
        named = schemas[schema["$ref"].rpartition("/")[2]]
        return example(named, schemas, whole=whole, depth=depth - 1)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "default" in schema and (whole or not _shown(schema)):
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    ways = _ways(schema)
    if ways:
        return example(ways[0], schemas, whole=whole, depth=depth)
    if "prefixItems" in schema:
        return [example(one, schemas, whole=whole, depth=depth) for one in schema["prefixItems"]]
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return [example(items, schemas, whole=whole, depth=depth - 1)] if depth > 0 else []
    if "properties" in schema:
        needed = schema.get("required", ())
        return {
            name: example(field, schemas, whole=whole, depth=depth - 1)
            for name, field in schema["properties"].items()
            if whole or name in needed or _shown(field)
        }
    if schema.get("format") == "date-time":
        return _TIME
    return _PLAIN.get(schema.get("type", "object"), {})


def _ways(schema: Schema) -> list[Schema]:
    """Return what a value may be, but for null."""
    ways = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return [way for way in ways if way.get("type") != "null"]


def _shown(schema: Schema) -> bool:
    """Say whether a field has an example of its own."""
    return "examples" in schema or any("examples" in way for way in _ways(schema))
