"""Bringing messages where no worker is there to do it: that nobody works must not go unsaid."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import ALIVE, count_alive
from bot.adapters.store.outbox_log import has_due
from bot.services.outbox import Courier

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A courier that works only while no worker is heard, in a process that has a line to Slack."""

    store: Store
    courier: Callable[[], Awaitable[Courier]]
    """Made when it is first needed."""
    look_s: float = 15.0
    first_s: float = ALIVE.total_seconds()
    """A worker that starts at the same time has to be heard first."""

    async def run_until(self, stop: asyncio.Event) -> None:
        """Look now and then, until `stop` is set."""
        pause_s = self.first_s
        while not await _ended(stop, pause_s):
            try:
                await self.look(stop)
            except Exception:
                log.exception("stand_in.failed")
            pause_s = self.look_s

    async def look(self, stop: asyncio.Event | None = None) -> bool:
        """Bring what is due if nobody else does, until `stop` is set; whether it was so."""
        alive = await self.store.read(count_alive)
        if alive.get("worker") or not await self.store.read(has_due):
            return False
        await (await self.courier()).drain(stop)
        return True


async def _ended(stop: asyncio.Event, seconds: float) -> bool:
    """Whether `stop` was set within that time."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
