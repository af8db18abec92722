"""S3: every parser against spoiled callbacks. Whoever adds a recording has it fuzzed for free."""

import gc
import random
import time
from collections.abc import Iterator

import pytest

from ringback.app import GC_THRESHOLDS
from ringback.domain.http import Callback, HttpResponse
from ringback.providers.base import Provider, ProviderConfig, Verification
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from tests.sizes import FULL, SIZES

from .cases import CASES, config_of
from .mutations import mutated
from .sound import assert_sound

# Of the processor's time: nothing may take longer. `make test` shares its machine, so that it
# only holds them to ten times as much.
BAR_S = 0.05 if SIZES is FULL else 0.5
# What is as large as a body may be is read in a thread; so long it may take there.
LARGEST_BAR_S = 0.4 if SIZES is FULL else 4.0
LARGEST = 4 * 1024 * 1024


@pytest.fixture(autouse=True, scope="module")
def _swept() -> Iterator[None]:
    """Let the collector look as a worker lets it: what the tests hold is no time of a parser's."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def read(
    provider: Provider, callback: Callback, config: ProviderConfig, bar_s: float = BAR_S
) -> None:
    """Read a callback as if its proof were right, and judge its proof: both within the bar."""
    began = time.thread_time()
    parsed = provider.parse(callback, config)
    assert time.thread_time() - began < bar_s
    assert_sound(parsed)
    began = time.thread_time()
    verification = provider.verify(callback, config, NOW_MS)
    assert time.thread_time() - began < bar_s
    assert isinstance(verification, Verification)
    assert verification.verdict in ("ok", "failed", "challenge", "handshake")
    assert isinstance(provider.reply(callback, config, verification), HttpResponse)
    assert isinstance(provider.conceal(callback, config), Callback)


@pytest.mark.parametrize("name", PROVIDERS)
def test_spoiled_callbacks_give_a_typed_result(name: str) -> None:
    """Flipped, cut, doubled, mistyped and nested: no exception, nothing slow, and sound items."""
    dice = random.Random(f"fuzz {name}")
    for case in CASES:
        if case.provider.name == name:
            for _ in range(SIZES.parser_mutations):
                read(case.provider, mutated(case.callback, dice), case.config)


def _bombs() -> list[bytes]:
    wide = b",".join(b'"%d":1' % number for number in range(20_000))
    return [
        b"[" * 200_000, b'{"a":' * 200_000, b"9" * 200_000, b'"' * 200_000, b"\\" * 200_000,
        b"[" + b"{}," * 50_000 + b"{}]", b"{" + wide + b"}", b'["' + b"\\ud800" * 20_000 + b'"]',
        b"a=" * 100_000, b"&" * 200_000, b"a&" * 100_000, b"%41" * 100_000, b"<a>" * 60_000,
        b"<a " + b"b='c' " * 30_000 + b"/>", b"<!DOCTYPE a>" * 10_000, b'"text":"' * 30_000,
        b'{"text":"' + b'"}' * 60_000, b"\x00" * 200_000, b"\xff" * 200_000,
        bytes(range(256)) * 700,
    ]  # fmt: skip


@pytest.mark.parametrize("name", PROVIDERS)
def test_bombs_take_no_time(name: str) -> None:
    """200 KB of brackets, digits, quotes, fields or tags, in the body and, shorter, the query."""
    provider, config = PROVIDERS[name], config_of(PROVIDERS[name])
    for bomb in _bombs():
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/xml"):
            headers = (("Content-Type", kind),)
            read(provider, Callback("POST", "https://h/in/x", headers, bomb), config)
        query = bomb[:8_000].decode("latin-1")
        read(provider, Callback("GET", f"https://h/in/x?{query}", (), b""), config)


def _largest_bombs() -> list[bytes]:
    """Return bodies of 4 MiB: of nothing but one thing, or of as many things as pass the checks."""
    wide = b",".join(b'"%d":1' % number for number in range(260_000))
    status = b'{"id":"w","status":"sent","timestamp":"1772442927","recipient_id":"1555"}'
    sent = b'{"type":"message-sent","to":"+1","message":{"id":"x"}}'
    return [
        b"[" * LARGEST, b'{"a":' * (LARGEST // 5), b"9" * LARGEST, b'"' * LARGEST, b"\\" * LARGEST,
        b"[" + b"{}," * (LARGEST // 3 - 2) + b"{}]", b"[" + b"1," * 260_000 + b"1]",
        b"{" + wide + b"}", b'["' + b"\\ud800" * (LARGEST // 6 - 2) + b'"]',
        b'["' + b"\\ud800a" * 32_000 + b'"]', b'["' + b"a\xff" * (LARGEST // 2 - 2) + b'"]',
        b'{"text":"' + b"\\u00e9" * (LARGEST // 6 - 10) + b'"}',
        b"[" + b'"x",' * 260_000 + b'{"a":' * 500_000,
        b"[" + b",".join([sent] * 70_000) + b"]",
        b'{"entry":[{"changes":[{"field":"messages","value":{"messaging_product":"whatsapp",'
        b'"statuses":[' + b",".join([status] * 32_000) + b"]}}]}]}",
        b"a=&" * (LARGEST // 3), b"%41" * (LARGEST // 3), b"<a>" * (LARGEST // 3),
        b"\x00" * LARGEST,
    ]  # fmt: skip


@pytest.mark.parametrize("name", PROVIDERS if SIZES is FULL else ("whatsapp", "generic"))
def test_the_largest_bombs_take_little(name: str) -> None:
    """4 MiB of them, as much as a body may hold: read in a thread, and still bounded there."""
    provider, config = PROVIDERS[name], config_of(PROVIDERS[name])
    kinds = ("application/json", "application/x-www-form-urlencoded", "text/xml")
    for bomb in _largest_bombs():
        for kind in kinds if SIZES is FULL else kinds[:1]:
            callback = Callback("POST", "https://h/in/x", (("Content-Type", kind),), bomb)
            read(provider, callback, config, LARGEST_BAR_S)
