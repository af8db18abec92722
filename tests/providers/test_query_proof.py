"""A secret in a callback's URL: what counts, what does not, and that it is not kept."""

import pytest

from ringback.domain.http import Callback, HttpRequest
from ringback.providers import proofs, query_proof

SECRET = "not-a-real-secret-of-the-url"
URL = "https://hooks.example/in/example"
PROVED = f"{URL}?callback_proof={SECRET}"


def verdict(url: str, method: str = "POST", known: str = SECRET) -> str:
    """Return what is said of a callback to this URL."""
    callback = Callback(method, url, (), b"")
    found = query_proof.verify(callback, known, ("POST",))
    assert SECRET not in found.reason
    return found.verdict


@pytest.mark.parametrize(
    "url",
    [
        PROVED,
        f"{URL}?a=b&callback_proof={SECRET}&c=d",
        f"{URL}?callback_proof=not%2Da{SECRET[5:]}",
        f"{PROVED}&reason=bl%e5b%e6r&%00",
    ],
)
def test_the_right_secret_counts_wherever_it_stands_in_the_query(url: str) -> None:
    """Other parameters and escapes change nothing."""
    assert verdict(url) == "ok"


@pytest.mark.parametrize(
    "url",
    [
        URL, f"{URL}?", f"{URL}?callback_proof", f"{URL}?callback_proof=", f"{URL}?{SECRET}",
        f"{PROVED}x", PROVED[:-1], f"{PROVED}%00", f"{PROVED}%20", f"{PROVED}+", f"{PROVED}%0A",
        PROVED.upper(), f"{URL}?Callback_proof={SECRET}", f"{URL}?callback-proof={SECRET}",
        f"{URL}?callback_proof[]={SECRET}", f"{URL}?callback_proof=%22{SECRET}%22",
        f"{PROVED}&callback_proof={SECRET}", f"{PROVED}&callback_proof=",
        f"{URL}#callback_proof={SECRET}", f"{URL}/callback_proof={SECRET}",
        f"{URL}?a=callback_proof={SECRET}", f"{URL}?callback_proof={SECRET[::-1]}",
        f"{URL}?callback_proof={SECRET.replace('e', '%C3%A9')}", f"{URL};callback_proof={SECRET}",
    ],
)  # fmt: skip
def test_nothing_but_the_right_secret_counts(url: str) -> None:
    """T01: other spellings, places, names and numbers of it are refused."""
    assert verdict(url) == "failed"


def test_other_methods_and_no_secret_are_refused() -> None:
    """A connection without its secret is closed, also to an empty one."""
    for method in ("GET", "PUT", "post", ""):
        assert verdict(PROVED, method) == "failed"
    for url in (PROVED, f"{URL}?callback_proof=", URL):
        assert verdict(url, known="") == "failed"


def test_an_empty_secret_is_never_right() -> None:
    """Nor is one that no head of a request can hold, and comparing it raises nothing."""
    assert proofs.same(SECRET, SECRET)
    for sent, known in (("", ""), ("", SECRET), (SECRET, ""), ("\ud800", SECRET)):
        assert not proofs.same(sent, known)


@pytest.mark.parametrize("url", [URL, f"{URL}?a=b", f"{URL}?callback_proof=old&a=b"])
def test_a_url_gets_the_secret_once(url: str) -> None:
    """What stands there already is replaced, whatever characters the secret has."""
    for secret in (SECRET, "a+b &c=%/é"):
        made = query_proof.authenticate(HttpRequest("POST", url), secret).url
        assert made.count("callback_proof=") == 1
        assert query_proof.given(Callback("POST", made, (), b"")) == [secret]


def test_what_is_kept_does_not_hold_it() -> None:
    """The parameter stays, its value does not; a URL without it stays as it is."""
    kept = query_proof.conceal(Callback("POST", f"{PROVED}&a=b", (), b""))
    assert kept.url == f"{URL}?callback_proof=(hidden)&a=b"
    bare = Callback("POST", f"{URL}?a=b", (), b"")
    assert query_proof.conceal(bare) is bare
    escaped = Callback("POST", f"{URL}?callback%5Fproof={SECRET}", (), b"")
    assert SECRET not in query_proof.conceal(escaped).url
