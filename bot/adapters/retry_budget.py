"""How many calls of a provider may be repeated: a share of all, so that an outage does not multiply load.

All processes on one database share it. Calls are counted here and cost nothing; the database is touched only
when a retry is wanted.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.adapters.rate import Saved
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.store_down import StoreDown
from bot.adapters.store.turns_log import take_saved

log = structlog.get_logger(__name__)

BUCKET = Saved(most=10, each=timedelta(seconds=10))
"""Retries that may be saved up, and how long it takes until there is one more where calls are few."""
WORTH = timedelta(seconds=1)
"""What a first call adds, as time that the bucket fills: ten calls are worth one retry."""


@dataclass(slots=True)
class _Recent:
    """Calls of this process that the others do not know of. Older ones count no more: of many processes
    each would bring what it saved up, all at the moment that the provider is down."""

    since: float
    calls: int = 0


class RetryBudget:
    """The buckets of all providers, by name. Times are the database's, where several machines share one."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[Connection], datetime] = lease_clock,
        own_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._own_clock = own_clock
        self._recent: dict[str, _Recent] = {}

    def called(self, provider: str) -> None:
        """A first call is made."""
        self._of(provider).calls += 1

    async def take(self, provider: str) -> bool:
        """Whether one more call may be a retry; it is taken when so."""
        recent = self._of(provider)
        earned, recent.calls = WORTH * recent.calls, 0
        key = f"retries {provider}"
        try:
            return await self._store.write(
                lambda connection: take_saved(connection, key, BUCKET, earned, self._clock(connection)),
                relaxed=True,
            )
        except StoreDown as error:
            # the others cannot be asked, and the step that wants it can be kept as little
            log.warning("retry.not_shared", provider=provider, why=error.why)
            return False

    def _of(self, provider: str) -> _Recent:
        now = self._own_clock()
        recent = self._recent.get(provider)
        if recent is None or now - recent.since > BUCKET.each.total_seconds():
            recent = self._recent[provider] = _Recent(now)
        return recent
