"""The limits of what people ask the installation for: beside limits_table.py, in the same form."""

from scripts.limits_kinds import BYTES, CHARACTERS, MILLISECONDS, SECONDS, Limit

_EXPLAINED = "422, says so"
_COME_AGAIN = "503, come again"

ASKED: dict[str, dict[str, Limit]] = {
    "Searching and trying out": {
        "api.messages:STATUSES_MAX": Limit(CHARACTERS, "that name statuses", _EXPLAINED),
        "domain.finding:TEXT_MAX": Limit(CHARACTERS, "that are searched for", _EXPLAINED),
        "domain.finding:IDS_MAX": Limit("ids", "looked up of those in a text", "left out"),
        "services.find:HITS_MAX": Limit("things", "found by a search", "left out, and a note"),
        "services.find:EACH_MAX": Limit("things", "found by one of its look-ups", "likewise"),
        "services.signature_checks:BODY_MAX": Limit(
            BYTES, "of a body whose signature is checked", _EXPLAINED
        ),
        "api.signature_checks:TOLERANCE_MAX_S": Limit(
            SECONDS, "that its timestamp may be off", _EXPLAINED
        ),
        "api.signature_checks:HEADERS_MAX": Limit("headers", "of it", _EXPLAINED),
        "api.signature_checks:_SECRET_MAX": Limit(CHARACTERS, "of a secret", _EXPLAINED),
        "services.dry_run:LAST_MAX": Limit("events", "that a filter is tried on", _EXPLAINED),
    },
    "Changing connections, and explaining refusals": {
        "services.resuming:HELD_MAX": Limit(
            "callbacks", "held of a connection whose processing is paused", _COME_AGAIN
        ),
        "services.resuming:HELD_BYTES_MAX": Limit(
            BYTES, "that they may have together", _COME_AGAIN
        ),
        "services.resuming:BATCH_MAX": Limit(
            "callbacks", "that were held, read at a time", "the others wait"
        ),
        "services.resuming:BATCH_BYTES_MAX": Limit(
            BYTES, "that they may have together", "the others wait"
        ),
        "services.resuming:GRACE_MS": Limit(
            MILLISECONDS, "for which more may turn up once it goes on", "it counts as worked off"
        ),
        "services.resuming:_WEIGHED_MAX": Limit(
            "callbacks", "that are held, weighed at a time", "the others a moment later"
        ),
        "services.receive:PAUSED_RETRY_S": Limit(
            SECONDS,
            "after which a provider may come again whose intake is paused",
            "the same answer",
        ),
        "services.figures:HELD_OF_MAX": Limit(
            "connections", "of which what is held is counted for the metrics", "left out"
        ),
        "services.silence:CONNECTIONS_MAX": Limit(
            "connections", "told of by themselves in the metrics", "newer ones are left out"
        ),
        "services.silence:EVERY_S": Limit(
            SECONDS, "between two looks at how they are heard, for the metrics", "the last again"
        ),
        "services.silence:PATIENCE_S": Limit(
            SECONDS, "for such a look", "the metrics say nothing of connections"
        ),
        "services.silence:TOGETHER": Limit(
            "connections", "of such a look in one query", "in turn, the next look goes on"
        ),
        "services.figures:HELD_COUNTED": Limit(
            "callbacks", "held of a connection, counted for the metrics", "not counted"
        ),
        "api.connections:HELD_COUNTED": Limit(
            "callbacks", "held of a connection, counted for the API", "says at least so many"
        ),
        "api.connections:REASON_MAX": Limit("characters", "in the reason of a pause", _EXPLAINED),
        "services.connection_changes:OVERLAP_S": Limit(
            SECONDS, "that earlier secrets count if nothing is said", "they end"
        ),
        "services.connection_changes:OVERLAP_MAX_S": Limit(
            SECONDS, "that they may count", _EXPLAINED
        ),
        "services.connection_changes:EARLIER_MAX": Limit(
            "earlier configs", "that count at once", "409, says so"
        ),
        "services.connection_changes:REMEMBERED_MS": Limit(
            MILLISECONDS, "that one is kept beyond its end, for explanations", "forgotten"
        ),
        "services.explain:TRIES_MAX": Limit(
            "causes", "tried for a refused callback", "what was checked is told"
        ),
        "services.explain:PATIENCE_S": Limit(SECONDS, "that this may take", "likewise"),
        "services.explain:BODY_MAX": Limit(
            BYTES, "of a body that rewritten ones are tried of", "left out"
        ),
        "providers.twilio_explain:BODY_MAX": Limit(
            BYTES, "of a body that Twilio's own ways are looked for in", "not looked for"
        ),
        "providers.twilio_explain:FIELDS_MAX": Limit(
            "fields", "each of which is left out in turn", "not looked for"
        ),
        "providers.twilio_explain:QUERY_MAX": Limit(
            CHARACTERS, "of a URL that is tried with its query written otherwise", "not tried"
        ),
        "providers.whatsapp_explain:BODY_MAX": Limit(
            BYTES, "of a body that Meta's own ways are looked for in", "not looked for"
        ),
        "providers.header_words:HEADERS_MAX": Limit(
            "headers", "in which a secret is looked for", "not looked for"
        ),
        "providers.smsportal_proofs:EXPLAINED_MAX": Limit(
            BYTES, "of a body whose signature is looked for in other headers", "not looked for"
        ),
        "providers.smsportal_proofs:SIGNATURE_MAX": Limit(
            CHARACTERS, "of a header that may be a signature or a time", "not looked at"
        ),
        "providers.smsportal_proofs:NAMES_MAX": Limit(
            "headers", "that are tried as the signature, and as its time", "not tried"
        ),
        "services.explain:OTHERS_MAX": Limit(
            "connections", "whose secrets are tried as well", "left out"
        ),
    },
    "Suppressions": {
        "domain.consent:TEXT_MAX": Limit(
            CHARACTERS, "of an address, a sender, a channel, a purpose of an opt-out", "cut"
        ),
        "domain.consent:EVIDENCE_MAX": Limit("fields", "of what an opt-out rests on", "left out"),
        "domain.consent:EVIDENCE_TEXT_MAX": Limit(CHARACTERS, "of one of them", "cut"),
        "services.moves:HOPS_MAX": Limit(
            "moves of a person", "that an opt-out is carried over that comes after them", "stays"
        ),
        "storage.suppressions:HISTORY_MAX": Limit(
            "words", "of an address that are shown with an opt-out", "the newest are shown"
        ),
    },
    "The demo's data sets": {
        "services.demo.player:LANE_MAX": Limit("steps", "of a lane that wait", "the story waits"),
        "services.demo.player:_AGAIN_MAX": Limit(
            "times", "for which a step is told that is not taken", "left out"
        ),
        "services.demo.receiver:REQUESTS_MAX": Limit("requests", "at its receivers", "503"),
        "services.demo.receiver:CONNECTIONS_MAX": Limit("connections", "to them", "503"),
    },
    "Ends of deliveries": {
        "services.conclude:CONCLUDE_S": Limit(
            SECONDS, "for which it is tried to store what follows from one", "a retry after 5 s"
        ),
    },
    "Figures": {
        "storage.rollups:TAIL_MAX": Limit(
            "",
            "events, attempts or callbacks counted for an answer, not folded yet",
            "`complete` is false",
        ),
        "storage.rollups:EXPIRED_MAX": Limit(
            "roll-ups", "removed in one turn", "the rest in the next turn"
        ),
        "services.folding:CHUNK": Limit("", "folded in one transaction", "the next one"),
        "services.overview:YOUNGEST_MAX": Limit(
            "messages", "whose ages are looked at one by one", "ages to the minute"
        ),
        "services.overview:BACKLOG_MAX": Limit(
            "deliveries", "counted, of all endpoints together", "`at_least`"
        ),
        "services.stats:TYPED_MAX": Limit(
            "attempts", "of an endpoint that are told apart by type", "older ones are left out"
        ),
        "services.stats:SKEW_OF_MAX": Limit(
            "callbacks", "of a connection that its skew is told from", "older ones are left out"
        ),
        "services.stats:VERDICTS_MAX": Limit(
            "callbacks", "told of one connection, with their reasons", "older ones are left out"
        ),
        "services.stats:FAILURES_MAX": Limit(
            "messages",
            "of a connection that codes in no table are looked for in",
            "older ones are left out, and the answer says so",
        ),
        "services.stats:CODES_MAX": Limit(
            "codes",
            "in no table, told of one connection",
            "rarer ones are left out, and the answer says so",
        ),
        "services.stats:CODE_LENGTH_MAX": Limit("characters", "of such a code", "it is cut"),
        "services.stats:LISTED_MAX": Limit(
            "", "endpoints or connections in a list of figures", "older ones are left out"
        ),
        "services.hearing:CONNECTIONS_MAX": Limit(
            "connections", "in the overview", "the older ones are left out"
        ),
        "services.attention:NEEDS_MAX": Limit(
            "", "things that need a person", "the others are left out"
        ),
    },
}
