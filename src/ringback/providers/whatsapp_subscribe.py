"""Subscribing to a WhatsApp Business Account by Meta's Graph API.

The app that the token belongs to is subscribed, with the connection's URL in place of the app's
own. Meta calls it at once, and wants its challenge back. Which fields come is set at the app.
https://developers.facebook.com/documentation/business-messaging/whatsapp/solution-providers/manage-webhooks
"""

from typing import NamedTuple

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers import reading
from ringback.providers.subscribing import (
    State,
    Subscribed,
    SubscribeFlow,
    Subscription,
    Wish,
    ended,
    listed,
    missing,
    ours,
    refused,
    same,
    shown,
)
from ringback.providers.whatsapp_config import WhatsAppConfig, credentials, object_at

LABEL = "Meta"
# https://developers.facebook.com/docs/whatsapp/embedded-signup/webhooks/override
URL_MAX = 200
EDGE = "subscribed_apps"
_APPS_OWN = "the app's own callback URL"
_TOKENS = "the token's app"
_JSON = ("Content-Type", "application/json")


class _App(NamedTuple):
    """An app that is subscribed; no URL: its callbacks go where the app says."""

    id: str
    name: str
    url: str


def flow(wish: Wish, config: WhatsAppConfig) -> SubscribeFlow:
    """Ask which apps are subscribed, and subscribe the token's, unless one posts here already."""
    if config.base_url:
        words = "A partner that passes Meta's callbacks on is told by its own means where to."
        return Subscribed(False, f"{words} Enter the callback URL there.")
    if not (config.access_token and config.account_id):
        return missing(LABEL, "access_token", "account_id")
    if len(wish.url) > URL_MAX:
        words = f"{LABEL} takes URLs of at most {URL_MAX} characters."
        return Subscribed(False, f"{words} Set the connection's public_url to a shorter one.")
    place = f"{object_at(config, config.account_id)}/{EDGE}"
    asked = HttpRequest("GET", place, credentials(config))
    answer = yield asked
    before = _apps(answer)
    if before is None:
        return Subscribed(False, _why(answer, config))
    if any(same(app.url, wish.url) for app in before):
        return ended(_told(before, before, wish), LABEL, dry_run=wish.dry_run)
    if wish.dry_run:
        old = [app for app in before if ours(app.url, wish.url)]
        state: State = "changed" if old else "added"
        name = old[0].name if old else _TOKENS
        would = Subscription(name, state, shown(wish.url))
        rest = _told(before, before, wish)
        return ended([would, *[one for one in rest if one.what != name]], LABEL, dry_run=True)
    body = {"override_callback_uri": wish.url, "verify_token": config.verify_token}
    headers = (*credentials(config), _JSON)
    answer = yield HttpRequest("POST", place, headers, msgspec.json.encode(body))
    if not 200 <= answer.status < 300:
        why = _why(answer, config)
        why += " Meta calls the URL at once: it has to be reached from outside."
        return Subscribed(False, why, tuple(_told(before, before, wish)))
    answer = yield asked
    after = _apps(answer) or before
    told = _told(before, after, wish)
    if not any(same(app.url, wish.url) for app in after):
        # Meta has taken it, whatever its list says yet.
        told.insert(0, Subscription(_TOKENS, "added", shown(wish.url)))
    return ended(told, LABEL, dry_run=False)


def _told(before: list[_App], after: list[_App], wish: Wish) -> list[Subscription]:
    """Say of each app where its callbacks go, and what has changed about that."""
    earlier = {app.id: app for app in before}
    told = []
    for app in after:
        was, detail = earlier.get(app.id), ""
        if not same(app.url, wish.url):
            state: State = "others"
            detail = "" if app.url else f"It is at {_APPS_OWN}."
        elif was is None:
            state = "added"
        elif same(was.url, wish.url):
            state = "kept"
        else:
            state = "changed"
            detail = f"It was at {shown(was.url) if was.url else _APPS_OWN}."
        told.append(Subscription(app.name, state, shown(app.url) if app.url else "", detail))
    return told


def _apps(answer: HttpResponse) -> list[_App] | None:
    found = listed(answer.body, "data") if 200 <= answer.status < 300 else None
    return None if found is None else [_app(one) for one in found]


def _app(one: dict[str, object]) -> _App:
    app = reading.mapping(one.get("whatsapp_business_api_data"))
    id_ = reading.text(app.get("id")) or ""
    url = reading.text(one.get("override_callback_uri"), 4096) or ""
    return _App(id_, reading.text(app.get("name")) or id_ or "an app", url)


def _why(answer: HttpResponse, config: WhatsAppConfig) -> str:
    return refused(answer, LABEL, config.access_token, config.verify_token)
