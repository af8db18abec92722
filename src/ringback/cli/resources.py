"""Every resource of the API as commands: one table, from which `ringback RESOURCE VERB` is made.

tests/cli/test_resources.py compares it with the API's document: no operation, filter or field of
either is missing in the other. Imported by `ringback --help`: values only.
"""

from ringback.cli.declared import Column, Command, Option, Resource

_ID = Column("id", "id", "id")
_CREATED = Column("created", "created_at", "time")
_ENABLED = Column("status", "enabled", "status", words=("disabled", "enabled"))


def _list(path: str, help_: str, *options: Option, **more: object) -> Command:
    return Command("list", "list", "GET", path, help_, options, **more)  # type: ignore[arg-type]


def _get(path: str, help_: str, **more: object) -> Command:
    return Command("get", "get", "GET", path, help_, **more)  # type: ignore[arg-type]


_RATE = (
    Option("rate_limit.per_second", "Requests a second, for ever.", "whole",
           name="rate-limit", metavar="N"),
    Option("rate_limit.burst", "Requests at once, after a pause.", "whole", metavar="N"),
)  # fmt: skip
_KEY_FIELDS = (
    Option("name", "What it is for, in your words.", metavar="TEXT", required=True),
    Option(
        "kind", "Its mode, or operator; like the key that makes it if not said.",
        choices=("live", "test", "operator"),
    ),
    Option(
        "scopes", "What it may do, by name; all that the making key may if not said.", "list",
        metavar="SCOPE",
    ),
    Option(
        "expires_at", "When it ends: 90d, or a time. Never if not said.", "future", metavar="WHEN"
    ),
    *_RATE,
)  # fmt: skip
_SCOPE = (
    Column("scope", "name", "id"), Column("what", "what"),
    Column("whose", "operator", "status", words=("any key", "operators")),
    Column("operations", "operations", wide=True),
)  # fmt: skip
KEYS = Resource(
    "keys", "API keys: who may ask, in which mode, and for what.", "API key",
    (
        _list("/v1/api-keys", "List the keys of this tenant and mode, newest first.",
              examples=("keys list", "keys list -o json")),
        _get("/v1/api-keys/{id}", "Show keys: what each may do, when it ends and was last used.",
             examples=("keys get key_01…",)),
        Command(
            "create", "make", "POST", "/v1/api-keys",
            "Make a key. It is shown this once and kept nowhere.", _KEY_FIELDS,
            examples=(
                'keys create --name "Order system"',
                "keys create --name ci --kind test --scopes events:write --expires-at 90d",
            ),
        ),
        Command(
            "revoke", "remove", "DELETE", "/v1/api-keys/{id}",
            "Revoke keys. When it returns, no worker takes them any more.",
            examples=("keys revoke key_01…",), done="Revoked",
        ),
        Command(
            "scopes", "list", "GET", "/v1/scopes", "List what keys may be allowed to do.",
            columns=_SCOPE, paged=False, examples=("keys scopes",),
        ),
    ),
    (
        _ID, Column("name", "name"), Column("kind", "kind", "status"),
        Column("ends in", "hint", wide=True),
        Column("last used", "last_used_at", "time"),
        Column("status", "revoked_at", "status", words=("active", "revoked")),
        Column("numbers", "masked", "status", wide=True, words=("seen", "masked")),
        Column("scopes", "scopes", wide=True), Column("expires", "expires_at", "time", wide=True),
        Column("created", "created_at", "time", wide=True),
    ),
)  # fmt: skip

_TENANT_FIELDS = (
    Option("name", "What it is called.", metavar="TEXT"),
    Option("suspended", "Whether its keys are refused.", "flag"),
    *_RATE,
)
TENANTS = Resource(
    "tenants", "The isolated customers of an installation; for operators' keys.", "tenant",
    (
        _list("/v1/tenants", "List the tenants of the installation, newest first.",
              examples=("tenants list",)),
        _get("/v1/tenants/{id}", "Show tenants, by their ids or your own.",
             examples=("tenants get customer-4711",)),
        Command(
            "create", "change", "PUT", "/v1/tenants/{id}",
            "Add a tenant under an id of your own. Doing it twice changes nothing.",
            _TENANT_FIELDS, argument="ID", argument_help="Your own id of it.", many=False,
            examples=('tenants create customer-4711 --name "Harbour Clinic"',),
        ),
        Command(
            "update", "change", "PUT", "/v1/tenants/{id}",
            "Rename a tenant, suspend it, or lift that.", _TENANT_FIELDS,
            argument="ID", argument_help="Its id, or your own.", many=False,
            examples=("tenants update customer-4711 --suspended",),
        ),
        Command(
            "delete", "remove", "DELETE", "/v1/tenants/{id}",
            "Delete tenants: their keys end at once, their connections and endpoints are gone.",
            examples=("tenants delete customer-4711",), done="Deleted",
        ),
    ),
    (
        _ID, Column("own id", "uid"), Column("name", "name"),
        Column("status", "suspended_at", "status", words=("active", "suspended")), _CREATED,
    ),
)  # fmt: skip

_ROLES = ("owner", "admin", "developer", "marketer", "agent", "read_only")
PEOPLE = Resource(
    "people", "Who may sign in to the panel, and in which role.", "person",
    (
        _list("/v1/people", "List the people of this tenant, newest first.",
              examples=("people list",)),
        _get("/v1/people/{id}", "Show people, by their ids or e-mail addresses.",
             examples=("people get ada@example.com",)),
        Command(
            "create", "make", "POST", "/v1/people",
            "Invite somebody, and print the link that they sign in with first.",
            (
                Option("email", "The e-mail address that they sign in with.", metavar="ADDRESS",
                       required=True),
                Option("name", "What they are called.", metavar="TEXT", required=True),
                Option("role", "What they may do: docs/scopes.md has it.", choices=_ROLES,
                       required=True),
            ),
            examples=("people create --email ada@example.com --name Ada --role developer",),
        ),
        Command(
            "update", "change", "PATCH", "/v1/people/{id}",
            "Change somebody's role, name or e-mail address.",
            (
                Option("email", "The e-mail address that they sign in with.", metavar="ADDRESS"),
                Option("name", "What they are called.", metavar="TEXT"),
                Option("role", "What they may do.", choices=_ROLES),
            ),
            many=False, examples=("people update ada@example.com --role admin",),
        ),
        Command(
            "link", "act", "POST", "/v1/people/{id}/reset",
            "Print a link with which somebody who is locked out chooses a new password.",
            many=False, sends=False, examples=("people link ada@example.com",),
        ),
        Command(
            "delete", "remove", "DELETE", "/v1/people/{id}",
            "Take people out of this tenant. Their sessions end with their last tenant.",
            examples=("people delete usr_01…",), done="Removed",
        ),
    ),
    (
        _ID, Column("email", "email"), Column("name", "name"), Column("role", "role"),
        Column("last seen", "last_seen_at", "time"),
        Column("password", "password_set", wide=True), Column("created", "created_at", "time",
                                                              wide=True),
    ),
)  # fmt: skip

SESSIONS = Resource(
    "sessions", "Who is signed in to the panel, and from where.", "session",
    (
        _list("/v1/sessions", "List the sessions of this tenant's people, newest first.",
              Option("person", "The sessions of one person.", metavar="ID"),
              examples=("sessions list",)),
        Command(
            "end", "remove", "DELETE", "/v1/sessions/{id}",
            "End sessions. When it returns, no worker takes their cookies any more.",
            examples=("sessions end ses_01…",), done="Ended",
        ),
    ),
    (
        _ID, Column("name", "name"), Column("address", "address"),
        Column("last used", "last_used_at", "time"), _CREATED,
        Column("person", "person", "id", wide=True), Column("agent", "agent", wide=True),
    ),
)  # fmt: skip

_NEW_CONNECTION = (
    Option("provider", "Which one: ringback connections providers shows them.", metavar="NAME",
           required=True),
    Option("name", "What it is called.", metavar="TEXT", required=True),
    Option("config", "A setting of the provider's; may be repeated.", "settings",
           metavar="NAME=VALUE", required=True),
    Option("token", "The last part of the callback URL; made by chance if not said.",
           metavar="TEXT"),
    Option("public_url", "The URL before /in/ as its provider calls it; as in the settings if not "
           "said.", metavar="URL"),
    Option("on_bad_signature", "Refuse callbacks whose signature does not fit, or answer as if "
           "they were good and keep them.", choices=("reject", "quarantine")),
    Option("samples", "Callbacks that its mapping must read one of, as JSON.", "json",
           metavar="JSON"),
    Option("force", "Add it even if its mapping reads none of them.", "flag"),
)  # fmt: skip
_SIMULATE = (
    Option("sample", "In place of a message's life: one of `connections samples`.",
           metavar="NAME"),
    Option("again", "Post the sample twice: the second is a duplicate.", "flag"),
    Option("to", "Whom the message is for.", metavar="ADDRESS"),
    Option("from", "Who sends it.", metavar="ADDRESS"),
    Option("message", "One that is there: it is reported on, and nothing is sent.",
           metavar="ID"),
    Option("channel", "How it is sent; sms if not said.",
           choices=("sms", "mms", "whatsapp", "rcs")),
    Option("statuses", "What the provider reports, in order; received is a reply.", "list",
           metavar="STATUS"),
    Option("reference", "The sender's own name for the message.", metavar="TEXT"),
    Option("text", "What is written in it.", metavar="TEXT"),
    Option("delay_ms", "Milliseconds between one callback and the next.", "whole", metavar="MS"),
    Option("duplicate", "Probability that a callback comes twice, 0 to 1.", "number", metavar="P"),
    Option("loss", "Probability that a callback never comes, 0 to 1.", "number", metavar="P"),
    Option("reorder", "Shuffle the callbacks.", "flag"),
    Option("answer_ms", "How long the provider takes to answer the send.", "whole", metavar="MS"),
    Option("forged", "Sign them badly, so that they are refused.", "flag"),
    Option("outcome", "What the provider's send API answers.",
           choices=("accepted", "refused", "throttled", "broken")),
    Option("error_code", "The provider's own code of why it fails.", metavar="CODE"),
    Option("error_class", "The first code of the provider's that means this.", metavar="CLASS"),
    Option("media", "Files: a list of objects with a url.", "json", metavar="JSON"),
    Option("batch", "How many messages one callback tells of.", "whole", metavar="N"),
)  # fmt: skip
_SPAN = Option("span", "Up to now; 24h if not said.", choices=("1h", "24h", "7d"))
CONNECTIONS = Resource(
    "connections", "Provider accounts, each with the URL that its callbacks go to.", "connection",
    (
        _list("/v1/connections", "List the connections of this tenant and mode, newest first.",
              examples=("connections list",)),
        _get("/v1/connections/{id}", "Show connections, without their secrets.",
             examples=("connections get con_01…",)),
        Command(
            "create", "make", "POST", "/v1/connections",
            "Add a connection. When it returns, its callback URL takes callbacks.",
            _NEW_CONNECTION,
            examples=(
                "connections create --provider simulator --name Trial --config secret=any",
            ),
        ),
        Command(
            "update", "change", "PATCH", "/v1/connections/{id}",
            "Change a connection: its name, where its provider reaches you, and what is done with "
            "callbacks whose signature does not fit.",
            (
                Option("name", "What it is called.", metavar="TEXT"),
                Option("public_url", "The URL before /in/ as its provider calls it; empty: as in "
                       "the settings.", metavar="URL"),
                Option("on_bad_signature", "Refuse them, or answer as if they were good and keep "
                       "them.", choices=("reject", "quarantine")),
            ),
            many=False,
            examples=("connections update con_01… --public-url https://hooks.example.com",),
        ),
        Command(
            "rotate", "act", "POST", "/v1/connections/{id}/rotate",
            "Change a connection's secrets. For a while the old ones count as well.",
            (
                Option("config", "A setting that changes; may be repeated.", "settings",
                       metavar="NAME=VALUE", required=True),
                Option("overlap_s", "For how long the old ones count: 24h if not said, 7d at most.",
                       "seconds", name="overlap", metavar="DURATION"),
                Option("samples", "Callbacks that a new mapping must read one of, as JSON; the "
                       "connection's last ones if not said.", "json", metavar="JSON"),
                Option("force", "Change the mapping even if it reads none of them.", "flag"),
            ),
            many=False, examples=("connections rotate con_01… --config app_secret=77d1…",),
            done="Rotated",
        ),
        Command(
            "pause", "act", "POST", "/v1/connections/{id}/pause",
            "Pause the intake of connections (their providers are told to try again) or their "
            "processing (callbacks are stored, and read once it is resumed).",
            (
                Option("part", "What is paused.", choices=("intake", "processing"), required=True),
                Option("reason", "Why; kept and shown.", metavar="TEXT"),
            ),
            examples=("connections pause con_01… --part processing --reason 'Moving house'",),
            done="Paused",
        ),
        Command(
            "resume", "act", "POST", "/v1/connections/{id}/resume",
            "Let the intake or the processing of connections go on. What was held is read.",
            (Option("part", "What goes on.", choices=("intake", "processing"), required=True),),
            examples=("connections resume con_01… --part processing",), done="Resumed",
        ),
        Command(
            "end-overlap", "remove", "DELETE", "/v1/connections/{id}/overlap",
            "Let only the newest secrets of connections count from now on.",
            examples=("connections end-overlap con_01…",), done="Ended",
        ),
        Command(
            "delete", "remove", "DELETE", "/v1/connections/{id}",
            "Delete connections. Their callback URLs are unknown from then on; what they brought "
            "stays.",
            examples=("connections delete con_01…",), done="Deleted",
        ),
        Command(
            "simulate", "act", "POST", "/v1/connections/{id}/simulate",
            "Post signed callbacks to a test connection, as its provider would. "
            "`ringback simulate` has whole scenarios.",
            _SIMULATE, many=False,
            examples=(
                "connections simulate con_01… --to +15550123 --from +15550100 --statuses sent",
                "connections simulate con_01… --sample status-delivered",
            ),
        ),
        Command(
            "samples", "list", "GET", "/v1/connections/{id}/samples",
            "List the recorded callbacks of its provider that can be played to a connection, by "
            "what they are about.",
            columns=(
                Column("name", "name"), Column("about", "about"), Column("says", "says"),
                Column("events", "events", wide=True),
            ),
            argument="ID", argument_help="Whose.", many=False, paged=False,
            examples=("connections samples con_01…",),
        ),
        Command(
            "check", "act", "POST", "/v1/connections/{id}/check",
            "Ask the provider whether it takes the credentials that messages are sent with.",
            many=False, examples=("connections check con_01…",),
        ),
        Command(
            "subscribe", "act", "POST", "/v1/connections/{id}/subscribe",
            "Tell the provider, by its API, to post the callbacks here. Asked again it changes "
            "nothing.",
            (
                Option("dry_run", "Only say what would be done.", "flag"),
                Option("remove_others", "End what leads elsewhere too, whoever subscribed it.",
                       "flag"),
            ),
            many=False, examples=("connections subscribe con_01… --dry-run",),
        ),
        Command(
            "stats", "get", "GET", "/v1/connections/{id}/stats",
            "Show how many callbacks connections bring, what became of them, and how late they "
            "come.",
            (_SPAN,), examples=("connections stats con_01… --span 1h",),
        ),
        Command(
            "summary", "list", "GET", "/v1/stats/connections",
            "List how connections are heard, a line each.", (_SPAN,),
            columns=(
                _ID, Column("name", "name"), Column("state", "state", "status"),
                Column("a second", "per_s", "number"), Column("usual", "usual_per_s", "number"),
                Column("last", "last_callback_at", "time"),
                Column("callbacks", "callbacks", "number"),
                Column("rejected", "refused", "number"),
            ),
            paged=False, examples=("connections summary",),
        ),
        Command(
            "providers", "list", "GET", "/v1/providers",
            "List what can be connected; -o json has the settings of each as a JSON Schema.",
            columns=(
                Column("name", "name", "id"), Column("label", "label"),
                Column("channels", "channels"), Column("simulates", "simulates", wide=True),
            ),
            paged=False, examples=("connections providers",),
        ),
        Command(
            "presets", "list", "GET", "/v1/mapping-presets",
            "List ready mappings for --config preset=NAME; -o json has each as it is.",
            columns=(
                Column("name", "name", "id"), Column("label", "label"),
                Column("verified", "verified", "status", words=("no", "yes")),
            ),
            paged=False, examples=("connections presets",),
        ),
        Command(
            "try-mapping", "make", "POST", "/v1/mapping-trials",
            "Say what callbacks would become with a mapping, and why the rest of them would not. "
            "Nothing is stored.",
            (
                Option("mapping", "A mapping, as JSON; the connection's own if not said.", "json",
                       metavar="JSON"),
                Option("preset", "A ready mapping instead.", metavar="NAME"),
                Option("connection", "Whose mapping, and whose last callbacks, where nothing else "
                       "is named.", metavar="ID"),
                Option("callbacks", "Callbacks that were kept, by their ids.", "list",
                       metavar="ID"),
                Option("samples", "Callbacks that have not come in, as JSON.", "json",
                       metavar="JSON"),
            ),
            examples=(
                "connections try-mapping --connection con_01…",
                "connections try-mapping --connection con_01… --mapping @mapping.json",
            ),
        ),
    ),
    (
        _ID, Column("provider", "provider"), Column("name", "name"),
        Column("last callback", "last_callback.received_at", "time"),
        Column("outcome", "last_callback.outcome", "status", wide=True),
        Column("callback url", "callback_url", wide=True),
    ),
)  # fmt: skip
