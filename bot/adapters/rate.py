"""A token bucket as one moment, the one at which it is full: so much a minute, a tenth of it at once."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
AT_ONCE = 10
"""The share of a minute's amount, as one in so many, that may go out at once."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What may start within any minute. Amounts that start as it says never add up to more."""

    per_minute: int

    @property
    def burst(self) -> int:
        """What a full bucket holds."""
        return max(1, self.per_minute // AT_ONCE)

    def starts_at(self, amount: int, full_at: datetime, now: datetime) -> datetime:
        """When so much may start, at most a minute's worth. More than the burst waits for an overflow."""
        return max(now, full_at + self._span(amount - self.burst))

    def full_after(self, amount: int, full_at: datetime, start: datetime) -> datetime:
        """When the bucket is full again once that has started."""
        return max(full_at, start) + self._span(amount)

    def _span(self, amount: int) -> timedelta:
        # a bucket that lets one more than the rate through in a minute would do so a moment too late
        micros = amount * 60_000_000 / (self.per_minute + 1 - self.burst)
        return timedelta(microseconds=math.ceil(micros))
