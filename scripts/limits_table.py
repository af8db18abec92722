"""The limits by name: what each constant holds down, and what happens beyond it.

The numbers stand in the code alone; scripts/limits.py reads them there and writes docs/limits.md.
A name is a module, a colon and a constant, or a field of a class with its default.
"""

from scripts.limits_files import FILES
from scripts.limits_kinds import BYTES, CHARACTERS, DAYS, MILLISECONDS, NUMBER, SECONDS, Limit
from scripts.limits_people import PEOPLE
from scripts.limits_sources import CALLBACKS, MAPPINGS, SOURCES
from scripts.limits_trials import TRIALS

_CUT = "cut"
_HUNG_UP = "the connection is closed"
_AGAIN = "the rest in the next turn"
_EXPLAINED = "422, says so"
_PAGE = "a shorter page, and `next`"
_FURTHER = "a shorter page, and `more`"

LIMITS: dict[str, dict[str, Limit]] = {
    "Requests of providers and publishers": {
        "transport.incoming:BODY_MAX": Limit(BYTES, "a body", "413"),
        "transport.incoming:LARGE_MAX": Limit(
            BYTES, "bodies under way, beyond the first 64 KiB of each", "503"
        ),
        "transport.incoming:OWN_BODY": Limit(BYTES, "of each body, beside those", "see above"),
        "transport.incoming:HEAD_MAX": Limit(BYTES, "the header fields", "431"),
        "transport.incoming:HEADERS_MAX": Limit("lines", "the header fields", "431"),
        "transport.incoming:URL_MAX": Limit(BYTES, "path and query", "414"),
        "transport.incoming:Times.head_s": Limit(SECONDS, "until a head is whole", "408"),
        "transport.incoming:Times.receive_s": Limit(SECONDS, "until a request is whole", "408"),
        "transport.incoming:Times.idle_s": Limit(SECONDS, "between two requests", _HUNG_UP),
        "transport.incoming:Times.write_s": Limit(
            SECONDS, "for which a caller may not read its answer", _HUNG_UP
        ),
        "transport.incoming:Times.linger_s": Limit(
            SECONDS, "for a caller to hear that it was refused", _HUNG_UP
        ),
        "transport.listener:LINGER_BYTES_MAX": Limit(
            BYTES, "that it may go on sending meanwhile", _HUNG_UP
        ),
        "transport.listener:AHEAD_MAX": Limit(
            "requests", "sent before the first is answered", "answered, then the connection ends"
        ),
        "transport.server:REQUESTS_MAX": Limit("requests", "under way, of all kinds", "503"),
        "transport.server:CONNECTIONS_MAX": Limit("connections", "that are open", "503"),
        "transport.server:BACKLOG_MAX": Limit(
            "connections", "that wait to be accepted", "the kernel refuses them"
        ),
        "services.receive:REJECTED_KEPT": Limit(BYTES, "of a rejected body that is kept", _CUT),
        "services.receive:LARGE": Limit(
            BYTES, "a callback that shares a commit with others", "another connection"
        ),
        "services.publish:LARGE": Limit(
            BYTES, "a publication that shares a commit with others", "another connection"
        ),
        "services.request_log:LINES_MAX": Limit(
            "lines", "of a worker's request log in a second, unless all are asked for", "counted"
        ),
        "services.flood:LISTED_PER_HOUR": Limit(
            NUMBER, "duplicates, and rejected ones, kept of a connection in an hour", "counted"
        ),
        "services.flood:QUARANTINED_BYTES_PER_HOUR": Limit(
            BYTES, "quarantined of a connection in an hour", "refused, and counted"
        ),
        "services.flood:_CONNECTIONS_MAX": Limit(
            "pairs", "of connection and outcome, counted for that", "counting begins anew"
        ),
        "services.pressure:PROVIDER_WAIT_MAX_S": Limit(
            SECONDS, "that a callback waits while deliveries are behind", "it is taken"
        ),
        "services.pressure:WAIT_MAX_S": Limit(
            SECONDS, "that a publisher waits while deliveries are behind", "429"
        ),
        "services.talk:STEPS_MAX": Limit("requests", "that one send or fetch needs", "an error"),
        "services.talk:TOKENS_MAX": Limit(
            "access tokens", "kept in memory", "the oldest are fetched again"
        ),
        "services.pressure:WAITERS_MAX": Limit(
            "requests", "that wait so at a time", "429; callbacks are taken at once"
        ),
    },
    "What callbacks say": {
        "services.arrivals:ITEMS_MAX": Limit("items", "of one callback", "kept as *unparsed*"),
        "services.slices:SLICE_ITEMS": Limit(
            "items", "of a callback that are committed at once", "the next ones are, after these"
        ),
        "domain.strict_json:DEPTH_MAX": Limit("levels", "of JSON", "*unparsed*, or 400"),
        "domain.strict_json:NUMBER_MAX": Limit(CHARACTERS, "of a JSON number", "the same"),
        "domain.strict_json:COMMAS_MAX": Limit(
            "commas", "between what stands in a JSON body", "the same"
        ),
        "domain.strict_json:MENDED_MAX": Limit(
            "faults",
            "in the strings of a callback that cost only their item",
            "all of it is *unparsed*",
        ),
        "providers.xml_reading:SIZE_MAX": Limit(BYTES, "of XML", "*unparsed*"),
        "providers.xml_reading:DEPTH_MAX": Limit("levels", "of XML", "*unparsed*"),
        "providers.xml_reading:NODES_MAX": Limit(
            "elements and attributes", "of one XML body", "*unparsed*"
        ),
        "providers.reading:ID_MAX": Limit(
            CHARACTERS, "ids and addresses", "left out; an item without its id is *unparsed*"
        ),
        "providers.reading:REFERENCE_MAX": Limit(CHARACTERS, "a reference", "left out"),
        "providers.reading:TEXT_MAX": Limit(CHARACTERS, "a text or a caption", _CUT),
        **CALLBACKS,
        "providers.reading:KIND_MAX": Limit(CHARACTERS, "what an item calls itself", "`unknown`"),
        "providers.reading:GROUP_MAX": Limit("recipients", "listed of a group message", _CUT),
        "providers.error_table:CODE_MAX": Limit(CHARACTERS, "a provider's error code", _CUT),
        "providers.error_table:DESCRIPTION_MAX": Limit(
            CHARACTERS, "a provider's description of an error", _CUT
        ),
        "providers.error_table:RANGE_MAX": Limit(
            "codes", "of one range in an adapter's table of errors", "it does not start"
        ),
        "domain.messages:FACTS_KEPT": Limit(
            "facts", "listed of a message", "they count, and are not listed"
        ),
        "domain.messages:PARTS_MAX": Limit("parts", "of a message", "counted as the last"),
        "services.batch:SEEN_MAX": Limit(
            "hashes", "of facts that lie in a message's row", "in a table of their own"
        ),
        "services.batch:PENDING_S": Limit(
            SECONDS, "that an early report waits for its message", "shown as observed"
        ),
        "domain.search:VALUE_MAX": Limit(CHARACTERS, "that something is found by", _CUT),
    },
    "Generic sources": SOURCES,
    "Mappings": MAPPINGS,
    "Published events": {
        "providers.native_items:ITEMS_MAX": Limit("items", "posted to a native connection", "422"),
        "providers.native_items:FAULTS_MAX": Limit("faults", "named in its answer", "left out"),
        "providers.native_items:FIELDS_MAX": Limit("fields", "of an item", "422"),
        "providers.native_items:TAGS_MAX": Limit("tags", "of an item", _EXPLAINED),
        "providers.native_items:METADATA_MAX": Limit("pairs", "in its metadata", _EXPLAINED),
        "domain.orders:NUMBERS_MAX": Limit(
            "numbers", "of an order, and in one item about it", "422; the others are left out"
        ),
        "providers.native_items:DURATION_MAX": Limit(SECONDS, "that a call lasts", "422"),
        "providers.native_items:WORD_MAX": Limit(CHARACTERS, "a tag, a code, a key of it", "422"),
        "providers.native_items:VALUE_MAX": Limit(CHARACTERS, "a value of it, a campaign", "422"),
        "domain.publishing:EVENTS_MAX": Limit("events", "in one request", _EXPLAINED),
        "domain.publishing:DATA_MAX": Limit(BYTES, "an event's `data`", _EXPLAINED),
        "domain.publishing:SUBJECT_MAX": Limit(CHARACTERS, "a subject", _EXPLAINED),
        "domain.publishing:DELIVER_TO_MAX": Limit("endpoints", "named for an event", _EXPLAINED),
        "services.own_types:TYPES_MAX": Limit(
            "types", "described by a tenant, in each mode", "409"
        ),
        "services.own_types:VERSIONS_MAX": Limit("versions", "of a type's schema", "409"),
        "services.own_types:EXAMPLE_MAX": Limit(BYTES, "a type's example", _EXPLAINED),
        "domain.json_schemas:SCHEMA_MAX": Limit(BYTES, "a type's schema", _EXPLAINED),
        "domain.json_schemas:LEVELS_MAX": Limit("levels", "of a schema", _EXPLAINED),
        "domain.json_schemas:WEIGHT_MAX": Limit(
            NUMBER, "a schema's weight: how often it looks at a part of `data` at most", _EXPLAINED
        ),
        "domain.json_schemas:PATTERN_MAX": Limit(BYTES, "a pattern, compiled", _EXPLAINED),
        "domain.json_schemas:WORK_MAX": Limit(
            NUMBER, "weight times bytes, for all events of a request", _EXPLAINED
        ),
        "domain.json_schemas:LISTED_WORK_MAX": Limit(
            NUMBER, "likewise, to find more than the first fault", "only the first is named"
        ),
        "domain.json_schemas:FAULTS_MAX": Limit("faults", "named for an event", _CUT),
        "domain.json_schemas:COMPILED_KEPT": Limit(
            "schemas", "kept compiled by each worker", "the one used longest ago goes"
        ),
        "services.publish:FAULTS_MAX": Limit("faults", "named for a request", _CUT),
        "api.event_types:DESCRIPTION_MAX": Limit(CHARACTERS, "a type's description", _EXPLAINED),
        "api.event_types:NOTE_MAX": Limit(CHARACTERS, "a note on its end", _EXPLAINED),
        "domain.event_types:TYPE_MAX": Limit(CHARACTERS, "a type", _EXPLAINED),
    },
    "Commits": {
        "services.commit:WAITING_MAX": Limit("requests", "that wait for a commit", "503"),
        "services.commit:BATCH_MAX": Limit("requests", "in one commit", "the next commit"),
        "services.commit:BATCH_BYTES_MAX": Limit(BYTES, "in one commit", "the next commit"),
        "services.commit:SETTLE_S": Limit(
            SECONDS, "that a commit of unknown outcome is followed up", "503"
        ),
        "services.commit:_PASSES_MAX": Limit("passes", "of work that others overtake", "503"),
        "services.commit:_AGAIN_MAX": Limit("repeats", "of a commit that collided", "503"),
        "services.commit:_RECONNECTS_MAX": Limit("new connections", "for one commit", "503"),
        "services.commit:_REFUSED_MAX": Limit("refused connections", "for one commit", "503"),
    },
    "Deliveries": {
        "services.push:CONCURRENT": Limit("requests", "under way, each worker", "they queue"),
        "services.push:PROBES_MAX": Limit(
            "requests", "of these at endpoints that are failing", "they take turns, by lot"
        ),
        "services.push:PER_HOST": Limit(
            "requests", "of these at one host, whoever's endpoints it has", "they wait"
        ),
        "services.slots:QUEUED_PER_ENDPOINT": Limit(
            "deliveries", "of one endpoint in a worker's memory", "they wait in the database"
        ),
        "services.push:QUEUED_MAX": Limit(
            "deliveries",
            "of all endpoints there; each gets a quarter of what is left",
            "an endpoint gets what can be sent at once, the rest waits in the database",
        ),
        "services.push:QUEUED_BYTES": Limit(
            BYTES,
            "bodies that wait for a slot, plus one commit; likewise",
            "an endpoint gets what can be sent at once, the rest waits in the database",
        ),
        "services.push:QUEUED_BYTES_HIGH": Limit(
            BYTES,
            "bodies that wait for a slot, the others' included",
            "an endpoint that has none there gets one, if it can be sent at once",
        ),
        "services.record:READ_MAX": Limit(
            "bodies", "read at a time, before the memory is looked at again", _AGAIN
        ),
        "services.push:UNRECORDED_MAX": Limit(
            "results", "that wait to be recorded", "no request is started; they queue"
        ),
        "services.outcome:RESPONSE_KEPT": Limit(BYTES, "of an answer in the attempt log", _CUT),
        "services.pace:FAILING": Limit(
            "failures", "in a row, and an endpoint is failing", "one request a second"
        ),
        "services.pace:PROBE_S": Limit(
            SECONDS, "between two requests at it, half as much more or less", "they wait"
        ),
        "services.pace:RECOVERED_RATE": Limit(
            "requests", "in the first second after it has answered; then twice as many", "they wait"
        ),
        "services.pace:RESUMED_RATE": Limit(
            "requests",
            "in the first second after a start, or when an endpoint is enabled; likewise",
            "they wait",
        ),
        "services.pace:RATE_MAX": Limit(
            "requests", "a second at an endpoint that is held to a rate", "it is held no more"
        ),
        "services.pace:REFUSALS_IGNORED": Limit(
            "answers", "before a 429 or 503 that is not followed", "it is sent less"
        ),
        "services.record:BATCH_MAX": Limit("results", "recorded at a time", _AGAIN),
        "services.record:CACHE_BYTES": Limit(
            BYTES, "bodies of events that wait behind others", "read from the database"
        ),
        "services.claim:EVERY_S": Limit(SECONDS, "between two claims of what is due", ""),
        "services.claim:CLAIM_MAX": Limit("deliveries", "claimed at a time", _AGAIN),
        "app:ON_THE_WAY_HIGH": Limit("deliveries", "under way before lateness slows", "see above"),
        "services.pressure:UNRECORDED": Limit("results", "unrecorded, likewise", "see above"),
        "services.pressure:LAG_S": Limit(SECONDS, "event loop's lag, likewise", "see above"),
        "domain.retry:RETRY_AFTER_MAX_S": Limit(
            SECONDS, "that a `Retry-After` is followed", "taken as so much"
        ),
        "domain.endpoints:DeliveryPolicy.concurrency": Limit(
            "requests", "at an endpoint at a time, unless it says otherwise", "they queue"
        ),
        "domain.endpoints:DeliveryPolicy.timeout_s": Limit(
            SECONDS, "for an attempt, unless the endpoint says otherwise", "a failure"
        ),
        "app:DRAIN_S": Limit(SECONDS, "for deliveries at SIGTERM", "given to others"),
        "app:QUICK_S": Limit(SECONDS, "likewise by Ctrl-C", "given to others"),
    },
    "Requests that go out": {
        "domain.targets:MAX_URL": Limit(CHARACTERS, "a URL", "refused"),
        "domain.hosts:MAX_HOST": Limit(CHARACTERS, "a host's name", "refused"),
        "transport.encode:MAX_REQUEST_BODY": Limit(BYTES, "a body", "`invalid_request`"),
        "transport.encode:MAX_REQUEST_HEAD": Limit(BYTES, "the head", "`invalid_request`"),
        "transport.wire:MAX_HEAD": Limit(BYTES, "the head of an answer", "`head_too_large`"),
        "transport.wire:MAX_LINES": Limit("lines", "the head of an answer", "`head_too_large`"),
        "transport.wire:MAX_BODY": Limit(BYTES, "of an answer that is read", "cut, closed"),
        "transport.wire:MAX_WIRE": Limit(BYTES, "of an answer, its framing too", "`protocol`"),
        "transport.wire:MAX_INTERIM": Limit("answers", "before the final one", "`protocol`"),
        "transport.client:CONNECTIONS": Limit(
            "requests", "to one origin unless asked otherwise", "they wait"
        ),
        "transport.client:CLOSE_S": Limit(SECONDS, "for closing the client", "it is ended"),
        "transport.pool:MAX_WAITERS": Limit("requests", "waiting for an origin", "`busy`"),
        "transport.pool:MAX_ORIGINS": Limit(
            "origins", "remembered", "those without connections are forgotten"
        ),
        "transport.pool:Limits.open_total": Limit("connections", "open", "`busy`"),
        "transport.pool:Limits.idle_total": Limit("connections", "kept idle", "closed"),
        "transport.pool:Limits.idle_per_origin": Limit(
            "connections", "kept idle to one origin", "closed"
        ),
        "transport.pool:Limits.idle_s": Limit(SECONDS, "that one is kept idle", "closed"),
        "transport.pool:Limits.age_s": Limit(SECONDS, "that one is used", "closed when idle"),
        "transport.dial:MAX_TRIED": Limit("addresses", "tried of a name", "`connect`"),
        "transport.dial:TLS_CLOSE_S": Limit(SECONDS, "for the end of TLS", "cut off"),
        "transport.resolver:MAX_THREADS": Limit("names", "looked up at a time", "they queue"),
        "transport.resolver:SLOW_S": Limit(
            SECONDS, "for a look-up, or its name is a slow one", "see the next"
        ),
        "transport.resolver:MAX_SLOW": Limit(
            "slow names", "looked up at a time", "`busy`: the delivery waits, no attempt is made"
        ),
        "transport.resolver:MAX_QUEUED": Limit("names", "waiting for that", "`busy`, likewise"),
        "transport.resolver:MAX_NAMES": Limit("names", "remembered", "the oldest go"),
        "transport.resolver:MAX_ANSWERS": Limit("addresses", "of one name", "`dns`"),
    },
    "What people configure": {
        "services.manage:ENDPOINTS_MAX": Limit("endpoints", "of a tenant in a mode", "409"),
        "domain.headers:MAX_CUSTOM": Limit("header fields", "of an endpoint's own", _EXPLAINED),
        "domain.headers:MAX_CUSTOM_BYTES": Limit(BYTES, "those together", _EXPLAINED),
        "domain.endpoint_fields:UID_MAX": Limit(CHARACTERS, "an own id", _EXPLAINED),
        "domain.endpoint_fields:METADATA_MAX": Limit("pairs", "of metadata", _EXPLAINED),
        "domain.endpoint_fields:METADATA_KEY_MAX": Limit(
            CHARACTERS, "a key of metadata", _EXPLAINED
        ),
        "domain.endpoint_fields:METADATA_VALUE_MAX": Limit(
            CHARACTERS, "a value of metadata", _EXPLAINED
        ),
        "services.rotation:OVERLAP_MAX_S": Limit(
            SECONDS, "that an old secret signs as well", _EXPLAINED
        ),
        "services.rotation:RETIRING_MAX": Limit("secrets", "that do so at a time", "409"),
        "domain.idempotency:KEY_MAX": Limit(CHARACTERS, "an idempotency key", _EXPLAINED),
        "domain.rate:PER_SECOND_MAX": Limit("requests", "a second that a key may make", "422"),
        "domain.rate:BURST_MAX": Limit("requests", "at once, for the same", _EXPLAINED),
        "services.keys:KEYS_MAX": Limit("keys", "in force, of a tenant in a mode", "409"),
        "services.tenants:TENANTS_MAX": Limit("tenants", "of an installation", "409"),
        "api.api_keys:NAME_MAX": Limit(CHARACTERS, "an API key's name", _EXPLAINED),
        "api.tenants:NAME_MAX": Limit(CHARACTERS, "a tenant's name", _EXPLAINED),
        "services.manage:CONNECTIONS_MAX": Limit("connections", "of a tenant in a mode", "409"),
        "services.manage:TOKEN_MAX": Limit(CHARACTERS, "a token in a URL", _EXPLAINED),
        "services.manage:TEST_ENDPOINT_DAYS": Limit(DAYS, "of a test endpoint", "expired"),
        "domain.event_types:PATTERNS_MAX": Limit("patterns", "of an endpoint", _EXPLAINED),
        "domain.event_types:PATTERN_MAX": Limit(CHARACTERS, "a pattern", _EXPLAINED),
        "domain.delivery_policy:RETRIES_MAX": Limit("retries", "in a schedule", _EXPLAINED),
        "domain.delivery_policy:WAIT_MAX_S": Limit(SECONDS, "between two", _EXPLAINED),
        "domain.delivery_policy:TIMEOUT_MAX_S": Limit(SECONDS, "for an attempt", _EXPLAINED),
        "domain.delivery_policy:CONCURRENCY_MAX": Limit(
            "requests", "at an endpoint at a time", _EXPLAINED
        ),
        "domain.delivery_policy:NETWORKS_MAX": Limit("networks", "opened for one", _EXPLAINED),
        "domain.delivery_policy:HOSTS_MAX": Limit("hosts", "opened for one", _EXPLAINED),
        "domain.delivery_policy:PORTS_MAX": Limit("ports", "opened for one", _EXPLAINED),
        "api.connections:NAME_MAX": Limit(CHARACTERS, "a connection's name", _EXPLAINED),
        "api.endpoints:DESCRIPTION_MAX": Limit(CHARACTERS, "a description", _EXPLAINED),
        "services.snapshot:MATCHED_MAX": Limit(
            "types", "whose endpoints are remembered", "looked up each time"
        ),
    },
    "People and sessions": PEOPLE,
    "Files that people send": FILES,
    "The API": {
        "api.frame:BODY_MAX": Limit(BYTES, "a body", "413"),
        "api.frame:BODIES_MAX": Limit(BYTES, "bodies under way", "429"),
        "api.frame:URL_MAX": Limit(BYTES, "path and query", "414"),
        "api.frame:RECEIVE_S": Limit(SECONDS, "until a request is whole", "408"),
        "api.problems:_ERRORS_MAX": Limit("faults", "named in one answer", "left out"),
        "api.pages:LIMIT_MAX": Limit("rows", "of a page", _EXPLAINED),
        "api.pages:LIMIT_DEFAULT": Limit("rows", "of a page unless asked for", "next page"),
        "storage.lists:SCAN_MAX": Limit("rows", "looked at for one page", _PAGE),
        "storage.messages:VALUES_MAX": Limit(
            "addresses", "that end as asked", "422, asks for more digits"
        ),
        "storage.messages:_SEARCHED_MAX": Limit("messages", "looked at, likewise", _PAGE),
        "storage.deliveries:PER_EVENT_MAX": Limit(
            "rows", "open deliveries read for one page", "not shown"
        ),
        "storage.deliveries:_SCATTERED_MAX": Limit("rows", "of one endpoint, likewise", _PAGE),
        "api.audit:OBJECT_MAX": Limit(CHARACTERS, "an object or actor asked for", _EXPLAINED),
        "storage.attempts:PER_DELIVERY_MAX": Limit("attempts", "of one delivery", "not shown"),
        "services.delivery_log:_EVENTS_MAX": Limit("events", "looked at, likewise", _PAGE),
        "services.timeline:ENTRIES_MAX": Limit("entries", "of a timeline", "`truncated`"),
    },
    "The feed": {
        "api.events:WAIT_MAX_S": Limit(SECONDS, "for which a reader may wait", _EXPLAINED),
        "api.asked:TYPES_MAX": Limit(CHARACTERS, "that name types", _EXPLAINED),
        "api.spans:MOMENT_MAX": Limit(CHARACTERS, "that say a time", _EXPLAINED),
        "services.sieve:LOOKED_AT_MAX": Limit("rows", "looked at for filters and one page", _PAGE),
        "api.feed:AFTER_MAX": Limit(CHARACTERS, "that say from where on", _EXPLAINED),
        "services.feed:READERS_MAX": Limit("readers", "who wait or are streamed to", "429"),
        "services.feed:READERS_PER_KEY_MAX": Limit("readers", "of these with one key", "429"),
        "services.feed:READS_MAX": Limit("reads", "of the feed under way", "they queue"),
        "services.feed:POLL_S": Limit(SECONDS, "between two looks for what is new", ""),
        "storage.feed:LOOKED_AT_MAX": Limit("events", "looked at for some types", _FURTHER),
        "storage.feed:SINCE_MAX": Limit(
            "events", "looked at for the first of those after a moment", "those behind them follow"
        ),
        "api.feed:PAGE_BYTES_MAX": Limit(BYTES, "bodies in one page", _FURTHER),
        "api.feed:STREAM_BYTES_MAX": Limit(BYTES, "bodies in hand for a stream", "in turn"),
        "api.feed:STREAM_EVENTS_MAX": Limit("events", "likewise", "in turn"),
        "api.streams:HEARTBEAT_S": Limit(SECONDS, "of silence on a stream", "a sign of life"),
        "services.manage:LISTEN_S": Limit(SECONDS, "of a listening endpoint, unread", "expired"),
        "storage.listening:OWED_MAX": Limit("replays", "read at a time for a listener", _AGAIN),
        "services.answers:ANSWERS_MAX": Limit("answers", "of a listener at a time", _EXPLAINED),
        "services.answers:PER_DELIVERY_MAX": Limit("answers", "to one delivery", _EXPLAINED),
        "services.answers:MS_MAX": Limit(MILLISECONDS, "that an answer took", _EXPLAINED),
        "services.answers:HEADERS_MAX": Limit("header fields", "of an answer", _EXPLAINED),
    },
    "Simulator and inspector": TRIALS,
    "Workers and the database": {
        "services.workers:BEAT_S": Limit(SECONDS, "between two beats", "see the next"),
        "services.workers:LEASE_S": Limit(SECONDS, "of lease after a beat", "does nothing"),
        "services.workers:RETIRE_S": Limit(SECONDS, "of silence", "its work is given back"),
        "services.trouble:AGAIN_S": Limit(SECONDS, "between two lines of one trouble", "counted"),
        "services.clock:SKEW_MAX_MS": Limit(
            MILLISECONDS, "between the clock and the database's", "not ready"
        ),
        "storage.workers:ADOPT_LIMIT": Limit("deliveries", "adopted at a time", _AGAIN),
        "services.stuck:EVERY_S": Limit(SECONDS, "between two looks for stuck deliveries", ""),
        "services.stuck:LOOKED_AT": Limit("deliveries", "looked at for that", "the next time"),
        "services.stuck:NAMED_MAX": Limit("deliveries", "named in the log", "counted only"),
        "storage.workers:FOLD_MAX": Limit("workers", "gone, added up at a time", _AGAIN),
        "services.workers:ANSWER_S": Limit(SECONDS, "for an answer to a beat", "once more"),
        "storage.database:_POOL_MAX": Limit("connections", "besides seven others", "they wait"),
        "storage.database:HOT_ANSWER_S": Limit(SECONDS, "for a commit's answer", "is found out"),
        "storage.database:POOL_ANSWER_S": Limit(SECONDS, "for other answers", "503"),
        "storage.database:VANISHED_S": Limit(SECONDS, "of its silence", "another connection"),
        "storage.link:_BACKOFF_MAX_S": Limit(SECONDS, "between two reconnects", ""),
        "storage.partitions:DAYS_AHEAD": Limit(DAYS, "of partitions made ahead", ""),
        "storage.partitions:EXPIRE_BATCH": Limit("deliveries", "expired at a time", _AGAIN),
        "storage.deliveries:CANCEL_BATCH": Limit("deliveries", "cancelled at a time", _AGAIN),
        "storage.retention:BATCH": Limit("messages", "removed at a time", _AGAIN),
        "storage.counts:GENERATION_DAYS": Limit(
            DAYS, "that what happens once is remembered at least", "taken as new"
        ),
        "services.retain:Periods.callbacks": Limit(DAYS, "that callbacks are kept", "removed"),
        "services.retain:Periods.events": Limit(DAYS, "that events are kept", "removed"),
        "services.retain:Periods.attempts": Limit(DAYS, "that attempts are kept", "removed"),
        "services.retain:Periods.messages": Limit(DAYS, "that messages are kept", "removed"),
        "services.retain:Periods.audit": Limit(DAYS, "that the audit log is kept", "removed"),
        "storage.audit:REMOVED_AT_ONCE": Limit("entries", "of it removed at a time", _AGAIN),
    },
    "The command line": {
        "cli.commands:LIMIT": Limit("rows", "that a command lists unless asked for", "it says so"),
        "client.http:PAGE_MAX": Limit("rows", "of a page that it asks for", "the next page"),
        "client.local:TIMEOUT_S": Limit(SECONDS, "for a local program to answer", "`timeout`"),
        "client.local:BODY_MAX": Limit(BYTES, "of its answer that is told", _CUT),
        "client.local:HEADERS_MAX": Limit("header fields", "of its answer that are told", _CUT),
        "client.lanes:HELD_MAX": Limit("events", "that `listen` has in hand", "read later"),
        "client.lanes:THREADS": Limit("events", "forwarded at the same time", "the others wait"),
        "client.listening:ANSWERS_MAX": Limit("answers", "of one request", "the next request"),
        "client.listening:ANSWERS_BYTES_MAX": Limit(
            BYTES, "answers of one request", "the next request"
        ),
        "client.listening:NAME_MAX": Limit(CHARACTERS, "a header's name, of an answer", _CUT),
        "client.listening:VALUE_MAX": Limit(CHARACTERS, "a header's value, of an answer", _CUT),
        "client.listening:PAUSE_MAX_S": Limit(SECONDS, "between two tries", "see above"),
        "client.follow:SEEN_MAX": Limit(
            "rows", "that `tail` knows to have shown", "the oldest are forgotten"
        ),
        "client.follow:ROWS_MAX": Limit(
            "rows", "that `tail` shows of one look at a list", "it says so"
        ),
        "client.follow:PAUSE_MAX_S": Limit(SECONDS, "between two looks that failed", "see above"),
        "client.sse:RETRY_MAX_S": Limit(SECONDS, "between two openings of a stream", "see above"),
        "client.sse:EVENT_MAX": Limit(
            BYTES, "an event of a stream", "the stream is opened again after the one before"
        ),
        "services.doctor.address:LISTED_MAX": Limit(
            NUMBER, "connections that `doctor` lists", "says how many more there are"
        ),
        "services.doctor.egress:AT_ONCE_MAX": Limit(
            NUMBER, "names that `doctor` looks up at the same time", "the others wait"
        ),
        "services.doctor.egress:TRIED_MAX": Limit(
            NUMBER, "endpoints whose names `doctor` looks up", "the others are not looked up"
        ),
        "services.doctor.sealed:NAMED_MAX": Limit(
            NUMBER, "secrets that cannot be opened and are named", "says how many more there are"
        ),
        "services.doctor.serving:LOOKED_AT_MAX": Limit(
            NUMBER, "open deliveries that `doctor` goes through", "the others are not looked at"
        ),
        "cli.signatures:INPUT_MAX": Limit(BYTES, "what `sign` and `verify` read", "refused"),
        "domain.signature_check:GUESS_BODY_MAX": Limit(
            BYTES,
            "a body for which `verify` tries what was signed instead",
            "it says only that the signature does not fit",
        ),
    },
    "Metrics and logs": {
        "services.tally:ENDPOINTS_MAX": Limit("endpoints", "counted by themselves", "`other`"),
        "services.figures:EVERY_S": Limit(SECONDS, "between two readings", "the last again"),
        "services.figures:PATIENCE_S": Limit(SECONDS, "for a reading", "`database_up 0`"),
        "log:TEXT_MAX": Limit(CHARACTERS, "a text in the log", _CUT),
        "log:TRACE_MAX": Limit(CHARACTERS, "the place of a defect", _CUT),
        "log:_CHAIN_MAX": Limit("errors", "that led to one", _CUT),
    },
    "The embedded database": {
        "services.embedded.cluster:LOG_FILES_KEPT": Limit("files", "of its log", "removed"),
        "services.embedded.settings:LOG_FILE_MIB": Limit("MiB", "one of them", "the next one"),
        "services.embedded.cluster:LOG_TAIL_BYTES": Limit(BYTES, "of it in a message", _CUT),
        "services.embedded.programs:OUTPUT_MAX_BYTES": Limit(
            BYTES, "of a program's output in a message", _CUT
        ),
        "services.embedded.files:SOCKET_PATH_MAX_BYTES": Limit(
            BYTES, "the path of its socket", "says so, does not start"
        ),
        "services.embedded.files:PASSWORD_MAX_BYTES": Limit(BYTES, "the password file", _CUT),
        "services.embedded.lock:PID_MAX_BYTES": Limit(BYTES, "of the lock file", _CUT),
        "services.embedded.living:PID_FILE_MAX_BYTES": Limit(BYTES, "of the pid file", _CUT),
        "services.embedded.server:NO_ANSWER_MAX_S": Limit(
            SECONDS, "without an answer when it says it is ready", "says so, does not start"
        ),
        "services.supervise:WORKERS_STOP_S": Limit(SECONDS, "for workers, by Ctrl-C", "killed"),
        "services.supervise:WORKERS_DRAIN_S": Limit(SECONDS, "likewise by SIGTERM", "killed"),
        "services.supervise:DATABASE_STOP_S": Limit(SECONDS, "for it to stop", "killed"),
    },
}
