"""Small hand-made batches for the hot functions: what a decision would have written."""

import os
import uuid

from ringback.domain.ids import IdSequence
from ringback.storage.hot import CommitRows, timestamp

TENANT, MODE = 1, 2


class Maker:
    """Makes rows with ids of one moment."""

    def __init__(self, now_ms: int) -> None:
        """Take the moment, the database's."""
        self.now_ms = now_ms
        self.ids = IdSequence(now_ms, os.urandom(10))

    def subject(
        self, rows: CommitRows, subject: uuid.UUID, *, version: int = -1, seen: str = "{1}"
    ) -> int:
        """Add a subject and return its position."""
        rows.subjects.append(
            (subject, TENANT, MODE, 1, version, version + 2, 4, seen, b"data", None)
        )
        return len(rows.subjects)

    def key(self, rows: CommitRows, key: uuid.UUID, subject: int) -> None:
        """Add a new key of a subject."""
        rows.keys.append((key, subject, 0))

    def callback(self, rows: CommitRows, *subjects: int) -> uuid.UUID:
        """Add a raw callback about these subjects."""
        id_ = self.ids.next()
        rows.callbacks.append(
            (id_, TENANT, MODE, 1, timestamp(self.now_ms), "POST", "/in/{token}", "", b"[]", b"{}",
             2, "", 1, None)
        )  # fmt: skip
        rows.about.extend((len(rows.callbacks), subject) for subject in subjects)
        return id_

    def event(self, rows: CommitRows, subject: int, *, once: int = 0, sequence: int = 1) -> int:
        """Add an event about a subject and return its position."""
        rows.events.append(
            (self.ids.next(), TENANT, MODE, "message.sent", subject, once, sequence,
             timestamp(self.now_ms), None, b"body")
        )  # fmt: skip
        return len(rows.events)

    def delivery(
        self, rows: CommitRows, event: int, lane: uuid.UUID, *, endpoint: int = 1, own: bool = True
    ) -> None:
        """Add a delivery; the caller keeps (lane, endpoint, event) in order."""
        rows.deliveries.append((event, endpoint, lane, own, True))

    def story(
        self, subject: uuid.UUID, *, version: int = -1, events: int = 1, endpoint: int = 1
    ) -> CommitRows:
        """Make a whole batch about one subject: callback, events, one delivery for each."""
        rows = CommitRows()
        place = self.subject(rows, subject, version=version)
        self.callback(rows, place)
        for number in range(events):
            event = self.event(rows, place, sequence=number + 1)
            self.delivery(rows, event, subject, endpoint=endpoint)
        return rows
