"""Asking a provider whether it takes the credentials of a connection: nothing is changed there."""

from ringback.domain.endpoints import Connection
from ringback.domain.hosts import InvalidUrl
from ringback.providers import registry
from ringback.providers.base import Checked
from ringback.services.guards import Guards
from ringback.services.talk import Talk, Tokens, talk
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange

DEADLINE_S = 10.0


class CredentialsCheck:
    """Asks providers, one request or two at a time."""

    def __init__(self, client: Client, guards: Guards) -> None:
        """Take the way out."""
        self._client = client
        self._guards = guards

    async def check(self, connection: Connection) -> Checked | None:
        """Ask; None when the connection has no credentials to send with, or its provider no way.

        A token that is still good would prove nothing: a new one is fetched.
        """
        flow = registry.get(connection.provider).check(connection.config)
        if flow is None:
            return None
        policy = self._guards.policy_of(connection)
        how = Talk(self._client, policy, DEADLINE_S, Tokens(), connection.id)
        try:
            told = await talk(flow, how)
        except InvalidUrl as error:
            return Checked(False, str(error))
        if isinstance(told, Exchange):
            return Checked(False, f"It could not be asked: {told.error}: {told.detail}")
        return told
