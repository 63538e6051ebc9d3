"""Bringing messages where no worker is there to do it: that nobody works must not go unsaid."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import count_alive
from bot.services.outbox import Courier

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A courier that works only while no worker is heard, in a process that has a line to Slack."""

    store: Store
    courier: Callable[[], Awaitable[Courier]]
    """Made when it is first needed."""
    look_s: float = 15.0

    async def run_until(self, stop: asyncio.Event) -> None:
        """Look now and then, until `stop` is set."""
        while not stop.is_set():
            try:
                await self.look()
            except Exception:
                log.exception("stand_in.failed")
            try:
                async with asyncio.timeout(self.look_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def look(self) -> bool:
        """Bring what is due if nobody else does; whether it was so."""
        alive = await self.store.read(count_alive)
        if alive.get("worker"):
            return False
        await (await self.courier()).drain()
        return True
