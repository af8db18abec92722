"""T10 and T11: hostile XML and forms, genuinely signed, at every provider: nothing comes of them.

Whatever an adapter reads, a document type is never one: its body is unparsed, answered as usual,
and nothing is resolved, opened or fetched. Nor does a body of a million fields cost any time.
"""

import sys
import time
from pathlib import Path

import pytest

from ringback.domain.http import Callback, HttpRequest
from ringback.providers.base import Parsed, Provider, ProviderConfig
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS

from .cases import arrived, config_of, raw_config
from .mapped import report

# Ten times what the slowest body may take, of the processor: tests share their machine.
SLOWEST_S = 0.5
URL = "https://hooks.example/in/a-token-of-22-characters"
CANARY = "canary-3f9d"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary="
_OPENED: list[str] = []
_WATCHING: list[bool] = [False]


def _watch(event: str, details: tuple[object, ...]) -> None:
    if _WATCHING[0]:
        _OPENED.append(f"{event} {details[:1]}")


sys.addaudithook(_watch)


def _readers() -> dict[str, tuple[Provider, ProviderConfig]]:
    """Every provider as its recordings have it, and `generic` with mappings of XML and of forms."""
    found = {
        name: (provider, config_of(provider))
        for name, provider in PROVIDERS.items()
        if not provider.keyed
    }
    generic = PROVIDERS["generic"]
    for name, fields in (
        ("generic of XML", {"message_id": "/MSG/REF", "status": "/MSG/STATE"}),
        ("generic of forms", {"message_id": "form:id", "status": "form:status"}),
    ):
        mapping = {"rules": [report(fields)]}
        found[name] = (
            generic,
            load_config(generic.Config, {**raw_config(generic), "mapping": mapping}),
        )
    return found


READERS = _readers()
by_reader = pytest.mark.parametrize("name", READERS)


def read(name: str, body: bytes, kind: str) -> Parsed:
    """Take a body the whole way, in time and opening nothing: signed, verified, parsed, answered.

    Who signs what a form says may refuse one that is none.
    """
    provider, config = READERS[name]
    request = HttpRequest("POST", URL, (("Content-Type", kind),), body)
    callback: Callback = arrived(provider.authenticate(request, config, NOW_MS))
    provider.parse(callback, config)  # What is imported or compiled at first does not count.
    _OPENED.clear()
    began = time.thread_time()
    _WATCHING[0] = True
    try:
        verification = provider.verify(callback, config, NOW_MS)
        parsed = provider.parse(callback, config)
        reply = provider.reply(callback, config, verification)
    finally:
        _WATCHING[0] = False
    assert time.thread_time() - began < SLOWEST_S
    assert _OPENED == []
    assert (verification.verdict, reply.status // 100) in (("ok", 2), ("failed", 4))
    assert verification.verdict == "ok" or kind.startswith((FORM, PARTS))
    return parsed


def _documents(file: Path) -> list[bytes]:
    """Write documents whose types name a file, an address or a bomb, in all the usual ways."""
    targets = [
        f"file://{file}", str(file), f"file:{file}", f"FILE://localhost{file}",
        "http://127.0.0.1:9/x", "https://127.0.0.1:9/x", "ftp://127.0.0.1:9/x", "//127.0.0.1:9/x",
        "gopher://127.0.0.1:9/_x", "jar:file:///x.zip!/y", "netdoc:///etc/passwd", "expect://id",
        "php://filter/convert.base64-encode/resource=/etc/passwd", "data:text/plain,boo",
        "ldap://127.0.0.1:9/x", "dict://127.0.0.1:9/x", "\\\\127.0.0.1\\x\\y", "/dev/random",
    ]  # fmt: skip
    shapes = [
        '<!DOCTYPE MSG SYSTEM "{0}"><MSG>{1}</MSG>',
        '<!DOCTYPE MSG PUBLIC "-//A//B" "{0}"><MSG>{1}</MSG>',
        '<!DOCTYPE MSG [<!ENTITY b SYSTEM "{0}">]><MSG><REF>&b;</REF>{1}</MSG>',
        '<!DOCTYPE MSG [<!ENTITY b PUBLIC "x" "{0}">]><MSG STATE="&b;">{1}</MSG>',
        '<!DOCTYPE MSG [<!ENTITY % b SYSTEM "{0}"> %b;]><MSG>{1}</MSG>',
        '<!DOCTYPE MSG [<!NOTATION n SYSTEM "{0}"><!ENTITY b SYSTEM "{0}" NDATA n>]><MSG>{1}</MSG>',
        "<!DOCTYPE MSG [<!ENTITY % a \"<!ENTITY &#37; b SYSTEM '{0}'>\"> %a; %b;]><MSG>{1}</MSG>",
    ]
    rest = "<REF>1</REF><STATE>DELIVRD</STATE>"
    made = [shape.format(one, rest).encode() for shape in shapes for one in targets]
    chain = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    long, many = "x" * 100_000, "&b;" * 10_000
    types = [
        f'[<!ENTITY e0 "x">{chain}]><MSG><REF>&e11;</REF>',
        f'[<!ENTITY b "{long}">]><MSG><REF>{many}</REF>',
        "[" + "<!ENTITY b SYSTEM 'x'>" * 5_000 + "]><MSG>",
        "[<!ATTLIST MSG " + "a CDATA 'x' " * 5_000 + ">]><MSG>",
        "[<!ELEMENT MSG " + "(" * 20_000 + "a" + ")" * 20_000 + ">]><MSG>",
        " " * 100_000 + "><MSG>",
    ]
    made += [f"<!DOCTYPE MSG {one}{rest}</MSG>".encode() for one in types]
    return made + [made[2].decode().encode(charset) for charset in ("utf-16", "utf-8-sig")]


@by_reader
def test_a_document_type_is_never_read(name: str, tmp_path: Path) -> None:
    """More than 130 documents with types, of every scheme, shape and charset: 2xx, unparsed."""
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    for body in _documents(secret):
        parsed = read(name, body, "text/xml")
        assert CANARY not in repr(parsed)
        # Without a mapping `generic` reads nothing: it passes the text on as it came.
        if name != "generic":
            assert (parsed.items, len(parsed.unparsed)) == ((), 1), body[:200]


@by_reader
def test_nothing_that_xml_names_elsewhere_is_fetched(name: str, tmp_path: Path) -> None:
    """Inclusions, style sheets and schema locations are text like any other."""
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    for shape in (
        '<MSG xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{}" parse="text"/></MSG>',
        '<?xml-stylesheet type="text/xsl" href="{}"?><MSG><REF>1</REF></MSG>',
        '<MSG xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x {}"/>',
        '<MSG xml:base="{}"><REF>1</REF></MSG>',
    ):
        parsed = read(name, shape.format(f"file://{secret}").encode(), "application/xml")
        assert CANARY not in repr(parsed)


FORMS = {
    "a million fields": (b"a=b&" * 1_000_000, FORM),
    "a million empty fields": (b"&" * 4_000_000, FORM),
    "one field more than a form may have": (b"a=1&" * 999 + b"id=1&status=SENT", FORM),
    "a megabyte of escapes": (b"id=" + b"%41" * 350_000, FORM),
    "one name of a megabyte": (b"n" * 1_048_576 + b"=1", FORM),
    "a hundred thousand parts": (
        b'--b\r\nContent-Disposition: form-data; name="id"\r\n\r\n1\r\n' * 60_000 + b"--b--",
        f"{PARTS}b",
    ),
    "a boundary that is everywhere": (b"\r\n--" * 900_000, f"{PARTS}-"),
    "a boundary of a megabyte": (b"--b--", PARTS + "b" * 10_000),
    "a multipart that never ends": (b"--b\r\n" + b"x" * 4_000_000, f"{PARTS}b"),
    "a head that never ends": (b"--b\r\n" + b"A: b\r\n" * 600_000, f"{PARTS}b"),
}  # fmt: skip


@by_reader
@pytest.mark.parametrize("form", FORMS)
def test_a_form_beyond_the_limits_costs_nothing(name: str, form: str) -> None:
    """It is no form: stored and answered like the rest, in time, and nobody's status changes."""
    body, kind = FORMS[form]
    parsed = read(name, body, kind)
    if name != "generic":
        assert not any(type(item).__name__ == "Report" for item in parsed.items)
        assert parsed.unparsed or all(type(one).__name__ == "Unrecognised" for one in parsed.items)


def test_what_is_tried_here_is_what_is_read() -> None:
    """Without their type and their excess the same document and form are reports."""
    document = b"<MSG><REF>1</REF><STATE>DELIVRD</STATE></MSG>"
    for name, body, kind in (
        ("generic of XML", document, "text/xml"),
        ("generic of forms", b"a=1&" * 998 + b"id=1&status=SENT", FORM),
    ):
        (item,) = read(name, body, kind).items
        assert type(item).__name__ == "Report"
