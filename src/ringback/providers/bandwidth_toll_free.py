"""Toll-free verifications: what Bandwidth says of a number, and how that is signed.

A body is one JSON object, unlike the arrays of messaging. Who subscribed with a shared secret gets
an HMAC of the body in a header; who subscribed with credentials gets those
(https://dev.bandwidth.com/docs/messaging/toll-free-verification/webhooks).
"""

import hmac

import msgspec

from ringback.domain import strict_json
from ringback.providers import reading
from ringback.providers.bandwidth_config import BandwidthConfig, Canonical
from ringback.providers.base import Notice, OutboundMessage

SIGNATURE_HEADER = "X-Bandwidth-Signature-HMAC-SHA256"
KIND = "toll_free"
REASON_MAX = 1000
REASONS_MAX = 20
# Nothing larger is read before it is proved; verifications take a few hundred bytes.
SIGNED_MAX = 65_536

STATUS: dict[str, str] = {
    "VERIFIED": "verified",
    "UNVERIFIED": "unverified",
    "PENDING": "pending",
}


class _Reason(msgspec.Struct, rename="camel"):
    reason: str | None = None


class Said(msgspec.Struct, rename="camel"):
    """What a callback says of one number: that it is verified, denied or blocked, or an error."""

    type: str | None = None
    phone_number: str | None = None
    internal_ticket_number: str | None = None
    status: str | None = None
    decline_reason_description: str | None = None
    # What an earlier edition of the documentation calls it.
    denial_reason_description: str | None = None
    denial_status_code: int | str | None = None
    resubmit_allowed: bool | None = None
    additional_denial_reasons: list[_Reason] | None = None
    blocked: bool | None = None
    blocked_reason: str | None = None
    error_code: int | str | None = None
    error_message: str | None = None
    errors: list[str] | None = None


_SAID = reading.Shape(Said)


def said(body: bytes) -> Said | None:
    """Return what a body says of a toll-free number, or None for a body about anything else."""
    if body.lstrip()[:1] != b"{":
        return None
    found = reading.answer(body, _SAID)
    if found is None or found.type is not None:
        return None
    named = found.phone_number is not None or found.internal_ticket_number is not None
    return found if named else None


def signature(body: bytes, secret: str, form: Canonical) -> str | None:
    """Make the signature of a body, or None for one that has no such form."""
    covered = _canonical(body, form)
    return None if covered is None else hmac.new(secret.encode(), covered, "sha256").hexdigest()


def fault(body: bytes, given: list[str], config: BandwidthConfig) -> str | None:
    """Say what is wrong with the signatures that came with a body, or None: it is right."""
    if len(given) > 1:
        return "several signatures of a toll-free verification"
    if not config.toll_free_secret:
        return "the connection has no shared secret for toll-free verifications"
    if len(body) > SIGNED_MAX:
        return f"the body is larger than the {SIGNED_MAX} bytes of a toll-free verification"
    right = signature(body, config.toll_free_secret, config.toll_free_form)
    if right is None:
        return "the body of the toll-free verification is not JSON, so it has no canonical form"
    if not hmac.compare_digest(right.encode(), given[0].encode("utf-8", "surrogatepass")):
        return (
            f"the signature does not match the body (form {config.toll_free_form}): another "
            "shared secret, a changed body, or another canonical form"
        )
    return None


def _canonical(body: bytes, form: Canonical) -> bytes | None:
    if form == "raw":
        return body
    try:
        value = strict_json.decode(body)
        return msgspec.json.encode(value, order="sorted" if form == "sorted" else None)
    except (strict_json.StrictJsonError, OverflowError):
        return None


def notice(found: Said, body: bytes) -> Notice | None:
    """Make the notice of a status, or None where neither number nor status can be told.

    No time is sent: the same words about one ticket are the same statement.
    """
    number = reading.text(found.phone_number)
    if number is None:
        return None
    word = reading.text(found.status, reading.KIND_MAX)
    if found.blocked:
        status, why = "blocked", [found.blocked_reason]
    elif found.error_code is not None or found.errors:
        status, why = "failed", [found.error_message, *(found.errors or ())]
        word = word or str(found.error_code)[: reading.KIND_MAX]
    elif word in STATUS:
        status = STATUS[word]
        more = found.additional_denial_reasons or ()
        first = found.decline_reason_description or found.denial_reason_description
        why = [first, *(one.reason for one in more)]
    else:
        return None
    data: dict[str, object] = {
        "address": number,
        "kind": KIND,
        "status": status,
        "provider_status": word,
    }
    if status == "unverified":
        data |= _denial(found)
    reason = "; ".join(filter(None, why[:REASONS_MAX]))
    if reason:
        data["reason"] = reason[:REASON_MAX]
    ticket = reading.text(found.internal_ticket_number) or ""
    key = f"toll_free:{ticket}:{number}:{status}:{reading.fingerprint(body)}"
    return Notice("sender.status_changed", key, data, unnamed=not ticket)


def _denial(found: Said) -> dict[str, object]:
    """Return the code of a denial, and whether the verification may be handed in again."""
    told: dict[str, object] = {}
    code = found.denial_status_code
    if code is not None and code != "":
        told["provider_code"] = str(code)[: reading.KIND_MAX]
    if found.resubmit_allowed is not None:
        told["resubmit_allowed"] = found.resubmit_allowed
    return told


def simulated(message: OutboundMessage) -> dict[str, object]:
    """Make what Bandwidth says of a number: `content` has `status` and perhaps `reason`."""
    status = str(message.content.get("status", "verified"))
    told: dict[str, object] = {
        "accountId": "5500001",
        "phoneNumber": message.to,
        "internalTicketNumber": "9b3c9b6e-8f0a-4e0e-9d0e-5d5c1a1f0a11",
    }
    reason = message.content.get("reason")
    if status == "failed":
        return {**told, "errorCode": "400", "errorMessage": reason or "Bad request", "errors": []}
    if status == "blocked":
        why = {"blocked": True, "blockedReason": reason or "Blocked for spam"}
        return {**told, "status": "UNVERIFIED", **why}
    if status == "unverified":
        why = {
            "declineReasonDescription": reason or "Invalid information",
            "denialStatusCode": 511,
            "resubmitAllowed": True,
        }
        return {**told, "status": "UNVERIFIED", **why}
    return {**told, "status": status.upper()}
