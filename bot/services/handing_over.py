"""From the process that takes requests to a worker: what needs models or vectors, as it came."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Store
from bot.adapters.store.handed_log import (
    HandedRequest,
    claim_handed,
    end_handed,
    hold_handed,
    insert_handed,
)
from workflows.ports import Clock

LEASE_S, HOLD_S = 12.0, 4.0
"""How long a worker that died keeps a request from the others, and how often one that lives says so."""


@dataclass(frozen=True, slots=True)
class HandOvers:
    """Requests are stored before they are acknowledged; a worker takes each up under a lease."""

    store: Store
    clock: Clock
    bell: WakeUp = field(default_factory=WakeUp)

    async def leave(self, request: HandedRequest) -> None:
        """Leave it to a worker, once for all its deliveries."""
        now = self.clock.now()
        await self.store.write(lambda connection: insert_handed(connection, request, now))
        self.bell.ring()

    async def take(self) -> HandedRequest | None:
        """Take up the oldest that nobody holds."""
        return await self.store.write(lambda connection: claim_handed(connection, LEASE_S))

    async def end(self, request: HandedRequest) -> None:
        """It is dealt with."""
        await self.store.write(lambda connection: end_handed(connection, request))

    @contextlib.asynccontextmanager
    async def held(self, request: HandedRequest) -> AsyncIterator[None]:
        """Keep other workers off it while inside."""
        holder = asyncio.create_task(self._hold(request))
        try:
            yield
        finally:
            holder.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await holder

    async def _hold(self, request: HandedRequest) -> None:
        while True:
            await asyncio.sleep(HOLD_S)
            await self.store.write(lambda connection: hold_handed(connection, request, LEASE_S), relaxed=True)
