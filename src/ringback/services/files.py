"""The files of an inbound message while it is being stored: ids, signed links, work to fetch them.

Pure: the rows are part of the batch that stores the message, so that no file is forgotten.
"""

import msgspec

from ringback.domain import media
from ringback.domain.endpoints import Connection
from ringback.domain.ids import show
from ringback.providers.base import Inbound
from ringback.services.batch import Batch, Subject

_encode = msgspec.json.Encoder().encode


def with_links(batch: Batch, subject: Subject, item: Inbound, connection: Connection) -> Inbound:
    """Return the message with an id and a link beside each of its files; note them as work.

    Only the first ten are fetched.
    """
    entries = item.content.get("media")
    if not isinstance(entries, list) or not entries:
        return item
    until_s = batch.now_ms // 1000 + media.LINK_S
    snapshot = batch.snapshot
    linked = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict) or place >= media.PER_MESSAGE_MAX:
            linked.append(entry)
            continue
        file = batch.ids.next()
        link = media.link(snapshot.base_url, snapshot.hash_key, file, until_s)
        batch.rows.media.append((file, subject.index, place, connection.no, _encode(entry)))
        linked.append({**entry, "file": show("med", file), "link": link})
    return msgspec.structs.replace(item, content={**item.content, "media": linked})
