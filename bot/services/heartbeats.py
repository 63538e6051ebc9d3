"""A process saying every few seconds that it is there, so that others can tell when nobody works."""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import partial

import structlog

from bot.adapters.store.database import Connection, Store
from bot.adapters.store.heartbeats_log import beat, end_beats
from bot.adapters.store.store_down import StoreDown
from bot.services.health_checks import HealthChecks

log = structlog.get_logger(__name__)

EVERY_S = 10.0
TOLD = frozenset({"index", "slack"})
"""Parts that admins are told of when they do not answer; of the database nothing can be kept meanwhile."""


class Heartbeats:
    """The beats of this process."""

    def __init__(
        self,
        store: Store,
        parts: Collection[str],
        every_s: float = EVERY_S,
        *,
        slots: int = 0,
        checks: HealthChecks | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._store = store
        self._parts = tuple(parts)
        self._every_s = every_s
        self._slots = slots
        self._checks = checks
        self._since: dict[str, str] = {}

    async def run_until(self, stop: asyncio.Event) -> None:
        """Beat until `stop` is set, then take the process off the list."""
        while not stop.is_set():
            troubles = await self._troubles()
            await self._write(partial(self._beat, troubles=troubles))
            try:
                async with asyncio.timeout(self._every_s):
                    await stop.wait()
            except TimeoutError:
                continue
        await self._write(lambda connection: end_beats(connection, self.name))

    def _beat(self, connection: Connection, *, troubles: Mapping[str, Mapping[str, str]]) -> None:
        beat(connection, self.name, self._parts, self._slots, troubles)

    async def _troubles(self) -> dict[str, dict[str, str]]:
        """What alerts are about, of what this process looks at; empty for a part that answers."""
        if self._checks is None:
            return {}
        parts = {name: part for name, part in (await self._checks.health()).parts.items() if name in TOLD}
        now = datetime.now(UTC).isoformat()
        self._since = {
            name: self._since.get(name, now) for name, part in parts.items() if part.state == "down"
        }
        return {
            name: {"since": self._since[name], "said": part.detail, "next": part.next}
            if name in self._since
            else {}
            for name, part in parts.items()
        }

    async def _write(self, work: Callable[[Connection], None]) -> None:
        try:
            await self._store.write(work, relaxed=True)
        except StoreDown as error:
            log.warning("heartbeat.failed", process=self.name, why=error.why)
        except Exception:
            # the next beat tries again, and until then this process counts as gone
            log.exception("heartbeat.failed", process=self.name)
