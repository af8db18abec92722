"""What is recorded, as commands: events, messages, deliveries, attempts, callbacks, the audit log.

Values only.
"""

from ringback.cli.declared import Column, Command, Option, Resource

_ID = Column("id", "id", "id")
_DELIVERY_STATUS = ("pending", "scheduled", "delivered", "exhausted", "cancelled")
_OUTCOMES = (
    "accepted", "duplicate", "rejected", "quarantined", "unparsed", "unrecognised", "unmatched",
    "held",
)  # fmt: skip

EVENTS = Resource(
    "events", "The canonical facts that endpoints are sent.", "event",
    (
        Command(
            "list", "list", "GET", "/v1/events",
            "List events in the order of the feed, newest first; with --after oldest first. "
            "`ringback tail events` goes on with what comes.",
            (
                Option("type", "Whole types, or families such as message.*, with commas.",
                       metavar="TYPE"),
                Option("message", "The events of one message.", metavar="ID"),
                Option("after", "From where on: 15m, a time, an id, earliest, a cursor.", "place",
                       metavar="WHERE"),
                Option("since", "From then on: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
                Option("until", "Before then: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
            ),
            examples=(
                "events list --type 'message.*'", "events list -o jsonl --all > events.jsonl",
            ),
        ),
        Command(
            "get", "get", "GET", "/v1/events/{id}", "Show events as every endpoint is sent them.",
            examples=("events get evt_01… -o json",),
        ),
        Command(
            "match", "make", "POST", "/v1/event-matches",
            "Try a filter on the last events: which of them an endpoint with these types would "
            "have been sent, and why. Nothing is sent.",
            (
                Option("event_types", "Which events: message.delivered, message.*, or *.", "list",
                       metavar="TYPE", required=True),
                Option("last", "How many of the last events to look at; 1,000 at most.", "whole",
                       metavar="N"),
            ),
            examples=("events match --event-types 'message.*,shop.order_paid'",),
        ),
    ),
    (
        _ID, Column("type", "type"), Column("about", "data.message.to|subject"),
        Column("happened", "timestamp", "time"),
        Column("no", "data.sequence|sequence", "number", wide=True),
        Column("message", "data.message.id", "id", wide=True),
    ),
)  # fmt: skip

MESSAGES = Resource(
    "messages", "Texts to and from people, as they stand.", "message",
    (
        Command(
            "list", "list", "GET", "/v1/messages",
            "List messages, newest first, or those that fit all of the filters.",
            (
                Option("to", "A whole address, or its last digits (4+).", metavar="ADDRESS"),
                Option("from", "A whole address, or its last digits (4+).", metavar="ADDRESS"),
                Option("reference", "The sender's own name for it.", metavar="TEXT"),
                Option("provider_message_id", "The provider's id of it.", metavar="ID"),
                Option("status", "How they stand; several with commas.", metavar="STATUS"),
                Option("direction", "To people, or from them.", choices=("inbound", "outbound")),
                Option("channel", "Such as sms or whatsapp.", metavar="NAME"),
                Option("provider", "Such as bandwidth.", metavar="NAME"),
                Option("connection", "The messages of one connection.", metavar="ID"),
                Option("since", "From then on: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
                Option("until", "Before then: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
            ),
            examples=(
                "messages list --to 0123", "messages list --reference order-48213",
                "messages list --status failed,expired --since 2h",
            ),
        ),
        Command(
            "get", "get", "GET", "/v1/messages/{id}", "Show messages as they stand.",
            examples=("messages get msg_01…",),
        ),
        Command(
            "timeline", "draw", "GET", "/v1/messages/{id}/timeline",
            "Draw a message's whole story: what came in, what was told to whom, how that went. "
            "With -o jsonl, one entry a line.",
            many=False, examples=("messages timeline msg_01…",),
        ),
        Command(
            "file", "get", "GET", "/v1/media/{id}",
            "Show files that came with messages, each with a fresh link to it.",
            examples=("messages file med_01…",),
        ),
    ),
    (
        _ID, Column("status", "status|direction", "status"),
        Column("to", "to"), Column("reference", "reference"),
        Column("known", "created_at", "time"), Column("from", "from", wide=True),
        Column("provider", "provider", wide=True), Column("error", "error.code", wide=True),
    ),
)  # fmt: skip

DELIVERIES = Resource(
    "deliveries", "One event owed to one endpoint, and how that stands.", "delivery",
    (
        Command(
            "list", "list", "GET", "/v1/deliveries", "List deliveries, newest first.",
            (
                Option("endpoint", "The deliveries to one endpoint.", metavar="ID"),
                Option("event", "The deliveries of one event.", metavar="ID"),
                Option("status", "How they stand.", choices=_DELIVERY_STATUS),
                Option("type", "Of events of these types, or families, with commas.",
                       metavar="TYPE"),
                Option("since", "From then on: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
                Option("until", "Before then: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
            ),
            examples=("deliveries list --status exhausted",),
        ),
        Command(
            "get", "get", "GET", "/v1/deliveries/{id}", "Show deliveries with all their attempts.",
            examples=("deliveries get dlv_01…",),
        ),
        Command(
            "replay", "act", "POST", "/v1/deliveries/{id}/replay",
            "Deliver events once more, each under its own webhook-id.",
            examples=(
                "deliveries replay dlv_01…",
                "deliveries list --status exhausted --all -o id | ringback deliveries replay -",
            ),
            sends=False, done="Replayed",
        ),
    ),
    (
        _ID, Column("type", "event_type"), Column("status", "status", "status"),
        Column("try", "attempts", "number"), Column("last", "last_attempt.status|"
        "last_attempt.error"), Column("made", "created_at", "time"),
        Column("next", "next_attempt_at", "time", wide=True),
        Column("endpoint", "endpoint", "id", wide=True), Column("event", "event", "id", wide=True),
    ),
)  # fmt: skip

ATTEMPTS = Resource(
    "attempts", "The HTTP requests made for deliveries, with their answers.", "attempt",
    (
        Command(
            "list", "list", "GET", "/v1/attempts", "List attempts, newest first.",
            (
                Option("event", "The attempts at delivering one event.", metavar="ID"),
                Option("endpoint", "The attempts at one endpoint.", metavar="ID"),
                Option("status", "Those with this answer: 503, or 5xx.", metavar="STATUS"),
                Option("final", "The last ones, by how they ended.", choices=_DELIVERY_STATUS),
                Option("since", "From then on: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
                Option("until", "Before then: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
            ),
            examples=("attempts list --endpoint end_01…",),
        ),
        Command(
            "get", "get", "GET", "/v1/attempts/{id}",
            "Show attempts with what was sent, what was answered, and the timings.",
            examples=("attempts get att_01…",),
        ),
    ),
    (
        _ID, Column("answer", "status|error", "status"), Column("ms", "ms", "number"),
        Column("try", "n", "number"), Column("end", "final", "status"), Column("at", "at", "time"),
        Column("decision", "decision", wide=True), Column("endpoint", "endpoint", "id", wide=True),
        Column("event", "event", "id", wide=True),
    ),
)  # fmt: skip

CALLBACKS = Resource(
    "callbacks", "What providers posted, whole, and what became of it.", "callback",
    (
        Command(
            "list", "list", "GET", "/v1/callbacks",
            "List callbacks, newest first: also those that were refused.",
            (
                Option("outcome", "What became of them.", choices=_OUTCOMES),
                Option("connection", "The callbacks of one connection.", metavar="ID"),
                Option("since", "From then on: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
                Option("until", "Before then: 2h, 7d, a time, or an id.", "past", metavar="WHEN"),
            ),
            examples=("callbacks list --outcome rejected",),
        ),
        Command(
            "get", "get", "GET", "/v1/callbacks/{id}",
            "Show callbacks as they came, with their headers and bodies.",
            examples=("callbacks get cbk_01…",),
        ),
        Command(
            "reparse", "act", "POST", "/v1/callbacks/{id}/reparse",
            "Read stored callbacks with today's parser; only to see what they say, unless "
            "--effects.",
            (Option("effects", "Merge, number and deliver what is new in them.", "flag"),),
            examples=("callbacks reparse cbk_01…", "callbacks reparse cbk_01… --effects"),
        ),
    ),
    (
        _ID, Column("outcome", "outcome", "status"), Column("provider", "provider"),
        Column("items", "items", "number"), Column("received", "received_at", "time"),
        Column("reason", "reason"), Column("message", "message", "id", wide=True),
    ),
)  # fmt: skip

SUPPRESSIONS = Resource(
    "suppressions", "Who wants no messages, and what that rests on.", "suppression",
    (
        Command(
            "list", "list", "GET", "/v1/suppressions",
            "List the opt-outs that are in force, newest first.",
            (
                Option("address", "A whole address, or its last digits (4+).", metavar="ADDRESS"),
                Option("since", "Known from then on: 2h, 7d, a time, or an id.", "past",
                       metavar="WHEN"),
                Option("until", "Known before then: 2h, 7d, a time, or an id.", "past",
                       metavar="WHEN"),
            ),
            examples=("suppressions list --address 0123",),
        ),
        Command(
            "get", "get", "GET", "/v1/suppressions/{id}",
            "Show opt-outs, with everything that was said of their addresses.",
            examples=("suppressions get opt_01…",),
        ),
        Command(
            "remove", "remove", "DELETE", "/v1/suppressions/{id}",
            "Take opt-outs back by hand. The ledger and the audit log say who did it.",
            examples=("suppressions remove opt_01…",), done="Removed",
        ),
    ),
    (
        _ID, Column("address", "contact.value"), Column("sender", "sender"),
        Column("channel", "channel"), Column("since", "since", "time"),
        Column("source", "source"), Column("provider", "provider", wide=True),
        Column("purpose", "purpose", wide=True), Column("message", "message", "id", wide=True),
    ),
)  # fmt: skip

AUDIT = Resource(
    "audit", "Who changed what people configure, and what was done by hand.", "entry",
    (
        Command(
            "list", "list", "GET", "/v1/audit-log", "List what was done, newest first.",
            (
                Option("action", "One kind of act, such as endpoint.created.", metavar="ACTION"),
                Option("object", "What was done to one object, by its id.", metavar="ID"),
                Option("actor", "The id of a key, or installation.", metavar="ID"),
            ),
            examples=("audit list --object end_01…",),
        ),
    ),
    (
        Column("at", "at", "time"), Column("action", "action"), Column("object", "object", "id"),
        Column("actor", "actor", "id", wide=True), Column("detail", "detail", wide=True),
    ),
)  # fmt: skip

EVENT_TYPES = Resource(
    "event-types", "The catalogue of event types.", "event type",
    (
        Command(
            "list", "list", "GET", "/v1/event-types", "List all types of event.", paged=False,
            examples=("event-types list",),
        ),
        Command(
            "get", "get", "GET", "/v1/event-types/{id}",
            "Show types: what each means, its schemas, an example.",
            argument="NAME…", argument_help="Names of types; - reads them from standard input.",
            examples=("event-types get message.delivered -o json",),
        ),
        Command(
            "schema", "get", "GET", "/v1/event-types/{id}/schemas/{version}",
            "Show one version of a type's JSON Schema.",
            (Option("version", "Which one; event-types get names them.", "whole", metavar="N",
                    required=True),),
            argument="NAME", argument_help="The name of a type.", many=False,
            examples=("event-types schema shop.order_paid --version 1 -o json",),
        ),
        Command(
            "describe", "change", "PUT", "/v1/event-types/{id}",
            "Say what a type of your own means, what its data has to look like, and when it ends. "
            "What is not given stays.",
            (
                Option("description", "What it means.", metavar="TEXT"),
                Option("schema", "JSON Schema of its data: JSON, @FILE or -; null: it is free.",
                       "json", metavar="JSON"),
                Option("example", "An example of its data, in the same ways.", "json",
                       metavar="JSON"),
                Option("deprecated", "Whether publishing it is answered with a warning.", "flag"),
                Option("deprecation_note", "What to use instead.", metavar="TEXT"),
                Option("archived", "Whether publishing it is refused.", "flag"),
            ),
            argument="NAME", argument_help="The name of a type of your own.", many=False,
            examples=(
                "event-types describe shop.order_paid --schema @schema.json --example @paid.json",
                "event-types describe shop.order_paid --deprecated",
            ),
        ),
        Command(
            "delete", "remove", "DELETE", "/v1/event-types/{id}",
            "Forget what types of your own mean, with all versions of their schemas.",
            argument="NAME…", argument_help="Names of types; - reads them from standard input.",
            examples=("event-types delete shop.order_paid",), done="Forgot",
        ),
    ),
    (
        Column("name", "name", "id"), Column("description", "description"),
        Column("own", "own", wide=True), Column("emitted", "emitted", wide=True),
        Column("deprecated", "deprecated", wide=True), Column("archived", "archived", wide=True),
    ),
    key="name",
)  # fmt: skip

INSPECTOR = Resource(
    "inspector", "What was posted to /inspect/NAME; for test keys.", "name",
    (
        Command(
            "list", "list", "GET", "/v1/inspect/{id}", "List the last requests to /inspect/NAME.",
            argument="NAME", argument_help="The last part of /inspect/NAME.", many=False,
            examples=("inspector list demo",),
        ),
        Command(
            "clear", "remove", "DELETE", "/v1/inspect/{id}", "Forget the requests of a name.",
            argument="NAME", argument_help="The last part of /inspect/NAME.",
            examples=("inspector clear demo --yes",), done="Cleared",
        ),
    ),
    (
        Column("received", "received_at", "time"), Column("method", "method"),
        Column("answered", "answered", "status"), Column("type", "parsed.type"),
        Column("event", "parsed.id", "id"), Column("body", "body.text", wide=True),
    ),
)  # fmt: skip
