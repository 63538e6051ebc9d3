"""How many calls of a provider may be repeated: a share of all, so that an outage does not multiply load."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SHARE = 0.1
"""Retries that each first call adds."""
FLOOR = 5.0
"""Retries that a provider with few calls has: that many at once, and then one every REFILL_S."""
REFILL_S = 10.0
MOST = 50.0
"""Retries that may be saved up in good times."""


@dataclass(slots=True)
class _Bucket:
    at: float
    saved: float = 0.0
    floor: float = FLOOR


@dataclass(slots=True)
class RetryBudget:
    """The buckets of all providers, by name, in this process: each keeps to its share, so all together do."""

    now: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def called(self, provider: str) -> None:
        """A first call is made."""
        bucket = self._bucket(provider)
        bucket.saved = min(MOST, bucket.saved + SHARE)

    def take(self, provider: str) -> bool:
        """Whether one more call may be a retry; it is taken when so."""
        bucket = self._bucket(provider)
        # the share is a sum of tenths
        if bucket.saved >= 1 - 1e-9:
            bucket.saved -= 1
            return True
        if bucket.floor >= 1:
            bucket.floor -= 1
            return True
        return False

    def _bucket(self, provider: str) -> _Bucket:
        now = self.now()
        bucket = self._buckets.setdefault(provider, _Bucket(now))
        bucket.floor = min(FLOOR, bucket.floor + (now - bucket.at) / REFILL_S)
        bucket.at = now
        return bucket
