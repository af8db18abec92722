"""Every query names the tenant and the mode, or says here why it need not."""

import re

import pytest

from ringback.storage.database import Connection
from ringback.storage.queries import queries, query_files

_HASHED = "the key is a hash over tenant and mode, or over a connection of theirs"
_BY_ID = "the commit's own: ids that were read by such a key, or made by this worker"
_OWNED = "rows that this worker owns, whoever they belong to"
_CONFIGURATION = "every worker holds all configuration; look-ups in memory go by tenant and mode"
_HOUSEKEEPING = "housekeeping by age, for everybody alike"
_OPERATOR = "operators alone get here, by the number of a tenant that they have named"
_INSTALLATION = "the installation's numbers, for whoever watches it"
_FIRST = "only the first tenant has an inspector; the names of its test mode are kept short"

# What reads or writes a table with tenants in it without naming one.
EXCEPTIONS = {
    "audit.remove": _HOUSEKEEPING,
    "configuration.keys": _CONFIGURATION,
    "configuration.connections": _CONFIGURATION,
    "configuration.endpoints": _CONFIGURATION,
    "counts.forget": _HOUSEKEEPING,
    "deliveries.bodies": _OWNED,
    "deliveries.owned": _OWNED,
    "doctor.sealed": _INSTALLATION,
    "event_types.all": _CONFIGURATION,
    "event_types.delete_of_tenant": _OPERATOR,
    "held.count": "by the numbers of connections, which callers have found by tenant and mode",
    "idempotency.expire": _HOUSEKEEPING,
    "idempotency.read_publications": _HASHED,
    "inspector.names": _FIRST,
    "inspector.trim": _FIRST,
    "keys.forget": _HOUSEKEEPING,
    "keys.used": "a worker writes for all keys at once, by their ids, which requests never name",
    "media.again": _BY_ID,
    "media.claim": "whoever fetches files does so for all; each row says whose it is",
    "media.claim_alone": "as media.claim",
    "media.give_back": _BY_ID,
    "media.given_up": _BY_ID,
    "media.hold": _BY_ID,
    "media.kept": _BY_ID,
    "media.linked": "by an id in a link that only we can have signed",
    "media.old": _HOUSEKEEPING,
    "media.remove": _HOUSEKEEPING,
    "media.waits_alone": "as media.claim; tells nothing of whose it is",
    "retention.left_over": _HOUSEKEEPING,
    "retention.read_messages": _HOUSEKEEPING,
    "retention.remove_facts": _HOUSEKEEPING,
    "retention.remove_keys": _HOUSEKEEPING,
    "retention.remove_subjects": _HOUSEKEEPING,
    "rollups.expire": _HOUSEKEEPING,
    "rollups.newest": _INSTALLATION,
    "subjects.drop_orphans": _HOUSEKEEPING,
    "subjects.expire_sends": _HOUSEKEEPING,
    "subjects.forgotten": _HOUSEKEEPING,
    "subjects.read": "by hashes, and by the number of a connection of theirs",
    "subjects.read_facts": _BY_ID,
    "subjects.read_once": _HASHED,
    "subjects.stored_callbacks": _BY_ID,
    "subjects.stored_events": _BY_ID,
    "subjects.unanswered": _HOUSEKEEPING,
    "suppressions.in_force": _HASHED,
    "tenants.delete_connections": _OPERATOR,
    "tenants.delete_endpoints": _OPERATOR,
    "tenants.revoke_keys": _OPERATOR,
    "workers.forget": "by worker",
    "workers.oldest_due": _INSTALLATION,
    "workers.stuck": _INSTALLATION,
}
_NAMED = re.compile(
    # A comparison with both, of a row or of its parts; or both written into a new row.
    r"\btenant = \S+ and (\w+\.)?mode = \S+"
    r"|\(tenant, mode(, [a-z_]+)*\) (<|>|<=|>=) \(\$1, \$2"
    r"|insert into \w+( as \w+)? \([^)]*\btenant, mode\b"
)


def _text(name: str) -> str:
    file, _, query = name.partition(".")
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", queries(file)[query]))


NAMES = [f"{file}.{name}" for file in query_files() for name in queries(file)]


async def _owned_tables(connection: Connection) -> set[str]:
    rows = await connection.fetch(
        "select table_name from information_schema.columns "
        "where table_schema = 'public' and column_name = 'tenant'"
    )
    # Daily partitions are named after their parents.
    return {re.sub(r"_[0-9]+$", "", row["table_name"]) for row in rows}


async def test_every_query_names_tenant_and_mode(hot: Connection) -> None:
    """Whatever touches what tenants own says whose it is, or stands on the list with its reason."""
    tables = await _owned_tables(hot)
    assert {"api_key", "event", "idempotency_key", "subject"} <= tables
    touching = re.compile(rf"\b(from|join|into|update) ({'|'.join(tables)})\b")
    unnamed = {
        name
        for name in NAMES
        if touching.search(_text(name)) and not _NAMED.search(_text(name))
    }  # fmt: skip
    assert unnamed == set(EXCEPTIONS)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("select id from event where id = $1 and tenant = $2 and mode = $3", True),
        ("select id from event where id = $1 and tenant = $2", False),
        ("select tenant, mode from event where id = $1", False),
        ("select id from event where (tenant, mode, pos) < ($1, $2, $3)", True),
        ("insert into event (id, tenant, mode) values ($1, $2, $3)", True),
        ("insert into event (id, tenant) values ($1, $2)", False),
    ],
)
def test_naming_is_recognised(text: str, names: bool) -> None:
    """The test above can fail."""
    assert names == bool(_NAMED.search(text))


async def test_every_table_of_tenants_has_a_mode(hot: Connection) -> None:
    """Tenant and mode stand together in each table, and neither can be missing."""
    rows = await hot.fetch(
        "select table_name, array_agg(column_name::text order by column_name) as names, "
        "bool_and(is_nullable = 'NO') as required from information_schema.columns "
        "where table_schema = 'public' and column_name in ('tenant', 'mode') "
        # Columns of views may always be null, as far as the server says.
        "and table_name not in (select table_name from information_schema.views) group by 1"
    )
    assert rows
    for row in rows:
        assert (["mode", "tenant"], True) == (row["names"], row["required"]), row["table_name"]
