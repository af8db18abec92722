"""How errors of the API are shown: what went wrong, what to do about it, the request's id.

Exit codes: 1 failed, 2 usage, 3 key, 4 not found, 5 invalid or conflict, 6 network, 7 timed out
or done in part.
"""

import sys

from ringback.client.problems import ApiError, ClientError, TimedOut
from ringback.errors import RingbackError

FAILED, USAGE, KEY, NOT_FOUND, CONFLICT, NETWORK, PARTIAL = 1, 2, 3, 4, 5, 6, 7
_BY_STATUS = {
    401: KEY, 403: KEY, 404: NOT_FOUND, 405: FAILED, 408: PARTIAL, 429: NETWORK, 502: NETWORK,
    503: NETWORK, 504: NETWORK,
}  # fmt: skip
# By code of the problem, else by exit code: what to do.
_HINTS = {
    "tenant_needed": "An operator's key acts for a tenant: add --tenant ID, --mode live or test.",
    "scope_missing": "Ask with a key that has it, or make one: ringback keys create --scopes …",
    "tenant_suspended": "An operator lifts it: ringback tenants update ID --no-suspended",
    "test_mode_only": "Use a test key: ringback keys create --name test --kind test, "
    "then ringback login --profile test",
    "no_such_route": "The server may be older than this command line: compare ringback --version "
    "with `version` in its /openapi.json.",
    "invalid_cursor": "Start the list again.",
    "cursor_expired": "--after earliest begins with the oldest event that is left.",
    "token_taken": "Choose another --token, or leave it out.",
    "uid_taken": "Choose another --uid; ringback endpoints list shows those that are taken.",
    "limit_reached": "Delete what is no longer needed; docs/limits.md has all limits.",
    "not_now": "Look how it stands: the matching `get` command shows it.",
    "outcome_unknown": "Look what there is before you do it again.",
    "busy": "Try again in a moment.",
    "behind": "Try again in a moment: what was taken before is being delivered.",
    "rate_limited": "Ask less often, or with another key: ringback keys get shows its limit.",
    "internal": "This is a defect of the server: its log has more under the request's id.",
    "unavailable": "The server runs and its database does not answer: look at both logs.",
}
_HINTS_BY_EXIT = {
    FAILED: "Look into the server's log under the request's id.",
    KEY: "Check the key: ringback whoami. ringback login keeps another one.",
    NOT_FOUND: "A key sees one tenant and one mode: the other mode's things are not there for it. "
    "The matching `list` command shows what is.",
    CONFLICT: "The command's --help says what each option takes.",
    NETWORK: "Is it running? `ringback up` starts one here; --url or RINGBACK_URL name another.",
    PARTIAL: "It may have been done: look before you do it again.",
}


class NoKey(RingbackError):
    """No API key is known for the installation at a URL."""

    def __init__(self, url: str) -> None:
        """Take where it is."""
        super().__init__(f"No API key is known for {url}.")


def exit_code(error: Exception) -> int:
    """Return the exit code of an error."""
    if isinstance(error, NoKey):
        return KEY
    if isinstance(error, TimedOut):
        return PARTIAL
    if isinstance(error, ApiError):
        usual = CONFLICT if error.status < 500 else FAILED
        return _BY_STATUS.get(error.status, usual)
    if isinstance(error, ClientError):
        return NETWORK
    return FAILED


def explain(error: Exception, what: str = "") -> int:
    """Write an error on standard error, with the hint that helps; return its exit code.

    `what` names the one of several things that it is about.
    """
    code = exit_code(error)
    lines = [f"error: {f'{what}: ' if what else ''}{error}"]
    hint = _HINTS_BY_EXIT.get(code, "")
    if isinstance(error, NoKey):
        hint = "`ringback up` keeps one at its first start; ringback login keeps one of another."
    elif isinstance(error, ApiError):
        if error.code:
            lines[0] += f" [{error.status} {error.code}]"
        lines += [f"  {fault.where}: {fault.detail}" for fault in error.errors]
        hint = _HINTS.get(error.code, hint)
        if error.code == "scope_missing" and "tenants:" in error.detail:
            hint = "Tenants are for operators' keys: ringback migrate --operator-key makes one."
        if error.retry_after_s is not None:
            hint = f"Try again in {error.retry_after_s:.0f} s. {hint}".strip()
    elif not isinstance(error, ClientError):
        hint = ""  # these say it themselves
    if hint:
        lines.append(f"hint: {hint}")
    if isinstance(error, ClientError) and error.request_id:
        lines.append(f"request: {error.request_id}")
    print("\n".join(lines), file=sys.stderr, flush=True)
    return code
