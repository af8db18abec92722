"""A worker that reads what is held, for a test that kills it."""

import asyncio
import os

from ringback.app import Engine
from ringback.services import failpoints
from ringback.settings import Settings


async def _work() -> None:
    failpoints.arm()
    dsn, key = os.environ["DSN"], os.environ["SECRET_KEY"]
    engine = Engine(Settings(database_url=dsn, secret_key=key), dsn, (key,))
    await engine.start()
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(_work())
