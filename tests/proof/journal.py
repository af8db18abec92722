"""What the oracle writes down: one line a record, appended before anything else happens.

The client's side is intent and result of everything that is posted; the receiver's side is every
request that came in. The checker reads both; nothing here judges.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

Outcome = Literal["accepted", "error", "unknown"]
# Behaviours whose answer is a whole 2xx: the sender may take the event for delivered.
ANSWERED = frozenset(("ok", "slow", "drip"))


class Intent(msgspec.Struct, frozen=True, tag="intent", omit_defaults=True):
    """Something is about to be posted. `fact` is its name in this log, unique in a run."""

    fact: str
    at: float


class Result(msgspec.Struct, frozen=True, tag="result", omit_defaults=True):
    """What became of a post: accepted (2xx), error (refused or never sent), or unknown.

    `event` is the event's id where the answer names it.
    """

    fact: str
    outcome: Outcome
    at: float
    status: int = 0
    event: str = ""


class Receipt(msgspec.Struct, frozen=True, tag="receipt", omit_defaults=True):
    """A request reached an endpoint. Written before it is answered the way `behaviour` says.

    `id` is the header `webhook-id`, `attempt` the header `ringback-attempt`, `digest` the SHA-256
    of the body, `signed` the verdict on the signature; `fact`, `subject` and `sequence` are what
    the body says. `peer` is the sender's port.
    """

    endpoint: str
    id: str
    at: float
    behaviour: str
    attempt: int = 0
    digest: str = ""
    signed: bool = False
    fact: str = ""
    subject: str = ""
    sequence: int = 0
    peer: int = 0

    @property
    def answered(self) -> bool:
        """Whether it was answered with a whole 2xx."""
        return self.behaviour in ANSWERED


Record = Intent | Result | Receipt
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class Journal:
    """An append-only file of records; each is one write, so that no line is ever torn."""

    def __init__(self, path: Path) -> None:
        """Open the file for appending."""
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, record: Record) -> None:
        """Append a record; it is in the file when this returns."""
        os.write(self._file, _encode(record) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read(path: Path) -> list[Record]:
    """Read all records of a journal, in the order in which they were written."""
    if not path.exists():
        return []
    return [_decode(line) for line in path.read_bytes().splitlines(keepends=True) if line[-1] == 10]
