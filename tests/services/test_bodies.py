"""What a worker remembers of events that wait behind others."""

import uuid

from ringback.services.record import CACHE_BYTES, Bodies

MIB = 1024 * 1024


def test_remembered_bodies_are_bounded() -> None:
    """The oldest are forgotten beyond 32 MiB; one that is kept already counts once."""
    kept = Bodies()
    ids = [uuid.UUID(int=number) for number in range(40)]
    for id_ in ids:
        for _ in range(3):
            kept.keep(id_, bytes(MIB))
    most = CACHE_BYTES // MIB
    assert 32 == most
    assert [id_ for id_ in ids if kept.get(id_) is not None] == ids[-most:]
    kept.keep(uuid.UUID(int=99), bytes(CACHE_BYTES))
    assert [kept.get(id_) for id_ in ids] == [None] * 40
    assert kept.get(uuid.UUID(int=99)) is not None
    kept.keep(uuid.UUID(int=100), bytes(CACHE_BYTES + 1))
    assert kept.get(uuid.UUID(int=100)) is None
    kept.keep(ids[0], b"{}")
    assert b"{}" == kept.get(ids[0])
