"""Twilio's signatures: what they cover, how they are checked and how they are made.

`X-Twilio-Signature` covers the URL as Twilio called it and, of a form, every name and value in
order; of JSON the URL alone, whose query then holds the SHA-256 of the body. It is made with the
Auth Token and SHA-1, or with a shared key and SHA-256 where a second header says so.
https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import base64
import binascii
import hashlib
import hmac
import re
from functools import lru_cache

import msgspec

from ringback.domain.http import Callback, HttpRequest
from ringback.providers import twilio_forms as forms
from ringback.providers.base import Verification, with_headers
from ringback.providers.forms import PAIRS_MAX, without
from ringback.providers.proofs import octets, only
from ringback.providers.twilio_config import TwilioConfig

HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
SHA1, SHA256 = "HMAC_SHA1", "HMAC_SHA256"
BODY_HASH = "bodySHA256"
_NAME_OF_HASH = BODY_HASH.encode()
FORM = "application/x-www-form-urlencoded"

_DIGESTS = {SHA1: "sha1", SHA256: "sha256"}
_SIGNATURES = {
    SHA1: re.compile(r"[A-Za-z0-9+/]{27}="),
    SHA256: re.compile(r"[A-Za-z0-9+/]{43}="),
}
_COVERS_BODY = f"{BODY_HASH}="
_HASH = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"(https?)://(?:[^/?#@]*@)?([^/?#]*?)(:[0-9]{1,5})?([/?#].*)?", re.DOTALL)
_PORTS = {"https": ":443", "http": ":80"}
_ORIGINS_MAX = 256
_MATCHES = Verification("ok", f"{HEADER} matches the URL and what came with it")


def verify(callback: Callback, config: TwilioConfig) -> Verification:
    """Check the signature, and then the credentials of the URL where there are any."""
    fault = _signature_fault(callback, config)
    if fault:
        return Verification("failed", fault)
    if config.callback_username is None and config.callback_password is None:
        return _MATCHES
    return _verify_credentials(callback, config)


def authenticate(request: HttpRequest, config: TwilioConfig) -> HttpRequest:
    """Prove a request as Twilio would: the hash of a JSON body, the signature, credentials.

    A POST without a form's Content-Type is taken for JSON. Signed with the shared key where the
    settings header asks for it.
    """
    url, form = request.url, b""
    if request.method != "GET":
        if is_form(request):
            form = request.body
        else:
            url = without(url, BODY_HASH)
            url = forms.with_query(url, **{BODY_HASH: hashlib.sha256(request.body).hexdigest()})
    algorithm = _algorithm(request) or SHA1
    made = signature(url, forms.pairs(form) or [], _key(config, algorithm) or "", algorithm)
    headers: tuple[tuple[str, str], ...] = ((HEADER, made),)
    if config.callback_username is not None and config.callback_password is not None:
        headers += (("Authorization", basic(config.callback_username, config.callback_password)),)
    return with_headers(msgspec.structs.replace(request, url=url), headers)


def signature(url: str, pairs: forms.Pairs, key: str, algorithm: str) -> str:
    """Make the signature over a URL and the parameters of a form, in base64.

    Names and values stand side by side without anything between them, each pair once, in the
    order of their bytes: that is the order of code points, as Twilio has it.
    """
    covered = octets(url)
    if pairs:
        covered += b"".join([name + value for name, value in sorted(set(pairs))])
    made = hmac.digest(key.encode(), covered, _DIGESTS[algorithm])
    return base64.b64encode(made).decode()


def is_json(callback: Callback) -> bool:
    """Say whether a callback's body is covered by a hash in the URL, as Twilio does for JSON."""
    return _COVERS_BODY in callback.url


def is_form(request: HttpRequest | Callback) -> bool:
    """Say whether the only Content-Type is that of an url-encoded form."""
    found = [value for name, value in request.headers if name.lower() == "content-type"]
    return len(found) == 1 and found[0].partition(";")[0].strip().lower() == FORM


def spellings(url: str) -> tuple[str, ...]:
    """Return a URL without and with its port: Twilio signs the one or the other."""
    # All callbacks of a connection begin alike, up to the first slash of their path.
    path = url.find("/", len("https://"))
    if path < 0:
        return _spelled(url)
    return tuple([origin + url[path:] for origin in _spelled(url[:path])])


@lru_cache(_ORIGINS_MAX)
def _spelled(url: str) -> tuple[str, ...]:
    found = _URL.fullmatch(url)
    if found is None:
        return ()
    scheme, host, port, rest = found.groups(default="")
    return f"{scheme}://{host}{rest}", f"{scheme}://{host}{port or _PORTS[scheme]}{rest}"


def basic(username: str, password: str) -> str:
    """Make an Authorization header of the Basic scheme."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def carries(header: str, username: str, password: str) -> bool:
    """Say whether an Authorization header is Basic with just these credentials."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or not encoded.isascii():
        return False
    try:
        decoded = base64.b64decode(encoded)
    except binascii.Error:
        return False
    # Python skips strange characters and takes stray bits: only the one right spelling counts.
    canonical = hmac.compare_digest(base64.b64encode(decoded), encoded.encode())
    given, _, word = decoded.partition(b":")
    known = hmac.compare_digest(given, username.encode())
    right = hmac.compare_digest(word, password.encode())
    return bool(username) & bool(password) & canonical & known & right


def _signature_fault(callback: Callback, config: TwilioConfig) -> str:
    """Return what is wrong with the signature, or "" where nothing is."""
    given, fault = only(callback, HEADER)
    if given is None:
        return fault
    algorithm = _algorithm(callback)
    if algorithm is None:
        return f"{SETTINGS_HEADER} is doubled, or names an algorithm that is not known"
    if _SIGNATURES[algorithm].fullmatch(given) is None:
        return f"{HEADER} is no {algorithm} in base64"
    key = _key(config, algorithm)
    if not key:
        what = "Auth Token" if algorithm == SHA1 else "shared key, and this is signed with one"
        return f"the connection has no {what}"
    covered, fault = _covered(callback)
    if covered is None:
        return fault
    for url in spellings(callback.url):
        if hmac.compare_digest(signature(url, covered, key, algorithm), given):
            return ""
    whose = "Auth Token" if algorithm == SHA1 else "shared key"
    return (
        f"{HEADER} ({algorithm}) does not match the URL, with or without its port, and the "
        f"{len(covered)} fields of the form: another {whose} made it (a secondary one signs "
        "nothing before it is promoted), Twilio called another URL (scheme, host, path or query: "
        "see public_url), or something was changed on its way"
    )


def _algorithm(request: Callback | HttpRequest) -> str | None:
    """Return the algorithm that the settings header names, SHA-1 without one, None if unsure."""
    wanted = SETTINGS_HEADER.lower()
    given = [value for name, value in request.headers if name.lower() == wanted]
    if not given:
        return SHA1
    parts = [part.partition("=") for part in given[0].split(",")]
    named = [value.strip().upper() for name, _, value in parts if name.strip() == "algorithm"]
    if len(given) > 1 or len(named) > 1:
        return None
    word = named[0] if named and named[0] else SHA1
    return next((known for known in _DIGESTS if known == word), None)


def _key(config: TwilioConfig, algorithm: str) -> str | None:
    return config.auth_token if algorithm == SHA1 else config.shared_key


def _covered(callback: Callback) -> tuple[forms.Pairs | None, str]:
    """Return the parameters that the signature covers beside the URL, or None and why not."""
    if is_json(callback):
        return _covered_json(callback)
    if callback.method == "GET":
        return (None, "a GET with a body, which no signature covers") if callback.body else ([], "")
    if callback.method != "POST":
        return None, "the method is neither POST nor GET"
    if not is_form(callback):
        return None, f"a body that is no form, and no {BODY_HASH} in the query that covers it"
    found = forms.pairs(callback.body)
    if found is None:
        return None, f"a form of more than {PAIRS_MAX} fields or {forms.SIZE_MAX} bytes"
    return (found, "") if found else (None, "an empty form")


def _covered_json(callback: Callback) -> tuple[forms.Pairs | None, str]:
    if callback.method != "POST":
        return None, f"{BODY_HASH} in the query, and the method is not POST"
    query = forms.pairs(octets(callback.query)) or []
    given = [value.decode("latin-1") for name, value in query if name == _NAME_OF_HASH]
    if len(given) != 1 or _HASH.fullmatch(given[0]) is None:
        return None, f"{BODY_HASH} is not once in the query, with 64 lower-case hex digits"
    if not hmac.compare_digest(hashlib.sha256(callback.body).hexdigest(), given[0]):
        return None, f"the body is not the one that {BODY_HASH} in the query is the hash of"
    return [], ""


def _verify_credentials(callback: Callback, config: TwilioConfig) -> Verification:
    given = callback.header_values("Authorization")
    if not given:
        # Twilio asks first without them, and comes back with them after a 401.
        return Verification("challenge", "no credentials yet: asked for them")
    if len(given) > 1:
        return Verification("failed", "several Authorization headers")
    if not carries(given[0], config.callback_username or "", config.callback_password or ""):
        return Verification(
            "failed", "the credentials in the callback URL are not those of this connection"
        )
    return Verification("ok", f"{HEADER} and the credentials match")
