"""The workspace's time: the system's, or one that a test moves by hand."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once that much of this clock's time has passed."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(seconds)


class ManualClock:
    """Stands still until moved; for tests of expiry and timeouts without waiting."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._someone_slept = asyncio.Event()

    def now(self) -> float:
        """Seconds since 1970, as last set."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has moved past the moment."""
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, alarm))
        self._someone_slept.set()
        try:
            await alarm
        finally:
            self._sleepers = [(at, other) for at, other in self._sleepers if other is not alarm]

    def advance(self, seconds: float) -> None:
        """Move the time and wake those whose moment has come."""
        self._now += seconds
        for at, alarm in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if at <= self._now and not alarm.done():
                alarm.set_result(None)

    async def until_asleep(self, seconds: float) -> None:
        """Return once somebody waits for a moment at least that far away."""
        while not any(at >= self._now + seconds and not alarm.done() for at, alarm in self._sleepers):
            self._someone_slept.clear()
            await self._someone_slept.wait()


async def within(clock: Clock, seconds: float, work: Awaitable[T]) -> T:
    """The work's result, or TimeoutError (and the work cancelled) after that much of the clock's time."""
    task = asyncio.ensure_future(work)
    alarm = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        alarm.cancel()
        if not task.done():
            task.cancel()
