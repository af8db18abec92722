"""Samples: callbacks that have not come in, written down to try a mapping on."""

from typing import Annotated

from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import Caller
from ringback.domain.http import Callback
from ringback.domain.roles import REVEAL
from ringback.services.mapping_trials import SAMPLES_MAX, Sample

BODY_MAX = 65_536
QUERY_MAX = 4096
HEADERS_MAX = 32
_TYPE_MAX = 256
_HOST = "https://hooks.example.com/in/sample"


class SampleAsked(Asked):
    """A callback that has not come in: what would be posted."""

    method: str = Field(default="POST", max_length=16, examples=["POST"])
    query: str = Field(default="", max_length=QUERY_MAX, description="Without its question mark.")
    content_type: str = Field(default="application/json", max_length=_TYPE_MAX)
    headers: dict[str, str] = Field(default={}, max_length=HEADERS_MAX)
    body: str = Field(default="", max_length=BODY_MAX, examples=['{"id": 7, "state": "DELIVRD"}'])


Samples = Annotated[
    list[SampleAsked],
    Field(max_length=SAMPLES_MAX, description="Callbacks that have not come in, as they would."),
]


def sample_of(asked: SampleAsked) -> Sample:
    """Make a callback of what would be posted."""
    typed = (("Content-Type", asked.content_type),) if asked.content_type else ()
    url = f"{_HOST}?{asked.query}" if asked.query else _HOST
    octets = asked.body.encode("utf-8", "surrogatepass")
    return Sample(Callback(asked.method.upper(), url, (*typed, *asked.headers.items()), octets))


def may_ask(caller: Caller) -> bool:
    """Say whether somebody may have callbacks that were kept read by a mapping of their own."""
    return caller.asker.may("callbacks:read") and (
        not caller.asker.masked or caller.asker.may(REVEAL)
    )
