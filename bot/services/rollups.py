"""Keeping the sums by the hour up to date, from which reports are added up."""

from collections.abc import Callable
from functools import partial

from bot.adapters.store.database import Store
from bot.adapters.store.rollup_writes import Renewal, forget_sums, renew, write_renewal
from workflows.ports import Clock

TRIES = 3
"""How often to begin again when another process wrote first."""


class Rollups:
    """Sums up what is over and takes up what has changed. Any number of processes may do so at once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def refresh(self, on_step: Callable[[Renewal], None] | None = None) -> int:
        """Bring the sums up to date; gives how many hours of workflows were summed up anew."""
        now, count, lost = self._clock.now(), 0, 0
        while lost < TRIES:
            renewal = await self._store.read(partial(renew, now=now))
            if not await self._store.write(partial(write_renewal, renewal=renewal), relaxed=True):
                lost += 1
                continue
            count += len(renewal.tallies)
            if on_step is not None:
                on_step(renewal)
            if renewal.is_last:
                break
        return count

    async def rebuild(self, on_step: Callable[[Renewal], None] | None = None) -> int:
        """Sum up everything anew, for rows that came from elsewhere; gives how many hours that were."""
        await self._store.write(forget_sums)
        return await self.refresh(on_step)
