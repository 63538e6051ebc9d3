"""The circuit breaker that all processes share: a provider that keeps failing is left alone for a while.

A call that goes well costs no transaction. Failures and changes of state are written; successes only while
failures are remembered, and the whole is read at most once a second, and only while calls are made.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from bot.adapters.circuit import CALM, Circuit
from bot.adapters.store.circuits_log import change_circuit, claim_probe, read_circuits
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.run_leases import wake_put_off

log = structlog.get_logger(__name__)

FRESH_S = 1.0
"""How long what was read counts as true."""


class Resting(Exception):
    """The provider is left alone; nothing was sent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        """Until somebody may try it again."""


class Breaker:
    """The circuits of all providers, by key. Times are the database's, where several machines share one."""

    def __init__(self, store: Store, clock: Callable[[Connection], datetime] = lease_clock) -> None:
        self.fresh_s = FRESH_S
        self.refused = 0
        """Calls that this process did not make because of it."""
        self._store = store
        self._clock = clock
        self._known: dict[str, Circuit] = {}
        self._at: tuple[datetime, float] | None = None
        """When that was read, by the database and by this process."""
        self._uncounted: Counter[str] = Counter()
        self._counted_at = 0.0
        self._has_written = False
        self._reading = asyncio.Lock()

    async def admit(self, key: str) -> bool:
        """Let a call through; True for the one that tries an open circuit. Raises Resting."""
        await self.look()
        circuit = self._known.get(key, CALM)
        if circuit.probe_at is None:
            return False
        wait_s = (circuit.probe_at - self._now()).total_seconds()
        if wait_s <= 0 and await self._claim(key):
            return True
        self.refused += 1
        raise Resting(max(wait_s, self.fresh_s))

    def is_open(self, key: str) -> bool:
        """Whether the provider was left alone when last looked."""
        return self._known.get(key, CALM).is_open

    def succeeded(self, key: str, *, was_probe: bool = False) -> None:
        """Count a success; that of a probe closes the circuit and forgets what opened it."""
        if was_probe:
            self._uncounted.pop(key, None)
            log.info("breaker.closed", model=key.strip())
            self._change(key, lambda _circuit, _now: CALM)
            self._store.leave(wake_put_off)
        elif key in self._known:
            self._uncounted[key] += 1
            if time.monotonic() - self._counted_at >= self.fresh_s:
                self._counted_at = time.monotonic()
                times = self._uncounted.pop(key)
                self._change(key, lambda circuit, _now: circuit.succeeded(times))

    def failed(self, key: str) -> None:
        """Count a failure of the provider (never a refusal of one request)."""
        times = self._uncounted.pop(key, 0)
        was_open = self.is_open(key)
        self._change(key, lambda circuit, now: circuit.succeeded(times).failed(now))
        if self.is_open(key) and not was_open:
            log.warning("breaker.opened", model=key.strip())

    def let_go(self, key: str) -> None:
        """The call that was to try it told nothing, sent or not: the next one may."""
        self._change(key, Circuit.untried)

    async def look(self) -> None:
        """Hear of what other processes saw, unless that was just done."""
        async with self._reading:
            if self._at is not None and time.monotonic() - self._at[1] < self.fresh_s:
                return
            asked_at = time.monotonic()
            try:
                # own writes that nobody waited for are queued before another write, not before a read
                look = self._store.write(self._read, relaxed=True) if self._has_written else None
                self._has_written = False
                self._known, now = await (look or self._store.read(self._read))
            except Exception:
                # whoever cannot read this can keep no step either, and is told of that
                log.warning("breaker.not_shared", exc_info=True)
                now = self._now()
            self._at = (now, asked_at)

    def _read(self, connection: Connection) -> tuple[dict[str, Circuit], datetime]:
        return read_circuits(connection), self._clock(connection)

    async def _claim(self, key: str) -> bool:
        def act(connection: Connection) -> tuple[bool, dict[str, Circuit], datetime]:
            now = self._clock(connection)
            return claim_probe(connection, key, now), read_circuits(connection), now

        is_ours, self._known, now = await self._store.write(act, relaxed=True)
        self._at = (now, time.monotonic())
        return is_ours

    def _change(self, key: str, change: Callable[[Circuit, datetime], Circuit]) -> None:
        """Here at once, for the others with the next commit."""

        def act(connection: Connection) -> None:
            now = self._clock(connection)
            change_circuit(connection, key, lambda circuit: change(circuit, now))

        self._known[key] = change(self._known.get(key, CALM), self._now())
        if self._known[key].is_calm:
            del self._known[key]
        self._has_written = True
        self._store.leave(act)

    def _now(self) -> datetime:
        if self._at is None:
            return datetime.now(UTC)
        return self._at[0] + timedelta(seconds=time.monotonic() - self._at[1])
