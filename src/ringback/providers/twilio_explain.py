"""Why a callback of Twilio's was refused, as far as Twilio's own ways can tell; in words.

Tried is what is Twilio's alone: hashes of JSON bodies, algorithms, fields of forms, and what goes
wrong with URL and query at once. Nothing that is said holds a secret or a right signature.
https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, unquote, urlencode

from ringback.domain.http import Callback
from ringback.providers import header_words
from ringback.providers import twilio_forms as forms
from ringback.providers import twilio_proof as proof
from ringback.providers.proofs import octets
from ringback.providers.twilio_config import TwilioConfig

BODY_MAX = 16 * 1024
FIELDS_MAX = 64
QUERY_MAX = 4096

_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
_ACCOUNT = re.compile(
    rb"(?:\bAccountSid=|\"account_?[sS]id\"\s{0,8}:\s{0,8}\")(AC[0-9a-fA-F]{32})(?![0-9a-zA-Z])"
)
_IN_THE_URL = "with the callback URL at Twilio"


def explain(callback: Callback, config: TwilioConfig) -> str | None:
    """Say in words why a callback may have been refused; None: no idea."""
    given = callback.header_values(proof.HEADER)
    if len(given) != 1 or len(callback.body) > BODY_MAX or callback.method not in ("GET", "POST"):
        return None
    if proof.is_json(callback) or not (callback.method == "GET" or proof.is_form(callback)):
        return _of_json(callback, config, given[0])
    if len(given[0]) == 44 and not callback.header_values(proof.SETTINGS_HEADER):
        return (
            f"It is as long as an HMAC_SHA256, and no {proof.SETTINGS_HEADER} came that says so: "
            "something on the way drops that header."
        )
    sent = callback.header_values("Authorization")
    if len(sent) == 1 and _fits(callback, config, given[0]):
        username, password = config.callback_username or "", config.callback_password or ""
        return header_words.fault(sent[0], username, password, _IN_THE_URL)
    return (
        _of_config(config)
        or _of_url(callback, config, given[0])
        or _of_fields(callback, config, given[0])
        or _of_account(callback, config)
    )


def _fits(callback: Callback, config: TwilioConfig, given: str, url: str | None = None) -> bool:
    """Say whether a signature is right for a callback, or for another URL with its form."""
    covered = forms.pairs(callback.body) if proof.is_form(callback) else []
    return covered is not None and _right(url or callback.url, covered, config, given)


def _right(url: str, covered: forms.Pairs, config: TwilioConfig, given: str) -> bool:
    for key, algorithm in ((config.auth_token, proof.SHA1), (config.shared_key, proof.SHA256)):
        for spelling in proof.spellings(url) if key else ():
            made = proof.signature(spelling, covered, key or "", algorithm)
            if hmac.compare_digest(made.encode(), given.encode("utf-8", "surrogatepass")):
                return True
    return False


def _of_json(callback: Callback, config: TwilioConfig, given: str) -> str | None:
    """Explain a body that is no form: Twilio puts its hash into the query, and signs the URL."""
    if not proof.is_json(callback):
        digest = hashlib.sha256(callback.body).hexdigest()
        joint = "&" if callback.query else "?"
        whole = f"{callback.url.removesuffix('?')}{joint}{proof.BODY_HASH}={digest}"
        if _right(whole, [], config, given):
            return (
                f"The signature fits this URL with {proof.BODY_HASH} of this body: something on "
                "the way drops the query, such as a redirect or a rewriting rule."
            )
        if callback.body.lstrip()[:1] not in (b"{", b"[") and b"=" in callback.body:
            return (
                "The body looks like a form, and its Content-Type is another: something on the "
                "way changes or drops Content-Type."
            )
        return (
            f"Twilio signs the URL of JSON with {proof.BODY_HASH} in its query, and none came: "
            "something on the way drops the query or turns a form into JSON, or it is somebody "
            "else."
        )
    if _right(callback.url, [], config, given):
        return (
            "The signature fits, so Auth Token and URL are right: the body alone was changed on "
            "its way. Nothing may write JSON anew."
        )
    return _of_config(config) or _of_url(callback, config, given) or _of_account(callback, config)


def _of_config(config: TwilioConfig) -> str | None:
    if _SID.fullmatch(config.auth_token):
        return (
            f"The Auth Token of this connection looks like a SID ({config.auth_token[:2]}…): "
            "enter the Auth Token that stands beside it in Twilio's console."
        )
    other = (config.api_key_secret or "").encode()
    if other and hmac.compare_digest(config.auth_token.encode(), other):
        return (
            "The Auth Token of this connection is the secret of its API key, which signs nothing: "
            "enter the account's primary Auth Token."
        )
    return None


def _of_url(callback: Callback, config: TwilioConfig, given: str) -> str | None:
    """Try what may have happened to scheme and query at once."""
    scheme, _, rest = callback.url.partition("://")
    if len(rest) > QUERY_MAX:
        return None
    other = "http" if scheme == "https" else "https"
    for called in (scheme, other):
        bare, mark, query = rest.partition("?")
        for words, written in _queries(query) if mark else ():
            if _fits(callback, config, given, f"{called}://{bare}{written}"):
                public = "" if called == scheme else f"set public_url to one with {called}://, and "
                return (
                    f"It fits this URL with {called}:// and {words}: {public}look for what "
                    "rewrites the query on the way."
                )
    return None


def _queries(query: str) -> Iterator[tuple[str, str]]:
    """Go through spellings of a query, each with its question mark."""
    pairs = parse_qsl(query, keep_blank_values=True)
    lower = re.sub(r"%[0-9A-Fa-f]{2}", lambda found: found[0].lower(), query)
    upper = re.sub(r"%[0-9A-Fa-f]{2}", lambda found: found[0].upper(), query)
    blank = "&".join(one if "=" in one else f"{one}=" for one in query.split("&"))
    for words, other in (
        ("its query decoded", unquote(query)),
        ("its query encoded anew", urlencode(pairs)),
        ("blanks of its query as %20", urlencode(pairs, quote_via=quote)),
        ("its escapes in lower case", lower),
        ("its escapes in upper case", upper),
        ("an equals sign after every name", blank),
        ("the order of its query changed", urlencode(sorted(pairs))),
    ):
        if other != query:
            yield words, f"?{other}"
    yield "no query", ""


def _of_fields(callback: Callback, config: TwilioConfig, given: str) -> str | None:
    """Try fewer fields than came: something on the way may have added some."""
    found = forms.pairs(callback.body) if callback.method == "POST" else None
    if not found:
        return None
    if _right(callback.url, [], config, given):
        return (
            "It fits the URL alone, without any field of the form: Twilio called with GET or with "
            "JSON, and something on the way made a form of it."
        )
    in_query = set(forms.pairs(octets(callback.query)) or ())
    fewer = [pair for pair in found if pair not in in_query]
    if len(fewer) < len(found) and _right(callback.url, fewer, config, given):
        return (
            "It fits without the fields of the query: something on the way copies them into the "
            "form."
        )
    if len(found) <= FIELDS_MAX:
        for name in dict.fromkeys(name for name, _ in found):
            fewer = [pair for pair in found if pair[0] != name]
            if _right(callback.url, fewer, config, given):
                called = ascii(name[:64].decode("utf-8", "replace"))
                return f"It fits without the field {called}: something on the way adds it."
    return None


def _of_account(callback: Callback, config: TwilioConfig) -> str | None:
    """Say whose Auth Token is to be used: what comes of a subaccount, its own one signs."""
    told = callback.body if callback.method == "POST" else octets(callback.query)
    found = _ACCOUNT.search(told)
    if found is None:
        return None
    account = found[1].decode()
    if config.account_sid and config.account_sid != account:
        return (
            f"It says that it is of the account {account}, and this connection is of another: a "
            "subaccount signs with its own primary Auth Token, and not with its main account's."
        )
    return (
        f"It says that it is of the account {account}: enter that account's own primary Auth "
        "Token, not its main account's or a subaccount's, no secondary one, and no API key's "
        "secret."
    )
