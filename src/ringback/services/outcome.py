"""What an attempt gave: the verdict on it, and the row that is recorded. Nothing is sent here."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from ringback.domain.endpoints import DeliveryPolicy
from ringback.domain.retry import Verdict, judge, retry_after
from ringback.services.guards import Advice
from ringback.storage.hot import Finished, Owned
from ringback.transport.exchange import Exchange

RESPONSE_KEPT = 64 * 1024
FINAL = {"delivered": 1, "exhausted": 2, "cancelled": 3}
_detail = msgspec.json.Encoder().encode


def judged(
    owned: Owned,
    exchange: Exchange,
    ended_ms: int,
    policy: DeliveryPolicy,
    schedule_s: tuple[int, ...],
    chance: float,
) -> Verdict:
    """Decide what follows from an attempt; `schedule_s` holds where the endpoint has none."""
    return judge(
        status=exchange.status,
        error=exchange.error,
        retry_after_s=retry_after(exchange.header("retry-after"), ended_ms),
        attempt=owned.n + 1,
        schedule_s=schedule_s if policy.schedule_s is None else policy.schedule_s,
        chance=chance,
        give_up_on=policy.give_up_on,
        retry=owned.retry,
    )


def outcome(
    owned: Owned,
    attempt_id: UUID,
    request: Mapping[str, object],
    exchange: Exchange,
    verdict: Verdict,
    advice: Advice,
) -> Finished:
    """Return the row of an attempt: what was sent, what came back, and the decision in words."""
    timings = exchange.timings
    explanation = exchange.detail and ". ".join(filter(None, (exchange.detail, advice.words)))
    detail: dict[str, object] = {
        "request": request,
        "response": {"headers": exchange.headers, "truncated": exchange.truncated},
        "error": explanation or None,
        "allow": advice.change,
        "address": exchange.address,
        "reused": exchange.reused,
        "tls": exchange.tls,
        "timings": {
            "wait": round(timings.wait, 3), "dns": round(timings.dns, 3),
            "connect": round(timings.connect, 3), "tls": round(timings.tls, 3),
            "first_byte": round(timings.first_byte, 3), "total": round(timings.total, 3),
        },
        "decision": verdict.words,
    }  # fmt: skip
    return Finished(
        lane=owned.lane, endpoint=owned.endpoint, ord=owned.ord, id=attempt_id,
        status=exchange.status, error=exchange.error, ms=timings.total,
        final=FINAL[verdict.final] if verdict.final else 0, wait_s=verdict.wait_s,
        detail=_detail(detail), response=exchange.body[:RESPONSE_KEPT],
    )  # fmt: skip
