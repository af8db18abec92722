"""The limits of files that people send, for scripts/limits_table.py."""

from scripts.limits_kinds import BYTES, CHARACTERS, SECONDS, Limit

FILES: dict[str, Limit] = {
    "domain.media:FILE_MAX": Limit(BYTES, "of a file that somebody sent", "given up"),
    "domain.media:PER_MESSAGE_MAX": Limit("files", "of one message", "the others are not had"),
    "domain.media:LINK_S": Limit(SECONDS, "that a link to a file is good", "410"),
    "services.media:AT_ONCE": Limit(
        "files", "fetched at the same time, each wholly in memory", "the others wait"
    ),
    "services.media:AGAIN_MAX": Limit(
        "files", "of them that were tried before", "the others of those wait"
    ),
    "services.media:OF_ONE_MAX": Limit(
        "files", "of one connection that were never tried, at the same time", "the others wait"
    ),
    "services.media:AGAIN_OF_ONE_MAX": Limit(
        "files", "of one connection that were tried before, likewise", "the others wait"
    ),
    "services.media:TYPE_MAX": Limit(CHARACTERS, "a file's content type", "cut"),
    "api.media:AT_ONCE": Limit(
        "files", "served at the same time, each wholly in memory", "503, come again"
    ),
    "services.media:FIRST_S": Limit(
        SECONDS, "for the first try to fetch a file", "tried again, for longer"
    ),
    "services.media:DEADLINE_S": Limit(SECONDS, "for a later try", "tried again"),
    "services.media:KEEP_S": Limit(SECONDS, "for keeping what was fetched", "tried again"),
    "services.media:LEASE_S": Limit(
        SECONDS, "that a worker is silent about a file it is at", "another one takes it up"
    ),
    "services.media:UNENDED_MAX": Limit(
        "tries", "in a row to fetch a file that end with their worker", "given up"
    ),
    "services.media:REDIRECTS_MAX": Limit("redirects", "to a file", "tried again"),
    "services.media:REASON_MAX": Limit(CHARACTERS, "of why a file was not had", "cut"),
}
