"""Queries and forms: what is read, what is refused as a whole, and within which limits."""

import base64
import random
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.providers import forms

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_pairs_are_those_of_the_standard_library(found: list[tuple[str, str]]) -> None:
    """What urlencode writes is read as parse_qsl reads it, as bytes and as a query."""
    written = urlencode(found)
    expected = parse_qsl(written, keep_blank_values=True)
    assert expected == forms.pairs(written.encode()) == forms.pairs(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"", []),
        (b"&&", []),
        (b"a", [("a", "")]),
        (b"=b", [("", "b")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a=%zz%2", [("a", "%zz%2")]),
        (b"a%3D=%26b&c+=%3d%3", [("a=", "&b"), ("c ", "=%3")]),
        (b"a=%2&6=%C3%A9", [("a", "%2"), ("6", "é")]),
        (b"a=%C3&b=%A9", None),
        (b"a=%01+%2B", [("a", "\x01 +")]),
        ("a=é".encode(), [("a", "é")]),
        (b"a=%00", None),
        (b"a=\x00", None),
        (b"a=\x01", None),
        (b"a=%FF", None),
        (b"%FF=a", None),
        (b"a=\xff", None),
        (b"&" * 1_000, None),
        (b"a" * (1024 * 1024 + 1), None),
        (b"a" * 1024 * 1024, [("a" * 1024 * 1024, "")]),
        (b"a=b&" * 999 + b"a=b", [("a", "b")] * 1_000),
    ],
)
def test_odd_pairs(written: bytes, expected: list[tuple[str, str]] | None) -> None:
    """Faulty text spoils a form, odd syntax does not."""
    assert expected == forms.pairs(written)


def test_other_charsets() -> None:
    """A form in Latin-1 is read as such when it says so."""
    assert [("a", "é")] == forms.pairs(b"a=%E9", "latin-1")


@pytest.mark.parametrize(
    ("url", "without", "instead"),
    [
        ("https://h/in/x", "https://h/in/x", "https://h/in/x"),
        ("https://h/in/x?k=1", "https://h/in/x", "https://h/in/x?k=-"),
        ("https://h/in/x?a=1&k=2&b", "https://h/in/x?a=1&b", "https://h/in/x?a=1&k=-&b"),
        ("https://h/k?%6B=1&k=2&kk=3", "https://h/k?kk=3", "https://h/k?%6B=-&k=-&kk=3"),
    ],
)
def test_a_parameter_can_be_taken_out(url: str, without: str, instead: str) -> None:
    """However it is written; the rest of the URL stays byte for byte."""
    assert without == forms.without(url, "k")
    assert instead == forms.without(url, "k", "-")


@pytest.mark.parametrize(
    ("value", "word", "parameters"),
    [
        ("", "", {}),
        ("Text/XML", "text/xml", {}),
        ("a/b; Charset=UTF-8", "a/b", {"charset": "UTF-8"}),
        ('form-data; name="a;\\"b=c"; x=y', "form-data", {"name": 'a;"b=c', "x": "y"}),
        ('form-data; filename="x; name=y"', "form-data", {"filename": "x; name=y"}),
    ],
)
def test_parameters_of_a_header(value: str, word: str, parameters: dict[str, str]) -> None:
    """Quoted values are taken whole: what stands in them is no parameter."""
    assert (word, parameters) == forms.parameters(value)


def part(name: str, content: bytes, more: str = "") -> bytes:
    """Write one part of a multipart form."""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content


WHOLE = part("a", b"1") + b"\r\n" + part("a", b"") + b"\r\n--b--\r\n"


def test_a_multipart_form() -> None:
    """Texts are strings; files, and what is no text, come as base64 with their names."""
    body = b"preamble\r\n" + part("t", "é\r\n--bb".encode()) + b"\r\n"
    body += part("f", b"text", '; filename="a.txt"\r\nContent-Type: text/plain') + b"\r\n"
    body += part("n", b"\x00\xff") + b"\r\n--b--epilogue"
    # A boundary that goes on is not the boundary.
    assert forms.multipart(body, "b") is None
    body = body.replace(b"--bb", b"-- bb")
    assert forms.multipart(body, "b") == [
        ("t", "é\r\n-- bb"),
        (
            "f",
            {
                "filename": "a.txt",
                "content_type": "text/plain",
                "base64": base64.b64encode(b"text").decode(),
            },
        ),
        ("n", {"filename": "", "content_type": "", "base64": "AP8="}),
    ]
    assert [("a", "1"), ("a", "")] == forms.multipart(WHOLE, "b")
    assert [] == forms.multipart(b"--b--\r\n", "b")


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"", "b"),
        (WHOLE, ""),
        (WHOLE, "c"),
        (WHOLE, "é"),
        (WHOLE, "b" * 71),
        (WHOLE[:-4], "b"),
        (WHOLE.replace(b"--b\r\n", b"--bc\r\n", 1), "b"),
        (WHOLE.replace(b'name="a"', b'name=""'), "b"),
        (WHOLE.replace(b'; name="a"', b""), "b"),
        (WHOLE.replace(b'name="a"', b'name="\x00"'), "b"),
        (WHOLE.replace(b"form-data", b"attachment"), "b"),
        (WHOLE.replace(b"\r\n\r\n", b"\r\n"), "b"),
        (WHOLE.replace(b"\r\n", b"\n"), "b"),
        ((part("a", b"") + b"\r\n") * 101 + b"--b--", "b"),
        (part("a" * 5_000, b"") + b"\r\n--b--", "b"),
    ],
)
def test_a_malformed_multipart_form_is_none(body: bytes, boundary: str) -> None:
    """Nothing is guessed: half a form is no form."""
    assert forms.multipart(body, boundary) is None


def test_noise_is_never_too_much() -> None:
    """2,000 shuffled pieces of forms and headers are read or refused, never raised over."""
    dice = random.Random(10)
    pieces = [
        b"--b", b"\r\n", b"--", b"Content-Disposition: form-data", b'; name="a"', b": ", b"\xff",
        b"\x00", b"=", b"&", b"%", b"%E9", b"\\", b'"', b";", b"name*=", b"\r\n\r\n", b"a",
    ]  # fmt: skip
    for _ in range(2_000):
        noise = b"".join(dice.choices(pieces, k=dice.randrange(30)))
        for found in (forms.multipart(noise, "b"), forms.pairs(noise)):
            assert found is None or isinstance(found, list)
        assert isinstance(forms.parameters(noise.decode("latin-1"))[0], str)
        assert forms.without("https://h/?" + noise.decode("latin-1"), "a").startswith("https://h/")


@pytest.mark.parametrize("written", ["\u00c3\u00a9", "%C3%A9", "%c3\u00a9"])
def test_a_parameter_is_found_however_it_is_written(written: str) -> None:
    """As its bytes came, or with escapes: what is secret is taken out or hidden in any spelling."""
    url = f"https://x.example/in?a=1&{written}=secret&b"
    assert forms.without(url, "\u00e9") == "https://x.example/in?a=1&b"
    assert forms.without(url, "\u00e9", "*") == f"https://x.example/in?a=1&{written}=*&b"
