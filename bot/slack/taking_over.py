"""A worker's side of requests that are on record and that nobody holds."""

import asyncio
from dataclasses import dataclass

import structlog

from bot.adapters.queue.wakeup import ringing_on
from bot.adapters.store.handed_log import HandedRequest
from bot.slack.dealing import Dealing

log = structlog.get_logger(__name__)

LOOK_S = 0.5
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class TakingOver:
    """Part of a worker process. Any number of them may run."""

    dealing: Dealing
    look_s: float = LOOK_S

    async def run_until(self, stop: asyncio.Event) -> None:
        """Deal with what is left to workers until `stop` is set; what is then under way is finished."""
        turns = asyncio.Semaphore(AT_ONCE)
        bell = self.dealing.hand_overs.bell
        async with ringing_on(stop, bell.ring), asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                await turns.acquire()
                taken = await self._next()
                if taken is None:
                    turns.release()
                    await bell.wait(self.look_s)
                else:
                    dealt = tasks.create_task(self.dealing.deal(taken))
                    dealt.add_done_callback(lambda _: turns.release())

    async def drain(self) -> None:
        """Deal with what is left to workers, until nothing is."""
        while (taken := await self.dealing.hand_overs.take()) is not None:
            await self.dealing.deal(taken)

    async def _next(self) -> HandedRequest | None:
        try:
            return await self.dealing.hand_overs.take()
        except Exception:
            log.exception("handed.look_failed")
            return None
