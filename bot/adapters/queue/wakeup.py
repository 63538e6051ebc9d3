"""Waking a loop of this process, and the queue of one machine that is made of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from bot.adapters.store.database import Connection


class WakeUp:
    """A bell that one loop listens to; ringing before anybody listens is not lost."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Have the listener look now."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when rung, or after `seconds`, whichever is first."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


class RunQueue(Protocol):
    """Tells workers, here and on other machines, that a run is due."""

    def announce(self, connection: Connection, run_id: str) -> None:
        """Part of the transaction that queues the run."""
        ...

    def ring(self) -> None:
        """After that transaction: wake the worker of this process."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when there may be work, or after `seconds`."""
        ...

    def listening(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Hear what other processes announce, while inside."""
        ...


class EmbeddedQueue(WakeUp):
    """Workers of this process are woken at once; others find the run at their next look."""

    def announce(self, connection: Connection, run_id: str) -> None:
        """Nothing: the run row is all that other processes need."""

    def listening(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Nothing: other processes are not heard."""
        return contextlib.nullcontext()


@contextlib.asynccontextmanager
async def ringing_on(stop: asyncio.Event, ring: Callable[[], None]) -> AsyncIterator[None]:
    """Ring when `stop` is set, so that a loop waiting for work notices."""

    async def watch() -> None:
        await stop.wait()
        ring()

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()
