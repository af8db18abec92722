"""Why a callback of Bandwidth's was refused: which credentials came, and what is signed; in words.

https://dev.bandwidth.com/docs/messaging/webhooks
"""

from typing import get_args

import msgspec

from ringback.domain.http import Callback
from ringback.providers import bandwidth_toll_free, header_words
from ringback.providers.bandwidth_config import BandwidthConfig, Canonical

_WHERE = "for the callback URL at Bandwidth, under the application or the subscription"


def explain(callback: Callback, config: BandwidthConfig) -> str | None:
    """Say in words why a callback may have been refused; None: no idea."""
    signed = callback.header_values(bandwidth_toll_free.SIGNATURE_HEADER)
    if len(signed) == 1 and config.toll_free_secret:
        fault = bandwidth_toll_free.fault(callback.body, signed, config)
        if fault is not None:
            return _of_form(callback.body, signed[0], config)
    given = callback.header_values("Authorization")
    if len(given) != 1 or not config.username or not config.password:
        return None
    sent = header_words.parted(given[0])
    for username, password, whose in (
        (config.api_username, config.api_password, "the API user's"),
        (config.client_id, config.client_secret, "the API client's"),
    ):
        if sent is not None and header_words.same(sent, username, password):
            return (
                f"They are {whose}, which are for asking Bandwidth: enter this connection's user "
                f"name and password {_WHERE}."
            )
    return header_words.fault(given[0], config.username, config.password, _WHERE)


def _of_form(body: bytes, signature: str, config: BandwidthConfig) -> str | None:
    """Try the other canonical forms: Bandwidth does not say which it signs."""
    for form in get_args(Canonical):
        other = msgspec.structs.replace(config, toll_free_form=form)
        if other != config and not bandwidth_toll_free.fault(body, [signature], other):
            return f"It fits another form of the body: set toll_free_form to {form}."
    return None
