"""Smoke."""
import json
from tests.api.house import House
async def test_smoke(house: House) -> None:
    """Smoke."""
    await house.hear("m1", "submitted", "sent", "delivered", "read", reference="ref-1") if False else await house.hear("m1", "sent", "delivered", "read", reference="ref-1")
    await house.delivered(3)
    for p in ("/healthz","/readyz","/v1/endpoints","/v1/connections","/v1/providers","/v1/event-types","/v1/messages","/v1/events","/v1/callbacks","/v1/deliveries","/v1/attempts","/v1/inspect/demo", "/openapi.json"):
        r = await house.get(p)
        print(p, json.dumps(r)[:1200]); print()
    m = (await house.get("/v1/messages"))["data"][0]
    r = await house.get(f"/v1/messages/{m['id']}/timeline")
    for e in r["entries"]: print({k: v for k, v in e.items()})
    for res in ("events","callbacks","deliveries","attempts"):
        d = (await house.get(f"/v1/{res}"))["data"][0]
        print(json.dumps(await house.get(f"/v1/{res}/{d['id']}"), indent=1)[:3000])
    print(await house.get("/v1/messages", to="1234", **{"from": "+15550783881"}))
