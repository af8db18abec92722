"""Whether a process of this host is still the one it was."""

from ringback.services.same_host import Identity, gone, this_process


def test_a_process_is_told_by_its_start() -> None:
    """It lives; with another start its id is another's; an unknown start tells nothing."""
    me = this_process()
    assert 0 < me.start
    assert not gone(me)
    assert gone(me._replace(start=me.start + 1))
    assert not gone(me._replace(start=0.0))
    assert gone(Identity(me.boot_id, 1 << 30, me.start))
