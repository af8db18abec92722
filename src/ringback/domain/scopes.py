"""Scopes: what keys and roles may do, by name, and the operations of each name. The one table.

docs/scopes.md and the API's document are written from it. Not what a key may see: that is its
tenant and mode, whatever its scopes are.
"""

from collections.abc import Collection

import msgspec


class Covered(msgspec.Struct, frozen=True):
    """What a scope is for and the operations that need it.

    `operator`: only operator keys have it. `installation`: it makes sense without a tenant.
    `everybody`: every key has it, whatever scopes it was made with.
    """

    what: str
    operations: tuple[str, ...]
    operator: bool = False
    installation: bool = False
    everybody: bool = False


SCOPES: dict[str, Covered] = {
    "events:read": Covered(
        "Events and the catalogue of their types",
        ("list_events", "get_event", "list_event_types", "get_event_type",
         "get_event_type_schema", "match_events"),
    ),
    "events:write": Covered("Publishing events", ("publish_events",)),
    "native:write": Covered(
        "Posting messages, calls and number orders to a connection of the provider native",
        ("post_native",),
    ),
    "event_types:write": Covered(
        "Describing types of events of one's own", ("put_event_type", "delete_event_type")
    ),
    "messages:read": Covered(
        "Messages, their timelines and files",
        ("list_messages", "get_message", "get_timeline", "get_media"),
    ),
    "suppressions:read": Covered(
        "Suppressions: who wants no messages", ("list_suppressions", "get_suppression")
    ),
    "suppressions:write": Covered("Taking opt-outs back by hand", ("delete_suppression",)),
    "callbacks:read": Covered("Callbacks as they came", ("list_callbacks", "get_callback")),
    "callbacks:write": Covered("Reading stored callbacks again", ("reparse_callback",)),
    "deliveries:read": Covered(
        "Deliveries and attempts",
        ("list_deliveries", "get_delivery", "list_attempts", "get_attempt"),
    ),
    "deliveries:write": Covered("Replays", ("replay_delivery",)),
    "endpoints:read": Covered("Endpoints", ("list_endpoints", "get_endpoint")),
    "endpoints:write": Covered(
        "Adding, changing, testing and deleting endpoints; a new one's signing secret is in the "
        "answer",
        ("create_endpoint", "change_endpoint", "rotate_endpoint_secret", "test_endpoint",
         "delete_endpoint"),
    ),
    "endpoints:listen": Covered(
        "Listening: the stream of an endpoint without a URL, and what its listener answered",
        ("listen", "answer"),
    ),
    "endpoints:secrets": Covered(
        "Signing secrets of endpoints, and checking with them",
        ("get_endpoint_secret", "check_signature"),
    ),
    "connections:read": Covered(
        "Providers and connections, without their secrets",
        ("list_providers", "list_mapping_presets", "list_connections", "get_connection",
         "list_samples"),
    ),
    "connections:write": Covered(
        "Adding, changing, pausing and deleting connections, and simulating messages through them",
        ("create_connection", "change_connection", "rotate_connection", "end_connection_overlap",
         "pause_connection", "resume_connection",
         "delete_connection", "check_connection", "subscribe_connection", "try_mapping",
         "simulate"),
    ),
    "inspector:read": Covered("Requests that the inspector received", ("list_inspected",)),
    "inspector:write": Covered("Emptying the inspector", ("clear_inspected",)),
    "figures:read": Covered(
        "Figures: the overview, and how endpoints and connections do",
        ("get_overview", "get_endpoint_stats", "get_connection_stats", "list_endpoint_stats",
         "list_connection_stats"),
    ),
    "keys:read": Covered(
        "API keys, without the keys themselves", ("list_api_keys", "get_api_key"),
        installation=True,
    ),
    "keys:write": Covered(
        "Making and revoking API keys", ("create_api_key", "revoke_api_key"), installation=True
    ),
    "self:read": Covered(
        "What a key or a session is and may do, which scopes there are; one's own sessions",
        ("whoami", "list_scopes", "get_session", "list_sessions"),
        installation=True, everybody=True,
    ),
    "self:write": Covered(
        "Changing one's own name and password, and ending one's own sessions",
        ("change_session", "end_session", "revoke_session"),
        installation=True, everybody=True,
    ),
    "people:read": Covered("People who sign in, and their roles", ("list_people", "get_person")),
    "people:write": Covered(
        "Inviting people, changing their roles, resetting their passwords, ending their sessions",
        ("create_person", "change_person", "reset_person", "delete_person"),
    ),
    "reveal": Covered(
        "One message, event, callback or attempt without masks, for roles that see masks",
        ("reveal_object",),
    ),
    "search:read": Covered(
        "Searching; what the key may not read is left out", ("search",), everybody=True
    ),
    "audit:read": Covered("The audit log", ("list_audit_log",), installation=True),
    "tenants:read": Covered(
        "Tenants", ("list_tenants", "get_tenant"), operator=True, installation=True
    ),
    "tenants:write": Covered(
        "Adding, changing and deleting tenants", ("put_tenant", "delete_tenant"),
        operator=True, installation=True,
    ),
}  # fmt: skip
OPERATIONS: dict[str, str] = {
    operation: name for name, covered in SCOPES.items() for operation in covered.operations
}
"""The scope of each operation."""


def may(scopes: Collection[str] | None, scope: str, *, operator: bool) -> bool:
    """Say whether a key has a scope; one made without scopes has all that its kind can have."""
    if SCOPES[scope].operator and not operator:
        return False
    if SCOPES[scope].everybody:
        return True
    return scopes is None or scope in scopes
