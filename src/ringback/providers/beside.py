"""What a provider posts beside a message from a person: its own word that they opted out or in.

Some tell of that in a callback of its own. Whoever simulates a STOP wants that one, too.
"""

from typing import Any

from ringback.domain.consent import ConsentWord
from ringback.domain.http import HttpRequest
from ringback.domain.messages import Status
from ringback.providers.base import OutboundMessage
from ringback.providers.keywords import meaning, opt_in_words, opt_out_words


class _Usual:
    """The usual words, whatever a connection listens for: the provider knows nothing of that."""

    opt_out_words = opt_out_words()
    opt_in_words = opt_in_words()


_USUAL = _Usual()


class TellsBeside:
    """A provider that tells of opt-outs and opt-ins in callbacks of their own."""

    def beside(
        self, message: OutboundMessage, status: Status, config: Any, url: str
    ) -> HttpRequest | None:
        """Make the callback that is posted beside the one of `simulate`, correctly signed.

        The arguments are those of `simulate`; None where nothing comes beside it.
        """
        word = meaning(message.text, _USUAL) if status == "received" else None
        return None if word is None else self.notice(message, word, config, url)

    def notice(
        self, message: OutboundMessage, word: ConsentWord, config: Any, url: str
    ) -> HttpRequest | None:
        """Make the callback by which the provider tells that a message's sender opted out or in.

        None where it has no such callback.
        """
        raise NotImplementedError
