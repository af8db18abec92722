"""The limits of generic sources and of what single providers say, for scripts/limits_table.py."""

from scripts.limits_kinds import BYTES, CHARACTERS, SECONDS, Limit

_EXPLAINED = "422, says so"
_TEXT = "taken as text, not as a form"

SOURCES: dict[str, Limit] = {
    "providers.generic_handshakes:VALUE_MAX": Limit(
        CHARACTERS, "of a handshake's challenge", "refused"
    ),
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
    "providers.config_faults:NAMES_MAX": Limit("rows", "of a table, likewise", "not named"),
}
MAPPINGS: dict[str, Limit] = {
    "providers.mapping_config:RULES_MAX": Limit("rules", "of a mapping", _EXPLAINED),
    "providers.mapping_config:CONDITIONS_MAX": Limit("conditions", "of a rule", _EXPLAINED),
    "providers.mapping_config:PLACES_MAX": Limit(
        "places", "where a field may stand, or that make a key", _EXPLAINED
    ),
    "providers.mapping_config:PLACE_MAX": Limit(CHARACTERS, "a place", _EXPLAINED),
    "providers.mapping:_STARS_MAX": Limit(
        "lists", "in lists, on the way to the pieces of a callback", _EXPLAINED
    ),
    "providers.mapping:LOOKS_MAX": Limit(
        "", "conditions' places looked into, for all pieces of a callback", "*unparsed*"
    ),
    "providers.mapping_config:WORDS_MAX": Limit("rows", "of a table", _EXPLAINED),
    "providers.mapping_config:WORD_MAX": Limit(CHARACTERS, "a word in a table", _EXPLAINED),
    "providers.mapping_config:RANGE_MAX": Limit("codes", "of a range in a table", _EXPLAINED),
    "providers.mapping_config:FORMATS_MAX": Limit("formats", "of times", _EXPLAINED),
    "providers.mapping_times:LENGTH_MAX": Limit(CHARACTERS, "a time", "not read"),
    "providers.mapping_config:STRIPPED_MAX": Limit("prefixes", "that numbers may have", _EXPLAINED),
    "providers.mapping_config:METADATA_MAX": Limit("pairs", "of metadata", _EXPLAINED),
    "providers.mapping_items:_KEY_MAX": Limit(
        CHARACTERS, "of a text that a `key` names", "the usual key"
    ),
    "providers.mapping_config:MEDIA_MAX": Limit("files", "of a message", "left out"),
    "providers.mapped_config:_NAME_MAX": Limit(CHARACTERS, "a preset's name", _EXPLAINED),
    "services.mapping_trials:SAMPLES_MAX": Limit(
        "callbacks", "that a mapping is tried on, of each sort", _EXPLAINED
    ),
    "services.mapping_trials:ITEMS_MAX": Limit("things", "shown of each of them", "left out"),
    "services.mapping_trials:NOTES_MAX": Limit("notes", "shown of each of them", "left out"),
    "api.samples:BODY_MAX": Limit(CHARACTERS, "the body of a sample", _EXPLAINED),
    "api.samples:QUERY_MAX": Limit(CHARACTERS, "its query", _EXPLAINED),
    "api.samples:HEADERS_MAX": Limit("headers", "of it", _EXPLAINED),
    "api.samples:_TYPE_MAX": Limit(CHARACTERS, "its content type", _EXPLAINED),
}

# What is read of single providers' callbacks.
CALLBACKS: dict[str, Limit] = {
    "providers.reading:PIECES_MAX": Limit(
        "items", "that an adapter reads of one callback", "kept as *unparsed*"
    ),
    "providers.pswin_items:_ACKNOWLEDGED_ID_MAX": Limit(
        CHARACTERS, "an ID in a list of PSWinCom's", "its place is acknowledged"
    ),
    "providers.bandwidth_items:URL_MAX": Limit(
        CHARACTERS, "the URL of a file at Bandwidth", "left out"
    ),
    "providers.bandwidth_items:FILE_NAME_MAX": Limit(
        CHARACTERS, "the name of such a file", "left out"
    ),
    "providers.bandwidth_toll_free:SIGNED_MAX": Limit(
        BYTES, "a toll-free verification that is signed", "rejected"
    ),
    "providers.bandwidth_toll_free:REASONS_MAX": Limit(
        "reasons", "of a toll-free number that is not verified", "cut"
    ),
    "providers.bandwidth_toll_free:REASON_MAX": Limit(
        CHARACTERS, "all of these reasons together", "cut"
    ),
    "providers.twilio_forms:SIZE_MAX": Limit(BYTES, "a form of Twilio's", "401, says so"),
    "providers.twilio_items:MEDIA_MAX": Limit("files", "of a message at Twilio", "left out"),
    "providers.twilio_events:TAGS_MAX": Limit("tags", "of a message at Twilio", "left out"),
    "providers.twilio_send:WAIT_MAX_S": Limit(
        "seconds", "that Twilio may make a sender wait", "cut"
    ),
    "providers.subscribing:REMOVED_MAX": Limit(
        "subscriptions", "of others', ended by one call", "the rest is left"
    ),
    "providers.subscribing:WORDS_MAX": Limit(
        CHARACTERS, "of a provider's own words why it will not subscribe", "cut"
    ),
    "providers.textellent_config:EVENTS_MAX": Limit(
        "events", "that one Textellent connection subscribes to", _EXPLAINED
    ),
    "providers.whatsapp_subscribe:URL_MAX": Limit(
        CHARACTERS, "a callback URL that Meta is told", "not told, says so"
    ),
    "services.subscribe:STEPS_MAX": Limit("requests", "that subscribing needs", "an error"),
    "providers.smsportal_config:SECRET_MAX": Limit(
        CHARACTERS, "a secret of an SMSPortal connection", _EXPLAINED
    ),
    "providers.keywords:WORDS_MAX": Limit(
        "words", "that are opt-outs at a connection, or opt-ins", _EXPLAINED
    ),
    "providers.keywords:WORD_MAX": Limit("characters", "one of these words", _EXPLAINED),
    "providers.keywords:_TEXT_MAX": Limit(
        "characters", "a message that may be one of them", "no opt-out"
    ),
    "providers.keywords:_CONFIGS_MAX": Limit(
        "lists of them", "kept ready in a worker", "made ready again"
    ),
    "providers.smsportal_config:WORDS_MAX": Limit(
        "words", "of WhatsApp's statuses, at SMSPortal", _EXPLAINED
    ),
    "providers.smsportal_config:NAMES_MAX": Limit(
        "names", "of fields in templates at SMSPortal", _EXPLAINED
    ),
    "providers.smsportal_config:TOLERANCE_MAX_S": Limit(
        SECONDS, "that SMSPortal's time of signing may be away from now", _EXPLAINED
    ),
    "providers.smsportal_config:_OFFSETS_MAX": Limit(
        "offsets", "from UTC, kept ready in a worker", "made ready again"
    ),
    "providers.twilio_proof:_ORIGINS_MAX": Limit(
        "origins", "of callback URLs at Twilio, kept ready in a worker", "made ready again"
    ),
    "providers.smsportal_fields:DEPTH_MAX": Limit(
        "levels", "at which SMSPortal's fields are looked for", "not found"
    ),
    "providers.smsportal_fields:LEAVES_MAX": Limit(
        "fields", "of a callback of SMSPortal's that are looked at", "not found"
    ),
    "providers.link_send:REFERENCE_MAX": Limit(
        CHARACTERS, "a reference sent through LINK Denmark", "refused"
    ),
    "providers.smsportal_send:BATCH_MAX": Limit(
        "messages", "in one request to SMSPortal", "another request"
    ),
    "providers.smsportal_send:ROUNDS_MAX": Limit(
        "requests", "to SMSPortal for one batch", "told to come again"
    ),
    "providers.smsportal_send:TEXT_MAX": Limit(
        CHARACTERS, "a text sent through SMSPortal", "refused"
    ),
    "providers.smsportal_send:REFERENCE_MAX": Limit(
        CHARACTERS, "a reference sent through SMSPortal", "refused"
    ),
    "providers.smsportal_send:DESCRIPTION_MAX": Limit(
        CHARACTERS, "what SMSPortal says of an error", "cut"
    ),
    "providers.smsportal_send:KEYS_MAX": Limit(
        "values", "of an answer of SMSPortal's, for each message of a batch", "not looked at"
    ),
}
