"""The limits of trying things out: simulations, fakes, the inspector."""

from scripts.limits_kinds import BYTES, CHARACTERS, MILLISECONDS, SECONDS, Limit

_CUT = "cut"
_AGAIN = "the rest in the next turn"
_EXPLAINED = "422, says so"

TRIALS: dict[str, Limit] = {
    "services.simulate:TASKS_MAX": Limit("parts", "of simulations under way", "429"),
    "services.simulate:STATUSES_MAX": Limit("statuses", "of one", _EXPLAINED),
    "services.simulate:DELAY_MAX_MS": Limit(MILLISECONDS, "between two", _EXPLAINED),
    "services.simulate:BATCH_MAX": Limit("messages", "of one", _EXPLAINED),
    "api.simulate:NAME_MAX": Limit(CHARACTERS, "the name of a sample", _EXPLAINED),
    "services.play:LOOK_MAX": Limit(
        "callbacks", "looked through for those of a sample", "it is not named in the answer"
    ),
    "api.simulate:URL_MAX": Limit(CHARACTERS, "where a file is", _EXPLAINED),
    "api.simulate:MEDIA_MAX": Limit("files", "of a message", _EXPLAINED),
    "services.fake_apis:MESSAGES_MAX": Limit(
        "messages", "of a request to a fake, told of", "the rest stay silent"
    ),
    "services.fake_pace:CALLS_PER_S": Limit(
        "calls a second", "of one connection's fake", "refused as the provider does"
    ),
    "services.fake_pace:CALLS_BURST_MAX": Limit("of them at once", "after a pause", "likewise"),
    "services.fake_pace:CALLS_AT_ONCE_MAX": Limit("calls", "under way at a fake", "likewise"),
    "services.fake_pace:COUNTED_MAX": Limit(
        "connections", "whose calls a worker counts", "those at rest are forgotten"
    ),
    "providers.simulator:MEDIA_MAX": Limit("files", "of a message, read", "the rest is left"),
    "api.simulate:TEXT_MAX": Limit(CHARACTERS, "a text", _EXPLAINED),
    "api.simulate:ADDRESS_MAX": Limit(CHARACTERS, "an address", _EXPLAINED),
    "api.simulate:REFERENCE_MAX": Limit(CHARACTERS, "a reference", _EXPLAINED),
    "services.send:SWEEP_MAX": Limit("messages", "settled at a time", _AGAIN),
    "services.inspector:NAMES_MAX": Limit("names", "kept", "429"),
    "storage.inspector:KEPT": Limit("requests", "of one name", "the oldest go"),
    "services.inspector:BODY_KEPT": Limit(BYTES, "of a body", _CUT),
    "services.inspector:WAITING_MAX": Limit("requests", "not written yet", "the oldest go"),
    "services.inspector:WAITING_BYTES_MAX": Limit(BYTES, "of those", "the oldest go"),
    "services.inspector:_BATCH_MAX": Limit("requests", "written at a time", _AGAIN),
    "services.inspector:_BATCH_BYTES_MAX": Limit(BYTES, "written at a time", _AGAIN),
    "services.inspector:_COUNTED_MAX": Limit("counts", "of `times`", "they begin anew"),
    "services.inspector:_FIELDS_MAX": Limit("fields", "of a query", "400"),
    "services.inspector:DELAY_MAX_S": Limit(SECONDS, "of delay", "400"),
}
