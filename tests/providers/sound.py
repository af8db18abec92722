"""What the rest of the program relies on in anything that an adapter reads."""

import json
import time
from typing import get_args

from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback
from ringback.providers.base import Consent, Inbound, Parsed, Provider, ProviderConfig, Report
from ringback.providers.reading import ID_MAX, REFERENCE_MAX
from ringback.providers.recorded import NOW_MS, plain


def assert_sound(parsed: Parsed) -> None:
    """Hold a result to that."""
    assert isinstance(parsed, Parsed)
    told = plain(parsed)
    json.dumps(told, ensure_ascii=False).encode("utf-8")
    assert "\x00" not in "".join(_strings(told))
    for item in parsed.items:
        assert item.key
        assert item.occurred_at is None or 0 <= item.occurred_at < 2**48
        if isinstance(item, Report | Inbound):
            assert 0 < len(item.message_id) <= ID_MAX
            assert len(item.reference or "") <= REFERENCE_MAX
            assert all(len(one or "") <= ID_MAX for one in (item.to, item.from_, item.recipient))
        if isinstance(item, Inbound):
            assert isinstance(item.content["kind"], str)
        if isinstance(item, Consent):
            assert 0 < len(item.address) <= ID_MAX
            assert item.word in get_args(ConsentWord)
    assert all(one.reason and len(one.reason) < 500 for one in parsed.unparsed)


def taken(provider: Provider, config: ProviderConfig, callback: Callback) -> set[type]:
    """Hold all that is done with a genuine callback to its 200; return what kinds it held."""
    verification = provider.verify(callback, config, NOW_MS)
    assert verification.verdict == "ok"
    began = time.thread_time()
    parsed = provider.parse(callback, config)
    reply = provider.reply(callback, config, verification)
    assert time.thread_time() - began < 0.5
    assert reply.status == 200
    assert_sound(parsed)
    return {type(one) for one in (*parsed.items, *parsed.unparsed)}


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []
