"""The limits of generic sources, for scripts/limits_table.py."""

from scripts.limits_kinds import BYTES, CHARACTERS, Limit

_EXPLAINED = "422, says so"
_TEXT = "taken as text, not as a form"

SOURCES: dict[str, Limit] = {
    "providers.generic_config:SECRET_MAX": Limit(CHARACTERS, "a secret", _EXPLAINED),
    "providers.generic_config:OLDER_MAX": Limit("secrets", "from before", _EXPLAINED),
    "providers.generic_config:PLACES_MAX": Limit("places", "of one field", _EXPLAINED),
    "providers.generic_config:BODY_MAX": Limit(BYTES, "the answer's text", _EXPLAINED),
    "providers.forms:SIZE_MAX": Limit(BYTES, "an url-encoded form", _TEXT),
    "providers.forms:PAIRS_MAX": Limit("fields", "of such a form", _TEXT),
    "providers.forms:PARTS_MAX": Limit("parts", "of a multipart form", _TEXT),
    "providers.forms:_HEAD_MAX": Limit(BYTES, "the head of a part", _TEXT),
    "providers.forms:_BOUNDARY_MAX": Limit(BYTES, "a boundary", _TEXT),
    "providers.config_faults:ITEMS_MAX": Limit(
        "items", "of a list whose faults are named", "not named"
    ),
}
