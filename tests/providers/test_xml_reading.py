"""T10: XML is read within limits, and nothing in it is ever resolved, opened or fetched."""

import sys
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.providers import xml_reading
from ringback.providers.xml_reading import Element, XmlError

# Ten times what the slowest body may take, of the processor: tests share their machine.
SLOWEST_S = 0.5
# A collection of garbage or a cold cache may fall into one reading; not into every one of three.
READINGS = 3
_OPENED: list[str] = []
_WATCHING: list[bool] = [False]


def _watch(event: str, details: tuple[object, ...]) -> None:
    if _WATCHING[0]:
        _OPENED.append(f"{event} {details[:1]}")


sys.addaudithook(_watch)


def quickest(read: Callable[[], object]) -> float:
    """Return how many seconds of the processor it takes, at best of a few; one in time is enough.

    What is slow by its nature is slow every time.
    """
    took = SLOWEST_S
    for _ in range(READINGS):
        began = time.thread_time()
        read()
        took = time.thread_time() - began
        if took < SLOWEST_S:
            break
    return took


def refusal(body: bytes) -> str:
    """Return why a body is refused, which must not take long and must open nothing at all."""
    _OPENED.clear()
    reasons: list[str] = []

    def read() -> None:
        _WATCHING[0] = True
        try:
            with pytest.raises(XmlError) as refused:
                xml_reading.read(body)
            reasons.append(refused.value.reason)
        finally:
            _WATCHING[0] = False

    assert quickest(read) < SLOWEST_S
    assert _OPENED == []
    return reasons[0]


DOCUMENT_TYPES = [
    b"<!DOCTYPE a><a/>",
    b'<!DOCTYPE a [<!ENTITY b "bang">]><a>&b;</a>',
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:9/b.dtd"> %b;]><a/>',
    b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    b'<!DOCTYPE a PUBLIC "-//A//B" "file:///dev/random"><a/>',
    b'<?xml version="1.0" standalone="no"?>\n<!DOCTYPE a SYSTEM "a.dtd">\n<a/>',
    b"<!DOCTYPE a [" + b"".join(
        b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12)
    ) + b"]><a>&e11;</a>",
    b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 100_000 + b'">]><a>' + b"&b;" * 10_000 + b"</a>",
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'.encode("utf-16"),
]  # fmt: skip


@pytest.mark.parametrize("body", DOCUMENT_TYPES, ids=range(len(DOCUMENT_TYPES)))
def test_a_document_type_is_refused_and_nothing_is_opened(body: bytes) -> None:
    """Entities and their files, parameter entities, remote types: none gets as far as being one."""
    assert refusal(body) == "it has a DOCTYPE, which is never read"


def test_a_document_type_that_a_provider_always_sends_is_taken_out() -> None:
    """Only by its exact name and id, at the top and declaring nothing: nobody reads it."""
    known = xml_reading.document_type("a", "a.dtd", "c.dtd")
    for begun in ("", "\n", '<?xml version="1.0" encoding="utf-8"?>\n'):
        for declared in ('<!DOCTYPE a SYSTEM "a.dtd">', "<!DOCTYPE a SYSTEM 'c.dtd' >\n"):
            body = f"{begun}{declared}<a>x</a>".encode()
            assert xml_reading.read(body, taken_out=known).text == "x"
    for other in (
        b'<!DOCTYPE a SYSTEM "b.dtd"><a/>',
        b'<!DOCTYPE b SYSTEM "a.dtd"><b/>',
        b'<!DOCTYPE a PUBLIC "x" "a.dtd"><a/>',
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "a.dtd" []><a/>',
        b'<!DOCTYPE a SYSTEM "a.dtd" [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a SYSTEM "a.dtd"><!DOCTYPE a SYSTEM "a.dtd"><a/>',
        b'<!--x--><!DOCTYPE a SYSTEM "a.dtd"><a/>',
        b'<!DOCTYPE a SYSTEM "axdtd"><a/>',
    ):
        with pytest.raises(XmlError, match="DOCTYPE"):
            xml_reading.read(other, taken_out=known)
    for entity in (b"<a>&b;</a>", b'<a b="&b;"/>'):
        with pytest.raises(XmlError, match="undefined entity"):
            xml_reading.read(b'<!DOCTYPE a SYSTEM "a.dtd">' + entity, taken_out=known)


BOMBS = {
    "more than 256 KiB of XML": [b"<a>" * 200_000, b" " * 256 * 1024 + b"<a/>"],
    "deeper than 64 levels": [b"<a>" * 65, b"<a>" * 80_000, b"<a>" * 65 + b"</a>" * 65],
    "more than 10000 elements and attributes": [
        b"<a>" + b"<b/>" * 60_000,
        b"<a " + b" ".join(b'a%d=""' % n for n in range(25_000)) + b"/>",
    ],
    "the body is empty": [b"", b" \r\n\t"],
    "text in a charset that is not read": [
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<?xml version="1.0" encoding="zlib_codec"?><a/>',
    ],
    "bytes that are not text in the charset that it names": [b"<a>\xe9</a>", b"\xff\xfe<"],
    "not XML: undefined entity (line 1)": [b"<a>&b;</a>", b"<a b='&c;'/>"],
    "not XML: duplicate attribute (line 1)": [b'<a b="1" b="2"/>'],
    "not XML: junk after document element (line 1)": [b"<a/><a/>"],
    "not XML: reference to invalid character number (line 1)": [b"<a>&#xD800;</a>", b"<a>&#0;</a>"],
}


@pytest.mark.parametrize("reason", BOMBS)
def test_what_breaks_a_limit_or_is_no_xml_is_refused_in_words(reason: str) -> None:
    """Depth, size, numbers, charsets and faults of syntax each have their reason."""
    for body in BOMBS[reason]:
        assert reason == refusal(body)


def test_what_is_within_the_limits_is_read_in_time() -> None:
    """The largest and deepest bodies that are taken still cost little."""
    bodies = [
        b"<a>" * 64 + b"</a>" * 64,
        b"<a>" + b"<b/>" * 9_999 + b"</a>",
        b"<a>" + (b"x" * 20 + b"<b/>") * 9_999 + b"</a>",
        b"<a>" + b"&amp;" * 50_000 + b"</a>",
        b"<a>" + b"<![CDATA[x]]>" * 20_000 + b"</a>",
        b"<a>" + b"<!--x--><?x y?>" * 17_000 + b"</a>",
    ]
    for body in bodies:
        assert xml_reading.read(body).name == "a"
        assert quickest(partial(xml_reading.read, body)) < SLOWEST_S


@pytest.mark.parametrize(
    ("body", "charset", "default"),
    [
        ("<a>é</a>".encode(), None, "utf-8"),
        ("<a>é</a>".encode("latin-1"), None, "iso-8859-1"),
        ("<a>é</a>".encode("latin-1"), "ISO-8859-1", "utf-8"),
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1"), None, "utf-8"),
        # What the header says counts more than what the document says of itself.
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode(), "utf-8", "utf-8"),
        ("\ufeff<a>é</a>".encode(), "iso-8859-1", "iso-8859-1"),
        ("<a>é</a>".encode("utf-16"), None, "utf-8"),
        ("\n<a>é</a>".encode("cp1252"), "windows-1252", "utf-8"),
    ],
)
def test_the_charset_is_the_marks_then_the_headers_then_the_declarations(
    body: bytes, charset: str | None, default: str
) -> None:
    """A byte order mark, a Content-Type, a declaration, a default: the first that says anything."""
    assert xml_reading.read(body, charset, default).text == "é"


def test_a_tree_is_asked_by_names() -> None:
    """Children and texts are found by their path; a prefix of a namespace is no part of a name."""
    body = b'<n:a xmlns:n="urn:x" c="1"> <n:b><d> 5 </d></n:b><b/><e>x<f/>y</e></n:a>'
    tree = xml_reading.read(body)
    assert (tree.name, tree.attributes) == ("a", {"xmlns:n": "urn:x", "c": "1"})
    assert tree.words("b", "d") == "5"
    assert tree.words("b", "x") is None
    assert tree.words("e") == "xy"
    assert tree.first("b", "x", "y") is None
    assert [len(child.children) for child in tree.each("b")] == [1, 0]


def test_a_tree_can_be_shown_as_json() -> None:
    """Attributes have an @, doubled children are a list, and text beside others has a name."""
    body = b'<a b="1">x<c>2</c><d><e/></d><d>3</d><d>4</d></a>'
    assert xml_reading.read(body).plain() == {
        "@b": "1",
        "#text": "x",
        "c": "2",
        "d": [{"e": ""}, "3", "4"],
    }


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_escaped_text_is_read_again(text: str) -> None:
    """What is written into XML comes out as it was, but for what XML cannot hold."""
    body = f'<a b="{xml_reading.escaped(text)}">{xml_reading.escaped(text)}</a>'
    tree = xml_reading.read(body.encode())
    kept = [c for c in text if c >= " " or c in "\t\n\r"]
    expected = "".join(c for c in kept if not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    # Line ends are one character to XML, and spaces of all kinds are one in an attribute.
    assert expected.replace("\r\n", "\n").replace("\r", "\n") == tree.text


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([b"", b"<a>", b"<a b='", b"<?xml ", b"<![CDATA["]))
def test_any_bytes_give_a_tree_or_a_refusal(body: bytes, begun: bytes) -> None:
    """Nothing but XmlError is raised."""
    for default in ("utf-8", "iso-8859-1"):
        reason = ""
        try:
            assert isinstance(xml_reading.read(begun + body, None, default), Element)
        except XmlError as error:
            reason = error.reason
        assert len(reason) < 100
