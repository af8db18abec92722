"""Every screen of the panel with an address that shows something, found through the API."""

from typing import Any

from tests.up.installation import Installation

_PAGES_MAX = 40
PLAIN = {
    "overview": "/",
    "start": "/start",
    "messages": "/messages",
    "messages-none": "/messages?reference=nothing-has-this",
    "events": "/events",
    "deliveries": "/deliveries",
    "endpoints": "/endpoints",
    "callbacks": "/callbacks",
    "connections": "/connections",
    "inspector": "/inspector",
    "developers": "/developers",
    "catalogue": "/developers/catalogue",
    "catalogue-type": "/developers/catalogue/message.delivered",
    "team": "/team",
    "audit": "/audit",
    "endpoint-new": "/endpoints/new",
    "connection-new": "/connections/new",
}
_TABS = ("test", "filter", "security", "policy", "code")


def addresses(installation: Installation) -> dict[str, str]:
    """Return the name and the address of every screen; those of single things exist."""

    def first(path: str) -> Any:
        # A search looks at so much at a time: what is rare may be on a later page.
        page: Any = {"next": None}
        for _ in range(_PAGES_MAX):
            cursor = f"&cursor={page['next']}" if page["next"] else ""
            page = installation.api("GET", f"/v1/{path}{cursor}")
            if page["data"]:
                return page["data"][0]["id"]
            if not page["next"]:
                break
        raise AssertionError(f"the demo has no {path}")

    endpoint = f"/endpoints/{first('endpoints?limit=1')}"
    connection = f"/connections/{first('connections?limit=1')}"
    return {
        **PLAIN,
        "message": f"/messages/{first('messages?status=read&limit=1')}",
        "message-failed": f"/messages/{first('messages?status=failed&limit=1')}",
        "event": f"/events/{first('events?type=message.delivered&limit=1')}",
        "delivery": f"/deliveries/{first('deliveries?status=exhausted&limit=1')}",
        "attempt": f"/attempts/{first('attempts?status=503&limit=1')}",
        "endpoint": endpoint,
        **{f"endpoint-{tab}": f"{endpoint}?tab={tab}" for tab in _TABS},
        "callback": f"/callbacks/{first('callbacks?outcome=rejected&limit=1')}",
        "connection": connection,
        "connection-simulate": f"{connection}?tab=simulate",
        "connection-samples": f"{connection}?tab=simulate&play=sample&sample=status-delivered",
        "connection-settings": f"{connection}?tab=settings",
        "connection-mapping": f"/connections/{_mapped(installation)}?tab=mapping",
    }


def _mapped(installation: Installation) -> str:
    """Return a connection that reads by a mapping; the demo has none."""
    name = "Any gateway"
    for one in installation.api("GET", "/v1/connections?limit=100")["data"]:
        if one["name"] == name:
            return str(one["id"])
    config = {"verify": {"scheme": "url_token"}, "preset": "kannel"}
    body = {"provider": "generic", "name": name, "config": config}
    return str(installation.api("POST", "/v1/connections", body)["id"])
