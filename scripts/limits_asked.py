"""The limits of what people ask the installation for: beside limits_table.py, in the same form."""

from scripts.limits_kinds import CHARACTERS, Limit

_EXPLAINED = "422, says so"

ASKED: dict[str, dict[str, Limit]] = {
    "Searching and trying out": {
        "api.messages:STATUSES_MAX": Limit(CHARACTERS, "that name statuses", _EXPLAINED),
        "domain.finding:TEXT_MAX": Limit(CHARACTERS, "that are searched for", _EXPLAINED),
        "domain.finding:IDS_MAX": Limit("ids", "looked up of those in a text", "left out"),
        "services.find:HITS_MAX": Limit("things", "found by a search", "left out, and a note"),
        "services.find:EACH_MAX": Limit("things", "found by one of its look-ups", "likewise"),
    },
    "The demo's data sets": {
        "services.demo.player:LANE_MAX": Limit("steps", "of a lane that wait", "the story waits"),
        "services.demo.player:_AGAIN_MAX": Limit(
            "times", "for which a step is told that is not taken", "left out"
        ),
        "services.demo.receiver:REQUESTS_MAX": Limit("requests", "at its receivers", "503"),
        "services.demo.receiver:CONNECTIONS_MAX": Limit("connections", "to them", "503"),
    },
}
