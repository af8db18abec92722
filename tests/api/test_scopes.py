"""Scopes: one table, which the page, the document and the program all go by."""

from ringback.domain.scopes import OPERATIONS, SCOPES, may
from scripts import scopes
from tests.api.house import House
from tests.api.test_document import operations


def test_the_page_is_up_to_date() -> None:
    """docs/scopes.md is as the table is; `make docs` writes it anew."""
    assert scopes.PAGE.read_text(encoding="utf-8") == scopes.page()


async def test_every_operation_names_its_scope(house: House) -> None:
    """Each operation under /v1 has a scope in the document, and each in the table exists."""
    document = await house.get("/openapi.json", key=None)
    named = {
        operation["operationId"]: operation["security"][0]["key"]
        for name, operation in operations(document)
        if ("/v1/" in name or "/in/" in name) and operation["security"]
    }
    assert {name: [scope] for name, scope in OPERATIONS.items()} == named


async def test_every_scope_is_needed(house: House) -> None:
    """A key with every scope but one is refused all operations of that one, and only those."""
    document = await house.get("/openapi.json", key=None)
    own = [name for name in SCOPES if may(None, name, operator=False)]
    for missing in (name for name in own if not SCOPES[name].everybody):
        body = {"name": "all but one", "scopes": [name for name in own if name != missing]}
        key = (await house.post("/v1/api-keys", body))["key"]
        for name, operation in operations(document):
            method, _, path = name.partition(" ")
            if (
                "/v1/" not in path
                or not operation["security"]
                or SCOPES[OPERATIONS[operation["operationId"]]].operator
            ):
                continue
            if method == "DELETE" and OPERATIONS[operation["operationId"]] != missing:
                continue
            answer = await house.call(method, path, key=key, json={"nonsense": 1})
            refused = "scope_missing" == answer.json().get("code") if answer.content else False
            assert refused == (OPERATIONS[operation["operationId"]] == missing), name


async def test_the_list_is_the_table(house: House) -> None:
    """Any key may read which scopes there are, those that it cannot have too."""
    body = {"name": "hardly anything", "scopes": ["events:write"]}
    key = (await house.post("/v1/api-keys", body))["key"]
    listed = (await house.get("/v1/scopes", key=key))["data"]
    assert list(SCOPES) == [one["name"] for one in listed]
    tenants = next(one for one in listed if one["name"] == "tenants:read")
    assert {
        "name": "tenants:read", "what": "Tenants", "operations": ["list_tenants", "get_tenant"],
        "operator": True, "everybody": False, "roles": ["owner"],
    } == tenants  # fmt: skip
