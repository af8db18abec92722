"""Endpoints as commands: the resource with the most to say. Values only."""

from ringback.cli.declared import Column, Command, Option, Resource

_URL = "Where events are posted to: https; in test mode also http and loopback."
_DELIVERY = (
    Option("delivery.order", "What is sent one after the other.",
           choices=("message", "endpoint", "none")),
    Option("delivery.retry_schedule_s", "Waits after failed attempts: 5s,30s,10m; `usual`: the "
           "installation's.", "schedule", name="retry-schedule", metavar="WAITS"),
    Option("delivery.timeout_s", "For one request, in all: 1s to 30s.", "seconds", name="timeout",
           metavar="SPAN"),
    Option("delivery.concurrency", "Requests at a time, of all workers together.", "whole",
           metavar="N"),
    Option("delivery.give_up_on", "Answers after which nothing is tried again: 400, 413, 422.",
           "numbers", metavar="STATUS"),
    Option("delivery.allowed_networks", "Private networks to open for it: 10.1.2.0/24.", "list",
           metavar="CIDR"),
    Option("delivery.allowed_hosts", "Names that may lead to private addresses.", "list",
           metavar="HOST"),
    Option("delivery.allowed_ports", "Ports to open for it, beside 80 and 443.", "numbers",
           metavar="PORT"),
)  # fmt: skip
_OWN = (
    Option("description", "What it is, in your words.", metavar="TEXT"),
    Option("uid", "An id of your own, which names it as well as ours.", metavar="TEXT"),
    Option("metadata", "A pair of your own, kept with it; may be repeated.", "pairs",
           metavar="NAME=VALUE"),
    Option("headers", "A header field to send along; may be repeated.", "pairs",
           metavar="NAME=VALUE"),
)  # fmt: skip
_TYPES = Option("event_types", "Which events: message.delivered, message.*, or *.", "list",
                metavar="TYPE", required=True)  # fmt: skip
_NEW = (
    Option("url", _URL, metavar="URL"),
    Option("kind", "`listen`: it has no URL, and is read by a listener.", metavar="http|listen"),
    _TYPES, *_OWN,
    Option("secret", "A signing secret of your own, whsec_…; one is made if not said.",
           metavar="SECRET"),
    *_DELIVERY,
)  # fmt: skip
_CHANGED = (
    Option("url", _URL, metavar="URL"),
    Option("event_types", "Which events: message.delivered, message.*, or *.", "list",
           metavar="TYPE"),
    *_OWN,
    Option("enabled", "Whether events are sent to it.", "flag"),
    *_DELIVERY,
)  # fmt: skip

_SPAN = Option("span", "Up to now; 24h if not said.", choices=("1h", "24h", "7d"))

ENDPOINTS = Resource(
    "endpoints", "The URLs that events are delivered to.", "endpoint",
    (
        Command(
            "list", "list", "GET", "/v1/endpoints",
            "List the endpoints of this tenant and mode, newest first.",
            examples=("endpoints list", "endpoints list -o csv > endpoints.csv"),
        ),
        Command(
            "get", "get", "GET", "/v1/endpoints/{id}",
            "Show endpoints, by their ids or your own; without their secrets.",
            examples=("endpoints get orders-production",),
        ),
        Command(
            "create", "make", "POST", "/v1/endpoints",
            "Add an endpoint. Its signing secret is in the answer.\n\n"
            "--url is the endpoint's: an installation is named before the command, "
            "`ringback --url …`, or by a profile.",
            _NEW,
            examples=(
                "endpoints create --url https://example.com/hooks --event-types 'message.*'",
                "endpoints create --data @orders.json --uid orders --timeout 10s",
            ),
        ),
        Command(
            "update", "change", "PATCH", "/v1/endpoints/{id}",
            "Change endpoints; what is not given stays. A list replaces the one before it.",
            _CHANGED,
            examples=(
                "endpoints update orders --event-types 'message.*,shop.order_paid'",
                "endpoints update orders --allowed-hosts hooks.intern.example",
                "endpoints update orders --allowed-ports 8443",
            ),
        ),
        Command(
            "enable", "change", "PATCH", "/v1/endpoints/{id}", "Send events to endpoints again.",
            fixed=(("enabled", True),), examples=("endpoints enable orders",), done="Enabled",
        ),
        Command(
            "disable", "change", "PATCH", "/v1/endpoints/{id}", "Send no more events to endpoints.",
            fixed=(("enabled", False),), examples=("endpoints disable orders",), done="Disabled",
        ),
        Command(
            "secret", "get", "GET", "/v1/endpoints/{id}/secret",
            "Show the secret that signs what is sent to an endpoint.", many=False,
            examples=("endpoints secret orders",),
        ),
        Command(
            "check-signature", "make", "POST", "/v1/signature-checks",
            "Check a signed request with an endpoint's secrets, or which of them signed an "
            "attempt; says why a receiver must refuse it. `ringback verify` does so without a "
            "server.",
            (
                Option("attempt", "The attempt to look at; nothing else is needed.", metavar="ID"),
                Option("endpoint", "With the secrets of this endpoint.", metavar="ID"),
                Option("secret", "With this secret, whsec_….", metavar="SECRET"),
                Option("request", "The whole request: headers, an empty line, the body.",
                       metavar="TEXT"),
                Option("headers", "A header as it came; may be repeated.", "pairs",
                       metavar="NAME=VALUE"),
                Option("body", "The body, byte for byte.", metavar="TEXT"),
                Option("body_base64", "A body that is no text.", metavar="BASE64"),
                Option("at", "When it came: 2h ago, or a time.", "past", metavar="WHEN"),
                Option("tolerance_s", "How far its timestamp may be off.", "seconds",
                       name="tolerance", metavar="SPAN"),
            ),
            examples=("endpoints check-signature --attempt att_01…",),
        ),
        Command(
            "rotate", "act", "POST", "/v1/endpoints/{id}/rotate-secret",
            "Sign with a new secret, and for a while with the old one too.",
            (
                Option("secret", "One of your own, whsec_…; one is made if not said.",
                       metavar="SECRET"),
                Option("overlap_s", "How long the old one signs as well; 0s ends it at once.",
                       "seconds", name="overlap", metavar="SPAN"),
            ),
            many=False,
            examples=("endpoints rotate orders", "endpoints rotate orders --overlap 2h"),
        ),
        Command(
            "test", "try", "POST", "/v1/endpoints/{id}/test",
            "Send endpoints the example of a type, and wait for their answers. Exit code 1 when "
            "one did not take it.",
            (
                Option("event_type", "Any type of the catalogue; one that the endpoint wants if "
                       "not said.", name="type", metavar="TYPE"),
                Option("data", "In place of the example's data: JSON, @FILE or -.", "json",
                       name="event-data", metavar="JSON"),
            ),
            columns=(
                Column("endpoint", "endpoint", "id"), Column("status", "status", "status"),
                Column("answer", "answer"), Column("decision", "decision"),
                Column("type", "type", wide=True), Column("delivery", "delivery", "id", wide=True),
            ),
            examples=("endpoints test orders", "endpoints test orders --type message.failed"),
        ),
        Command(
            "stats", "get", "GET", "/v1/endpoints/{id}/stats",
            "Show how requests to endpoints went, how long they took, and what waits.",
            (_SPAN,), examples=("endpoints stats orders --span 1h",),
        ),
        Command(
            "summary", "list", "GET", "/v1/stats/endpoints",
            "List how endpoints do, a line each.", (_SPAN,),
            columns=(
                Column("id", "id", "id"), Column("delivered", "deliveries.value", "number"),
                Column("of", "deliveries.of", "number"),
                Column("again", "deliveries.retrying", "number"),
                Column("given up", "deliveries.exhausted", "number"),
                Column("p95 ms", "p95_ms", "number"), Column("open", "open", "number"),
            ),
            paged=False, examples=("endpoints summary", "endpoints summary --span 7d -o csv"),
        ),
        Command(
            "delete", "remove", "DELETE", "/v1/endpoints/{id}",
            "Delete endpoints. What they were still owed is cancelled.",
            examples=(
                "endpoints delete orders",
                "endpoints list -o id | ringback endpoints delete - --yes",
            ),
            done="Deleted",
        ),
    ),
    (
        Column("id", "id", "id"), Column("url", "url"), Column("types", "event_types"),
        Column("status", "enabled", "status", words=("disabled", "enabled")),
        Column("own id", "uid", wide=True), Column("description", "description", wide=True),
        Column("created", "created_at", "time", wide=True),
        Column("expires", "expires_at", "time", wide=True),
    ),
)  # fmt: skip
