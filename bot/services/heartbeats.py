"""A process saying every few seconds that it is there, so that others can tell when nobody works."""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Collection

import structlog

from bot.adapters.store.database import Connection, Store
from bot.adapters.store.heartbeats_log import beat, end_beats
from bot.adapters.store.store_down import StoreDown

log = structlog.get_logger(__name__)

EVERY_S = 10.0


class Heartbeats:
    """The beats of this process."""

    def __init__(
        self, store: Store, parts: Collection[str], every_s: float = EVERY_S, *, slots: int = 0
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._store = store
        self._parts = tuple(parts)
        self._every_s = every_s
        self._slots = slots

    async def run_until(self, stop: asyncio.Event) -> None:
        """Beat until `stop` is set, then take the process off the list."""
        while not stop.is_set():
            await self._write(lambda connection: beat(connection, self.name, self._parts, self._slots))
            try:
                async with asyncio.timeout(self._every_s):
                    await stop.wait()
            except TimeoutError:
                continue
        await self._write(lambda connection: end_beats(connection, self.name))

    async def _write(self, work: Callable[[Connection], None]) -> None:
        try:
            await self._store.write(work, relaxed=True)
        except StoreDown as error:
            log.warning("heartbeat.failed", process=self.name, why=error.why)
        except Exception:
            # the next beat tries again, and until then this process counts as gone
            log.exception("heartbeat.failed", process=self.name)
