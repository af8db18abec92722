"""T02: what verifies is held by tests to its last condition: every mutant of it is noticed.

"Computed but not compared" is such a mutant. The killers are the tests of signatures themselves,
run on the mutant; one that is taken for the original fails this test by name.
"""

import itertools
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType
from typing import Any

import pytest

from ringback.providers import (
    bandwidth,
    bandwidth_toll_free,
    generic,
    generic_handshakes,
    generic_proofs,
    linkmobility,
    native,
    proofs,
    query_proof,
    simulator,
    smsportal,
    smsportal_proofs,
    twilio,
    twilio_forms,
    twilio_proof,
    whatsapp,
)
from ringback.providers.base import Provider
from ringback.providers.registry import PROVIDERS
from tests.sizes import SIZES

from . import (
    test_bandwidth_toll_free,
    test_contract,
    test_generic_handshakes,
    test_generic_proofs,
    test_generic_signatures,
    test_linkmobility,
    test_query_proof,
    test_smsportal,
    test_twilio_verify,
    test_verify,
    test_verify_edges,
)
from .cases import CASES
from .mutants import Mutant, mutants

MUTANTS: dict[str, list[Mutant]] = {
    "twilio": [
        *mutants(
            twilio_proof, "verify", "_signature_fault", "_algorithm", "_key", "_covered",
            "_covered_json", "_verify_credentials", "signature", "is_json", "is_form",
            "spellings", "carries", "basic",
        ),
        *mutants(twilio_forms, "pairs"),
        *mutants(twilio, "Twilio.verify"),
    ],
    "smsportal": [
        *mutants(smsportal_proofs, "verify", "_signed", "_shared", "_mac", "_decoded"),
        *mutants(smsportal, "SmsPortal.verify"),
    ],
    "whatsapp": mutants(
        whatsapp, "WhatsApp.verify", "_signature", "_handshake", "_verify_handshake"
    ),
    "bandwidth": [
        *mutants(bandwidth, "Bandwidth.verify", "_credentials"),
        *mutants(bandwidth_toll_free, "fault", "signature", "_canonical"),
    ],
    "generic": [
        *mutants(
            generic_proofs, "verify", "_verify_hmac", "_timestamp", "_mac", "_decoded", "_unbase64",
            "_verify_basic", "_verify_bearer", "_verify_api_key", "_authorization", "_among",
            "_known",
        ),
        *mutants(proofs, "failed", "only", "octets", "by_url_token", "same"),
        *mutants(generic, "Generic.verify"),
        *mutants(generic_handshakes, "verify", "reply", "_one", "_text"),
    ],
    "linkmobility": mutants(linkmobility, "LinkMobility.verify"),
    "pswin": [
        *mutants(query_proof, "given", "verify", "into", "authenticate"),
        *mutants(query_proof, "ProvedByQuery.verify", "ProvedByQuery.authenticate"),
    ],
    "simulator": mutants(simulator, "Simulator.verify", "_signature"),
    "native": mutants(native, "Native.verify"),
}  # fmt: skip


def of_its_file(adapter: type[Provider]) -> list[Mutant]:
    """Make the mutants of an adapter's `verify`, and of the functions of its file that it calls."""
    module = sys.modules[adapter.__module__]
    called = [
        name
        for name in adapter.verify.__code__.co_names
        if getattr(vars(module).get(name), "__module__", "") == module.__name__
        and isinstance(vars(module)[name], FunctionType)
    ]
    return mutants(module, f"{adapter.__name__}.verify", *called)


_LISTED = {one.function for found in MUTANTS.values() for one in found}
MUTANTS |= {
    name: of_its_file(type(provider))
    for name, provider in PROVIDERS.items()
    if type(provider).verify not in _LISTED and "verify" in vars(type(provider))
}
_PADDED = "what is padded already needs no more, and what is padded wrongly is not canonical"
_CANONICAL = "what is decoded more freely is held to the one right spelling below"
# Mutants that behave as the original does, and why.
ALIKE: dict[str, str] = {
    "whatsapp._handshake: `True` → `False`": "a blank parameter is refused as a missing one is",
    "query_proof.given: `if PARAMETER not in callback.url:\n    return []` → "
    "`if False:\n    return []`": "what is looked for in vain is not found either",
    "generic_handshakes.verify: `handshake.token or ''` → `handshake.token`": "for types alone",
    "generic_handshakes.reply: `_one(callback, handshake.parameter) or ''` → "
    "`_one(callback, handshake.parameter)`": "for types alone: what is answered has one",
    "generic_handshakes._text: `body.decode('latin-1') if len(body) <= VALUE_MAX else ''` → "
    "`body.decode('latin-1')`": "a longer text is not signable; it costs time",
    "generic_proofs._verify_hmac: `0` → `1`": "the time of a scheme without one is not looked at",
    "generic_proofs._verify_hmac: `0` → `-1`": "the time of a scheme without one is not looked at",
    "generic_proofs._timestamp: `'milliseconds'` → `'millisecondsx'`": "a text",
    "generic_proofs._unbase64: `urlsafe and '=' not in text` → `urlsafe`": _PADDED,
    "generic_proofs._unbase64: `'='` → `'=x'`": _PADDED,
    "generic_proofs._unbase64: `b'-_' if urlsafe else None` → `b'-_'`": _CANONICAL,
    "generic_proofs._unbase64: `True` → `False`": _CANONICAL,
}


def runs(test: Callable[..., None]) -> Iterator[partial[None]]:
    """Yield the runs of a test, one for each of its parameters."""
    axes = []
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            names, values = mark.args[0], mark.args[1]
            listed = (
                [name.strip() for name in names.split(",")] if isinstance(names, str) else names
            )
            one = len(listed) == 1
            axes.append([dict(zip(listed, (v,) if one else v, strict=True)) for v in values])
    for chosen in itertools.product(*axes):
        arguments: dict[str, Any] = {}
        for part in chosen:
            arguments |= part
        yield partial(test, **arguments)


# Whose tests are in files of their own; those of `test_verify` are run for every provider.
TESTS: dict[str, list[Any]] = {
    "twilio": [test_twilio_verify, test_verify_edges],
    "whatsapp": [test_verify_edges],
    "bandwidth": [test_verify_edges, test_bandwidth_toll_free],
    "generic": [
        test_generic_handshakes,
        test_generic_signatures,
        test_generic_proofs,
        test_query_proof,
    ],
    "smsportal": [test_smsportal],
    "linkmobility": [test_linkmobility],
    "pswin": [test_query_proof, test_linkmobility],
}


def killers(name: str) -> list[Callable[[], None]]:
    """Return what is run on a mutant of a provider's, the quickest first."""
    found: list[Callable[[], None]] = [
        partial(test_contract.test_every_recording_reads_as_its_golden, case)
        for case in CASES
        if case.provider.name == name
    ]
    for tests in [*TESTS.get(name, []), test_verify]:
        for title, test in vars(tests).items():
            if title.startswith("test_") and callable(test):
                for run in runs(test):
                    about = [getattr(one, "case", one) for one in run.keywords.values()]
                    about = [getattr(one, "provider", one) for one in about]
                    names = {getattr(one, "name", name) for one in about}
                    if tests is not test_verify or names <= {name}:
                        found.append(run)
    return found


def noticed(mutant: Mutant, found: list[Callable[[], None]]) -> bool:
    """Say whether one of these fails on the mutant; the one that does comes first from then on."""
    with mutant.in_place():
        for place, run in enumerate(found):
            try:
                run()
            except (Exception, pytest.fail.Exception):
                found.insert(0, found.pop(place))
                return True
    return False


def test_every_provider_is_looked_at() -> None:
    """Whoever adds one adds what verifies in it to the mutants."""
    looked_at = {one.function for found in MUTANTS.values() for one in found}
    verifying = {name: type(provider).verify for name, provider in PROVIDERS.items()}
    assert [] == [name for name, verify in verifying.items() if verify not in looked_at]


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_of_what_verifies_is_noticed(name: str) -> None:
    """100 % of them: a sample in the small size, all of them in full."""
    dice = random.Random(2)
    share = SIZES.verify_mutants // len(MUTANTS)
    chosen = [one for one in MUTANTS[name] if str(one) not in ALIKE]
    chosen = dice.sample(chosen, min(share, len(chosen)))
    found = killers(name)
    for run in found[:5]:
        run()
    assert [str(one) for one in chosen if not noticed(one, found)] == []
