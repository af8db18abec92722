"""Schemas that tenants write for their own events: taken only if checking by them is bounded.

A schema is weighed before it is taken: how often it looks at a byte of the data at most. Weight
times size is what a check costs, and that has a limit. Nothing is fetched, patterns take linear
time, and what would make the weight unbounded is refused with its place.
"""

from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn
from urllib.parse import unquote

import jsonschema_rs
import msgspec

from ringback.errors import Fault, Invalid

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_MAX = 32 * 1024
LEVELS_MAX = 32
WEIGHT_MAX = 1000
# A compiled pattern, in bytes; and what one weighs: matched at its slowest, it looks at a byte of
# text for about as long as so many plain checks take.
PATTERN_MAX = 8 * 1024
PATTERN_WEIGHT = 60
# Weight times bytes, for all events of a request: about a third of a second.
WORK_MAX = 20_000_000
# Up to so much work every fault is looked for; beyond it only the first.
LISTED_WORK_MAX = 40_000
FAULTS_MAX = 20
COMPILED_KEPT = 256

_ON_THE_SAME = ("allOf", "anyOf", "oneOf")
_ON_THE_SAME_ALONE = ("not", "if", "then", "else")
_REFUSED = {
    "unevaluatedItems": "This has no bound: say it with `items: false`.",
    "unevaluatedProperties": "This has no bound: say it with `additionalProperties: false`.",
    "dependencies": "This is of older drafts: say `dependentSchemas` or `dependentRequired`.",
    "additionalItems": "This is of older drafts: say `items`, after `prefixItems`.",
    "$recursiveRef": 'Refer by pointer: {"$ref": "#/$defs/name"}.',
    "$recursiveAnchor": 'Refer by pointer: {"$ref": "#/$defs/name"}.',
    "$anchor": 'Refer by pointer: {"$ref": "#/$defs/name"}.',
    "$dynamicRef": 'Refer by pointer: {"$ref": "#/$defs/name"}.',
    "$dynamicAnchor": 'Refer by pointer: {"$ref": "#/$defs/name"}.',
}
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=PATTERN_MAX, dfa_size_limit=32 * PATTERN_MAX)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
Node = dict[str, Any]


class Compiled(msgspec.Struct, frozen=True):
    """A schema, ready to check by. `branching`: it has alternatives, each with its own faults."""

    validator: jsonschema_rs.Draft202012Validator
    weight: int
    branching: bool


def check_schema(schema: Node, pointer: str) -> bytes:
    """Check a schema and return it as it is kept; `pointer` is its place in the request.

    Raises:
        Invalid: it is no schema, or one that cannot be taken; every fault with its place.

    """
    text = _encode(schema)
    if len(text) > SCHEMA_MAX:
        raise Invalid(Fault(pointer, f"A schema may have {SCHEMA_MAX} bytes."))
    _weigh(schema, pointer)
    try:
        _validator(schema)
    except jsonschema_rs.ValidationError as error:
        place = pointer + "".join(f"/{_escaped(step)}" for step in error.instance_path)
        raise Invalid(Fault(place, _why(error))) from None
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise Invalid(Fault(pointer, f"{error}."[:300])) from None
    return text


def _why(error: jsonschema_rs.ValidationError) -> str:
    if error.message.endswith('is not a "regex"'):
        return (
            "This pattern cannot be used: no look-around, no references back, and no more than "
            f"{PATTERN_MAX} bytes once it is compiled."
        )
    return f"This is not JSON Schema: {error.message[:200]}."


@lru_cache(COMPILED_KEPT)
def compiled(text: bytes) -> Compiled:
    """Return what checks by a schema that `check_schema` has returned."""
    schema = _decode(text)
    weigher = _weigh(schema, "")
    return Compiled(_validator(schema), weigher.weight, weigher.branching)


def _validator(schema: Node) -> jsonschema_rs.Draft202012Validator:
    own = {name: value for name, value in schema.items() if name != "$id"}
    return jsonschema_rs.Draft202012Validator(
        own, pattern_options=_PATTERNS, mask="The value", validate_formats=True, offline=True
    )


def work_of(schema: Compiled, data: bytes) -> int:
    """Return what checking these bytes costs at most, to be compared with WORK_MAX."""
    return schema.weight * len(data)


def faults_in(schema: Compiled, data: bytes, pointer: str) -> list[Fault]:
    """Check data by a schema; `pointer` is the data's place in the request."""
    value = _decode(data)
    validator = schema.validator
    if validator.is_valid(value):
        return []
    if work_of(schema, data) <= LISTED_WORK_MAX:
        return [
            _fault(error, pointer) for error in islice(validator.iter_errors(value), FAULTS_MAX)
        ]
    if schema.branching:
        # What each alternative lacks would be written down for every element.
        return [Fault(pointer, "It does not fit its type's schema.")]
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return [_fault(error, pointer)]
    return []


def _fault(error: jsonschema_rs.ValidationError, pointer: str) -> Fault:
    path = list(error.instance_path)
    detail = f"{error.message[:300]}."
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        path.append(error.kind.property)
        detail = "This is required."
    return Fault(pointer + "".join(f"/{_escaped(step)}" for step in path), detail)


def _escaped(step: str | int) -> str:
    return str(step)[:128].replace("~", "~0").replace("/", "~1")


def _weigh(schema: Node, pointer: str) -> "_Weigher":
    weigher = _Weigher(schema, pointer)
    weigher.weight = weigher.of(schema, pointer, 0)
    if weigher.weight > WEIGHT_MAX:
        words = (
            f"This schema weighs {weigher.weight}; {WEIGHT_MAX} is the most. Patterns weigh "
            f"{PATTERN_WEIGHT} each, everything else 1; what is referred to weighs each time."
        )
        raise Invalid(Fault(pointer, words))
    return weigher


class _Weigher:
    """Goes through a schema once, and finds how often it looks at a part of the data at most."""

    def __init__(self, root: Node, pointer: str) -> None:
        self.weight = 0
        self.branching = False
        self._root = root
        self._pointer = pointer
        # By the identity of a part: its weight, or None while it is being weighed.
        self._known: dict[int, int | None] = {}

    def of(self, node: Any, place: str, level: int) -> int:
        """Return the weight of a part."""
        if not isinstance(node, dict):
            return 1
        if level > LEVELS_MAX:
            self._refuse(place, f"A schema may have {LEVELS_MAX} levels.")
        if id(node) in self._known:
            known = self._known[id(node)]
            if known is None:
                self._refuse(place, "A schema must not lead back to itself: it would have no end.")
            return known
        self._known[id(node)] = None
        weight = self._of_object(node, place, level + 1)
        self._known[id(node)] = weight
        return weight

    def _of_object(self, node: Node, place: str, level: int) -> int:
        self._look(node, place)

        def one(name: str) -> int:
            return self.of(node[name], f"{place}/{name}", level) if name in node else 0

        def several(name: str) -> list[int]:
            parts = node.get(name)
            if isinstance(parts, dict):
                pairs: list[tuple[Any, Any]] = [*parts.items()]
            elif isinstance(parts, list):
                pairs = [*enumerate(parts)]
            else:
                return []
            return [self.of(part, f"{place}/{name}/{_escaped(key)}", level) for key, part in pairs]

        weight = 1 + self._of_values(node)
        if "$ref" in node:
            weight += self.of(self._target(node["$ref"], place), place, level)
        weight += sum(sum(several(name)) for name in (*_ON_THE_SAME, "dependentSchemas"))
        weight += sum(map(one, _ON_THE_SAME_ALONE))
        # A part of the data is one property and not another, one item and not another.
        patterned = several("patternProperties")
        weight += sum(patterned) + PATTERN_WEIGHT * len(patterned)
        weight += max([*several("properties"), one("additionalProperties")])
        weight += max([*several("prefixItems"), one("items")])
        return weight + one("contains") + one("propertyNames")

    def _of_values(self, node: Node) -> int:
        """Weigh what a part compares with: names, values, a pattern."""
        weight = sum(
            len(node[name])
            for name in ("properties", "required", "dependentRequired", "prefixItems")
            if isinstance(node.get(name), dict | list)
        )
        for name in ("enum", "const"):
            if name in node:
                weight += 1 + len(_encode(node[name])) // 16
        return weight + (PATTERN_WEIGHT if "pattern" in node else 0)

    def _look(self, node: Node, place: str) -> None:
        """Refuse what has no bound or means something outside of this schema."""
        for name, words in _REFUSED.items():
            if name in node:
                self._refuse(f"{place}/{name}", words)
        dialect = node.get("$schema", DIALECT)
        if not isinstance(dialect, str) or dialect.rstrip("#") != DIALECT:
            self._refuse(f"{place}/$schema", f"Write it for draft 2020-12: {DIALECT}")
        if "$id" in node and node is not self._root:
            self._refuse(f"{place}/$id", "Only the whole schema may have an id.")
        self.branching = self.branching or "anyOf" in node or "oneOf" in node

    def _target(self, reference: Any, place: str) -> Any:
        """Find what a reference means within this schema."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            self._refuse(
                f"{place}/$ref", "Nothing is fetched: refer within the schema, `#/$defs/name`."
            )
        found: Any = self._root
        for step in unquote(reference[1:]).split("/")[1:]:
            if isinstance(found, dict) and "$id" in found and found is not self._root:
                # From here on a pointer would mean something else to whoever checks.
                self._refuse(f"{place}/$ref", "It leads through a part with an id of its own.")
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key[:9]) < len(found):
                found = found[int(key[:9])]
            else:
                self._refuse(f"{place}/$ref", "This leads nowhere in the schema.")
        return found

    def _refuse(self, place: str, words: str) -> NoReturn:
        raise Invalid(Fault(place, words))
