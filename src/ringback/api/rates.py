"""Rate limits as requests and answers write them, and the fields that tell of them."""

from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.shown import View
from ringback.domain.rate import BURST_MAX, PER_SECOND_MAX, Rate, rate_of


class RateLimit(View):
    """How many requests a key may make."""

    per_second: int = Field(description="Requests a second, for ever.", examples=[100])
    burst: int = Field(description="Requests at once, after a pause.", examples=[200])


class RateLimitAsked(Asked):
    """How many requests a key may make."""

    per_second: int = Field(
        ge=1, le=PER_SECOND_MAX, description="Requests a second, for ever.", examples=[100]
    )
    burst: int | None = Field(
        default=None, ge=1, le=BURST_MAX, examples=[200],
        description="Requests at once, after a pause; left out: those of two seconds.",
    )  # fmt: skip


def asked_rate(asked: RateLimitAsked | None) -> Rate | None:
    """Return the rate that is asked for, if one is."""
    return None if asked is None else rate_of(asked.per_second, asked.burst)


def shown_rate(per_second: int | None, burst: int | None) -> RateLimit | None:
    """Show a rate, if there is one."""
    if per_second is None or burst is None:
        return None
    return RateLimit(per_second=per_second, burst=burst)
