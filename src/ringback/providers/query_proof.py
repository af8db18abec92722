"""A secret of ours in the query of a callback's URL: for providers that can prove nothing else.

It is entered with the URL at the provider, or added to the URL that a message names. What is kept
of a callback does not hold it.
"""

from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.providers import forms
from ringback.providers.base import Provider, Verification
from ringback.providers.proofs import HIDDEN, failed, same

PARAMETER = "callback_proof"
COVERS = "a secret in its URL is all that proves it, and nothing is signed"


def given(callback: Callback) -> list[str]:
    """Return the secrets that stand in the query of a callback, whatever else stands there."""
    if PARAMETER not in callback.url:
        return []
    pieces = callback.query.split("&")
    own = (forms.pairs(piece) or [] for piece in pieces if piece.startswith(f"{PARAMETER}="))
    return [value for found in own for _, value in found]


def verify(callback: Callback, known: str, methods: tuple[str, ...]) -> Verification:
    """Check the only secret in the query, and the method."""
    found = given(callback)
    if not known:
        return failed("the connection has no secret for its callback URL")
    if not found:
        return failed(
            f"no {PARAMETER} in the query: the URL at the provider has to end with "
            f"?{PARAMETER}= and this connection's secret"
        )
    if len(found) > 1:
        return failed(f"several {PARAMETER} in the query")
    if not same(found[0], known):
        return failed(f"{PARAMETER} in the query is not this connection's secret")
    if callback.method not in methods:
        return failed(f"the method is not {' or '.join(methods)}")
    return Verification("ok", f"{PARAMETER} in the query matches")


def into(url: str, secret: str) -> str:
    """Return a URL with the secret in its query, in place of one that stands there."""
    bare = forms.without(url, PARAMETER)
    mark = "&" if "?" in bare else "?"
    return f"{bare}{mark}{PARAMETER}={quote(secret, safe='')}"


def authenticate(request: HttpRequest, secret: str) -> HttpRequest:
    """Return a request whose URL has the secret."""
    return msgspec.structs.replace(request, url=into(request.url, secret))


def conceal(callback: Callback) -> Callback:
    """Return the callback as it may be kept: without the secret in its URL."""
    # Its name may be written with escapes: then it proves nothing, and is no less secret.
    if PARAMETER not in callback.url and "%" not in callback.query:
        return callback
    return msgspec.structs.replace(callback, url=forms.without(callback.url, PARAMETER, HIDDEN))


class ProvedByQuery(Provider):
    """The base of providers that nothing proves but this secret: `callback_secret` of the config.

    `methods` are those that its callbacks come with.
    """

    methods: ClassVar[tuple[str, ...]] = ("POST",)

    def verify(self, callback: Callback, config: Any, now_ms: int) -> Verification:
        """Check the secret in the URL."""
        del now_ms
        return verify(callback, config.callback_secret, self.methods)

    def reply(self, callback: Callback, config: Any, verification: Verification) -> HttpResponse:
        """Answer 200 and nothing, or 401."""
        del callback, config
        return HttpResponse(200 if verification.verdict == "ok" else 401)

    def url_to_enter(self, url: str, config: Any) -> str:
        """Put the secret into the query."""
        return into(url, config.callback_secret)

    def covers(self, config: Any) -> tuple[str, bool]:
        """Say that nothing is signed."""
        del config
        return COVERS, False

    def conceal(self, callback: Callback, config: Any) -> Callback:
        """Hide the secret in the URL."""
        del config
        return conceal(callback)

    def sign(self, body: bytes, config: Any, now_ms: int) -> Headers:
        """Make no headers: the proof is in the URL, see `authenticate`."""
        del body, config, now_ms
        return ()

    def authenticate(self, request: HttpRequest, config: Any, now_ms: int) -> HttpRequest:
        """Put the secret into the URL."""
        del now_ms
        return authenticate(request, config.callback_secret)
