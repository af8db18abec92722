"""The providers that there are. Everything that lists them is derived from this tuple."""

from ringback.providers.bandwidth import Bandwidth
from ringback.providers.base import Provider
from ringback.providers.generic import Generic
from ringback.providers.link_cool import LinkCool
from ringback.providers.linkmobility import LinkMobility
from ringback.providers.native import Native
from ringback.providers.pswin import PsWin
from ringback.providers.simulator import SIMULATOR
from ringback.providers.smsportal import SmsPortal
from ringback.providers.textellent import Textellent
from ringback.providers.twilio import Twilio
from ringback.providers.whatsapp import WhatsApp

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Bandwidth(),
        Generic(),
        LinkCool(),
        LinkMobility(),
        Native(),
        PsWin(),
        SIMULATOR,
        SmsPortal(),
        Textellent(),
        Twilio(),
        WhatsApp(),
    )
}


class UnknownProviderError(LookupError):
    """No provider has this name."""

    def __init__(self, name: str) -> None:
        known = ", ".join(sorted(PROVIDERS))
        super().__init__(f"no provider is called {name[:64]!r}; known: {known}")
        self.name = name


def get(name: str) -> Provider:
    """Return the provider called `name`. Raises UnknownProviderError, which lists all names."""
    provider = PROVIDERS.get(name)
    if provider is None:
        raise UnknownProviderError(name)
    return provider
