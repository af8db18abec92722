"""The limits of people who sign in, for scripts/limits_table.py."""

from scripts.limits_kinds import CHARACTERS, SECONDS, Limit

_EXPLAINED = "422, says so"
_WAIT = "the next ones have to wait: 429"

PEOPLE: dict[str, Limit] = {
    "domain.people:NAME_MAX": Limit(CHARACTERS, "a person's name", _EXPLAINED),
    "domain.people:EMAIL_MAX": Limit(CHARACTERS, "an e-mail address", _EXPLAINED),
    "domain.people:PASSWORD_MAX": Limit(CHARACTERS, "a password", _EXPLAINED),
    "api.session:TYPED_MAX": Limit(CHARACTERS, "a password as it is typed", _EXPLAINED),
    "api.session:TOKEN_MAX": Limit(CHARACTERS, "the token of a link", _EXPLAINED),
    "api.reveal:OBJECT_MAX": Limit(CHARACTERS, "the id of what is revealed", _EXPLAINED),
    "services.people:PEOPLE_MAX": Limit("people", "of an installation", "409"),
    "services.people:PEOPLE_PER_TENANT_MAX": Limit("people", "of a tenant", "409"),
    "services.sign_in:SESSIONS_MAX": Limit("sessions", "of an installation", "409"),
    "services.sign_in:SESSIONS_PER_PERSON_MAX": Limit(
        "sessions", "of a person", "the least recently used ends",
    ),
    "domain.people:IDLE_S": Limit(SECONDS, "for which a session may go unused", "it is over"),
    "domain.people:SESSION_S": Limit(SECONDS, "of a session", "it is over"),
    "services.sign_in:AGENT_MAX": Limit(CHARACTERS, "a browser's name for itself", "cut"),
    "api.session:TENANTS_SHOWN": Limit("tenants", "that an owner is offered", "left out"),
    "services.sign_in:FREE_PER_PERSON": Limit(
        "attempts", "to be a person that fail from one network", _WAIT
    ),
    "services.people:KEYS_TOLD_MAX": Limit("keys", "of a mode, told of one removed", "left out"),
    "services.sign_in:FREE_PER_EMAIL": Limit("attempts", "to be a person that fail", _WAIT),
    "services.sign_in:FREE_PER_ADDRESS": Limit("attempts", "from one address that fail", _WAIT),
    "services.sign_in:WAIT_MAX_S": Limit(SECONDS, "that they have to wait", "it may be made"),
    "services.passwords:AT_ONCE": Limit("passwords", "that a worker hashes at a time", "they wait"),
    "services.passwords:WAITING_MAX": Limit("passwords", "hashed, or waiting for it", "429"),
}  # fmt: skip
