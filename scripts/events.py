"""Write docs/events.md anew from the catalogue in the code: `python -m scripts.events`."""

from itertools import groupby
from pathlib import Path

import msgspec

from ringback.domain.event_examples import example
from ringback.domain.event_schemas import schema_path, versions
from ringback.domain.event_types import CATALOGUE

PAGE = Path(__file__).parents[1] / "docs" / "events.md"
_SHOWN = ("message.delivered", "message.received", "endpoint.delivery_exhausted")
_HEAD = """\
# Event types

Written from the catalogue in [domain/event_types.py](../src/ringback/domain/event_types.py) by
`make docs`. Endpoints choose among these by whole types, families such as `message.*`, or `*`.

Types without a mark are emitted by this version. Those marked ○ are not yet: endpoints may
subscribe to them already, and their schemas may still change.

## Schemas and examples

Every type has a JSON Schema of the whole event, draft 2020-12, at
`/schemas/{type}/v{n}`; `/schemas/{type}` leads to the newest. No key is needed, and a schema may
be kept (`ETag`, a day). A version may get further fields, so let pass what you do not know; a field
that goes or means something else makes the next version.

```bash
curl -sSL "$RINGBACK_URL/schemas/message.delivered"
```

The page at `/docs` shows all of the API, to read and to try out; the document behind it is at
`/openapi.json` (OpenAPI 3.1). `GET /v1/event-types` lists the types;
`GET /v1/event-types/{name}` shows one with an example. In the document every type stands under
`webhooks`, with its headers and its schema.

## The types

"""
_EXAMPLES = """
## Examples

What the rest of the fields mean is on the page about [messages](messages.md#the-event). Types of
the families `alert`, `automation`, `connection`, `endpoint` and `trigger` have the envelope of
[published events](publishing.md): `subject`, `sequence` and `received_at` beside `data`.
"""


def page() -> str:
    """Return the page as the code has it."""
    return _HEAD + "\n".join(_families()) + _EXAMPLES + "".join(map(_example, _SHOWN))


def _families() -> list[str]:
    families = groupby(CATALOGUE.values(), key=lambda type_: type_.name.partition(".")[0])
    return [
        f"### {family}\n\n| type | | what it means | schema |\n|---|---|---|---|\n"
        + "".join(
            f"| `{one.name}` | {'' if one.emitted else '○'} | {one.description} | "
            f"`{schema_path(one.name, versions(one.name)[-1])}` |\n"
            for one in types
        )
        for family, types in families
    ]


def _example(type_: str) -> str:
    body = msgspec.json.format(example(type_), indent=2).decode()
    return f"\n### An example of {type_}\n\n```json\n{body}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
