"""Every screen of the panel with an address that shows something, found through the API."""

from typing import Any

from tests.up.installation import Installation

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
}


def addresses(installation: Installation) -> dict[str, str]:
    """Return the name and the address of every screen; those of single things exist."""

    def first(path: str) -> Any:
        rows = installation.api("GET", f"/v1/{path}")["data"]
        assert rows, f"the demo has no {path}"
        return rows[0]["id"]

    return {
        **PLAIN,
        "message": f"/messages/{first('messages?status=read&limit=1')}",
        "message-failed": f"/messages/{first('messages?status=failed&limit=1')}",
        "event": f"/events/{first('events?type=message.delivered&limit=1')}",
        "delivery": f"/deliveries/{first('deliveries?status=exhausted&limit=1')}",
        "attempt": f"/attempts/{first('attempts?status=503&limit=1')}",
        "endpoint": f"/endpoints/{first('endpoints?limit=1')}",
        "callback": f"/callbacks/{first('callbacks?outcome=rejected&limit=1')}",
        "connection": f"/connections/{first('connections?limit=1')}",
    }
