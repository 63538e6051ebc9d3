"""Requests on record until they are dealt with: here, or by a worker that has models and vectors."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.handed_log import (
    HandedRequest,
    claim_handed,
    end_handed,
    hand_back,
    hold_handed,
    insert_dealt,
    insert_handed,
    is_dealt,
    put_off_handed,
)
from bot.adapters.store.outbox_log import NewItem, insert_item
from bot.adapters.store.store_down import StoreDown
from bot.services.opaque_ids import message_id
from workflows.ports import Clock

log = structlog.get_logger(__name__)
T = TypeVar("T")

LEASE_S, HOLD_S = 12.0, 4.0
"""How long a worker that died keeps a request from the others, and how often one that lives says so."""

INSIST_S, AGAIN_S = 60.0, 0.2
"""How long, and how often, that a request is dealt with is written to a database that is away."""
LONGEST = timedelta(minutes=10)
"""A request that was put off for longer is given up, and whoever asked is told."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """What is told whoever asked for something that is given up."""

    person: str
    words: str


@dataclass(frozen=True, slots=True)
class HandOvers:
    """Requests are stored before they are acknowledged; who deals with one holds it under a lease."""

    store: Store
    clock: Clock
    bell: WakeUp = field(default_factory=WakeUp)

    async def leave(self, request: HandedRequest) -> None:
        """Leave it to a worker, once for all its deliveries."""
        now = self.clock.now()
        await self.store.write(lambda connection: insert_handed(connection, request, now))
        self.bell.ring()

    async def take_in(self, request: HandedRequest) -> HandedRequest | None:
        """Put it on record, held by this process; None when an earlier delivery is on record, or dealt with.

        Should this process die, a worker takes it up.
        """
        now, held = self.clock.now(), replace(request, attempts=1)
        is_new = await self.store.write(lambda connection: insert_handed(connection, held, now, LEASE_S))
        return held if is_new else None

    async def hand_back(self, request: HandedRequest) -> None:
        """Leave to a worker what this process took in and cannot deal with."""
        await self._insist(lambda connection: hand_back(connection, request))
        self.bell.ring()

    async def is_dealt(self, key: str) -> bool:
        """Whether what has this key was dealt with."""
        return await self.store.read(lambda connection: is_dealt(connection, key))

    def remember(self, key: str) -> None:
        """What has this key is dealt with; nobody waits for that to be written."""
        now = self.clock.now()
        self.store.leave(lambda connection: insert_dealt(connection, key, now))

    async def take(self) -> HandedRequest | None:
        """Take up the oldest that nobody holds."""
        return await self.store.write(lambda connection: claim_handed(connection, LEASE_S))

    async def put_off(self, request: HandedRequest, farewell: Farewell) -> bool:
        """Have it taken up again when its lease is over; False when it is given up, and that said."""
        now = self.clock.now()

        def act(connection: Connection) -> bool:
            if put_off_handed(connection, request, now - LONGEST):
                return True
            _end_with(connection, request, farewell, now)
            return False

        return await self._insist(act)

    async def give_up(self, request: HandedRequest, farewell: Farewell) -> None:
        """Try it no more, and say so."""
        now = self.clock.now()
        await self._insist(lambda connection: _end_with(connection, request, farewell, now))

    async def end(self, request: HandedRequest) -> None:
        """It is dealt with."""
        now = self.clock.now()
        await self._insist(lambda connection: end_handed(connection, request, now))

    async def _insist(self, work: Callable[[Connection], T]) -> T:
        """Write it, also when the database is away for a while. Raises StoreDown when that lasts.

        Else whoever takes the request up next would do again what is done.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + INSIST_S
        while loop.time() < until and not self.store.has_hung_up:
            with contextlib.suppress(StoreDown):
                return await self.store.write(work)
            await asyncio.sleep(AGAIN_S)
        return await self.store.write(work)

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
            try:
                await self.store.write(
                    lambda connection: hold_handed(connection, request, LEASE_S), relaxed=True
                )
            except Exception as error:
                # the lease may outlast it, and what is under way is no worse for it
                log.warning("handed.not_held", error=type(error).__name__)


def _end_with(connection: Connection, request: HandedRequest, farewell: Farewell, at: datetime) -> None:
    if end_handed(connection, request, at):
        key, body = message_id(request.key, "farewell"), {"text": farewell.words}
        insert_item(connection, NewItem(key, "notice", farewell.person, body=body), at)
