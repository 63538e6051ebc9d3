"""A worker's side of requests that the process which took them could not deal with."""

import asyncio
from dataclasses import dataclass

import structlog

from bot.adapters.queue.wakeup import ringing_on
from bot.adapters.store.handed_log import HandedRequest
from bot.services.handing_over import HandOvers
from bot.slack.app import Reception
from bot.slack.passing import passes

log = structlog.get_logger(__name__)

LOOK_S = 0.5
AT_ONCE = 8
MOST_ATTEMPTS = 3
"""A request that ended the process of three workers is not given to a fourth."""


@dataclass(frozen=True, slots=True)
class TakingOver:
    """Part of a worker process. Any number of them may run."""

    hand_overs: HandOvers
    reception: Reception
    look_s: float = LOOK_S

    async def run_until(self, stop: asyncio.Event) -> None:
        """Deal with what is left to workers until `stop` is set; what is then under way is finished."""
        turns = asyncio.Semaphore(AT_ONCE)
        async with ringing_on(stop, self.hand_overs.bell.ring), asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                await turns.acquire()
                taken = await self._next()
                if taken is None:
                    turns.release()
                    await self.hand_overs.bell.wait(self.look_s)
                else:
                    tasks.create_task(self._deal(taken)).add_done_callback(lambda _: turns.release())

    async def drain(self) -> None:
        """Deal with what is left to workers, until nothing is."""
        while (taken := await self.hand_overs.take()) is not None:
            await self._deal(taken)

    async def _next(self) -> HandedRequest | None:
        try:
            return await self.hand_overs.take()
        except Exception:
            log.exception("handed.look_failed")
            return None

    async def _deal(self, taken: HandedRequest) -> None:
        try:
            if taken.attempts - taken.put_off <= MOST_ATTEMPTS:
                async with self.hand_overs.held(taken):
                    await self.reception.take_over(taken)
                    await self.hand_overs.end(taken)
            else:
                log.error("handed.given_up", kind=taken.kind, attempts=taken.attempts)
                await self.hand_overs.end(taken)
        except Exception as error:
            await self._failed(taken, error)

    async def _failed(self, taken: HandedRequest, error: Exception) -> None:
        """Its lease ends, and it is taken up again; for what passes by itself, it is not to blame."""
        if not passes(error):
            log.error("handed.failed", kind=taken.kind, exc_info=error)
            return
        try:
            waits = await self.hand_overs.put_off(taken, self.reception.farewell(taken, error))
            log.warning("handed.put_off" if waits else "handed.given_up", error=type(error).__name__)
        except Exception:
            log.exception("handed.failed", kind=taken.kind)
