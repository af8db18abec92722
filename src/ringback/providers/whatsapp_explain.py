"""Why a callback of Meta's was refused, as far as Meta's own ways can tell; in words.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

import hmac
import json
import re

from ringback.domain.http import Callback
from ringback.providers.whatsapp_config import WhatsAppConfig

BODY_MAX = 16 * 1024

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")
_NUMBER_ID = re.compile(rb'"phone_number_id"\s{0,8}:\s{0,8}"([0-9]{1,32})"')
_ACCOUNT_ID = re.compile(
    rb'"entry"\s{0,8}:\s{0,8}\[\s{0,8}\{\s{0,8}"id"\s{0,8}:\s{0,8}"([0-9]{1,32})"'
)
_APP_ID = re.compile(r"[0-9]{10,20}")


def explain(callback: Callback, config: WhatsAppConfig) -> str | None:
    """Say in words why a callback may have been refused; None: no idea."""
    if callback.method != "POST" or len(callback.body) > BODY_MAX or not config.app_secret:
        return None
    given = callback.header_values("X-Hub-Signature-256")
    if not given:
        return _of_sha1(callback, config)
    found = _SIGNATURE.fullmatch(given[0].strip()) if len(given) == 1 else None
    if found is None:
        return None
    sent = found[1].lower()
    if _right(callback.body, config.app_secret, sent):
        return (
            "The signature fits but for how it is written: something on the way changes the "
            "header, which is to be left as Meta sends it."
        )
    return _of_config(config) or _of_body(callback.body, config, sent) or _of_app(callback, config)


def _right(body: bytes, secret: str, sent: str) -> bool:
    made = hmac.digest(secret.encode(), body, "sha256").hex()
    return hmac.compare_digest(made, sent)


def _of_sha1(callback: Callback, config: WhatsAppConfig) -> str | None:
    """Explain a callback with the old signature alone; it proves nothing here."""
    old = callback.header_values("X-Hub-Signature")
    if len(old) != 1:
        return None
    made = "sha1=" + hmac.digest(config.app_secret.encode(), callback.body, "sha1").hex()
    if hmac.compare_digest(made.encode(), old[0].strip().encode("utf-8", "surrogatepass")):
        return (
            "Only X-Hub-Signature came, with SHA-1, and it fits the app secret: what passes Meta's "
            "callbacks on has to pass on X-Hub-Signature-256 as well."
        )
    return (
        "Only X-Hub-Signature came, with SHA-1, and it does not fit the app secret either: it is "
        "another app's, or somebody else's. Meta sends X-Hub-Signature-256 with it."
    )


def _of_config(config: WhatsAppConfig) -> str | None:
    for looks, what in (
        (config.app_secret.startswith("EAA"), "an access token"),
        (_APP_ID.fullmatch(config.app_secret), "the id of an app"),
    ):
        if looks:
            return (
                f"The app secret of this connection looks like {what}: enter the App Secret, "
                "which stands under App settings, Basic."
            )
    return None


def _of_body(body: bytes, config: WhatsAppConfig, sent: str) -> str | None:
    """Try the body as Meta writes it: letters beyond ASCII as escapes, and / with a backslash."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for separators in ((",", ":"), (", ", ": ")):
        for plain in (True, False):
            text = json.dumps(value, ensure_ascii=plain, separators=separators)
            for written in (text, text.replace("/", "\\/")):
                if _right(written.encode("utf-8", "replace"), config.app_secret, sent):
                    return (
                        "It fits the same JSON as Meta writes it, with its own escapes: something "
                        "on the way reads the body and writes it anew. Pass on its bytes."
                    )
    return None


def _of_app(callback: Callback, config: WhatsAppConfig) -> str | None:
    """Say whose app secret is to be used, by the number and the account that it is about."""
    advice = (
        "enter the App Secret of the app whose webhook has this URL (App settings, Basic), no "
        "other app's"
    )
    for pattern, known, what in (
        (_NUMBER_ID, config.phone_number_id, "number"),
        (_ACCOUNT_ID, config.account_id, "account"),
    ):
        found = pattern.search(callback.body)
        if found is None or not known:
            continue
        told = found[1].decode()
        if told == known:
            return (
                f"It is about this connection's own {what} id {told}, so another app posts it: "
                f"{advice}."
            )
        return (
            f"It says that it is about the {what} id {told}, and this connection has another: it "
            f"is posted to the wrong callback URL, or {advice}."
        )
    return None
