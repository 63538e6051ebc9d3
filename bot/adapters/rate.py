"""Token buckets, each kept as one moment: the one at which it is full."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
AT_ONCE = 10
"""The share of a minute's amount, as one in so many, that may go out at once."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So much a minute, a tenth of it at once. Amounts that start as it says never add up to more."""

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


@dataclass(frozen=True, slots=True)
class Saved:
    """Something of which at most so many are saved up; with time, and by what is earned, there is more."""

    most: int
    each: timedelta
    """How long one takes to come."""

    def full_after(self, full_at: datetime, earned: timedelta, now: datetime) -> tuple[datetime, bool]:
        """When it is full again once one is taken, if there is one, and whether there was."""
        kept = max(full_at - earned, now)
        taken = kept + self.each
        return (taken, True) if taken <= now + self.most * self.each else (kept, False)
