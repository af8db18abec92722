"""What sounds like a limit and is none, with the reason: beside scripts/limits_table.py."""

# Constants that sound like a limit of ours and are none: why.
NO_LIMITS = {
    "storage.rollups:CUT_MAX": "how much shorter than its limit a stretch of the feed may be",
    "services.doctor.database:PER_WORKER": "what a worker opens, added up from the limits above",
    "services.doctor.disk:LOW_BYTES": "free space below which the doctor warns",
    "services.doctor.disk:FULL_BYTES": "free space below which the doctor sees a problem",
    "cli.options:_KEPT": "the name under which options are kept",
    "domain.targets:_KEPT": "the characters that a URL keeps as they are",
    "domain.signing:SECRET_BYTES": "the size of a secret that we make",
    "services.manage:_TOKEN_BYTES": "the size of a token that we make",
    "services.sign_in:_SECRET_BYTES": "the size of a secret that we make",
    "services.keys:_BYTES": "the size of a key that we make",
    "services.flood:_LIMITED": "which outcomes are held down",
    "services.timeline:_READ_MAX": "one more than ENTRIES_MAX, to see whether there is more",
    "services.delivery_log:_EVENTS_CHUNK": "a step towards _EVENTS_MAX",
    "storage.messages:_CHUNK": "a step towards _SEARCHED_MAX",
    "providers.simulator:DELAY_MAX_MS": "of the simulator's own settings; refused beyond",
    "providers.linkmobility_send:BATCH_MAX": "the provider's limit",
    "providers.linkmobility_send:TEXT_MAX": "the provider's limit",
    "providers.linkmobility_send:REFERENCE_MAX": "the provider's limit",
    "providers.linkmobility_send:VALIDITY_MAX_MS": "the provider's limit",
    "providers.whatsapp_send:TEXT_MAX": "the provider's limit",
    "providers.whatsapp_send:CAPTION_MAX": "the provider's limit",
    "providers.whatsapp_send:BUTTONS_MAX": "the provider's limit",
    "providers.whatsapp_send:BUTTON_TITLE_MAX": "the provider's limit",
    "providers.whatsapp_send:ROWS_MAX": "the provider's limit",
    "providers.whatsapp_send:ROW_TITLE_MAX": "the provider's limit",
    "providers.whatsapp_send:REFERENCE_MAX": "the provider's limit",
    "providers.whatsapp_send:MESSAGE_ID_MAX": "the provider's limit",
    "providers.whatsapp_send:WAIT_MAX_S": "of a provider's word for how long to wait",
    "providers.whatsapp:QUERY_MAX": "of a handshake; a longer one is refused",
    "providers.recorded:HEADERS_MAX": "of recorded requests in tests",
    "transport.incoming:TOO_LARGE": "an answer",
    "services.crew:EARLY_MAX": "how many workers may end at once before it is given up",
    "services.sends:_QUEUED": "a status",
    "services.supervise:_ASK_MAX_S": "a pause between two looks whether the server answers yet",
    "domain.strict_json:_HIGH": "bytes beyond ASCII",
    # What providers take at most: more is refused before it is sent.
    **dict.fromkeys(
        (
            f"providers.bandwidth_send:{name}"
            for name in (
                "TEXT_MAX",
                "RBM_TEXT_MAX",
                "TAG_MAX",
                "MEDIA_MAX",
                "MEDIA_URL_MAX",
                "RBM_URL_MAX",
                "LABEL_MAX",
                "SUGGESTIONS_MAX",
                "CARD_SUGGESTIONS_MAX",
                "CARDS_MAX",
            )
        ),
        "the provider's limit",
    ),
}
