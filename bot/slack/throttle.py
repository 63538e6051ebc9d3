"""How fast we may call Slack: one bucket a key, so that a busy channel holds up only itself."""

from datetime import datetime, timedelta
from math import inf

from workflows.ports import Clock

KEYS = 10_000
"""Buckets kept before those at rest are forgotten."""


class Throttle:
    """Says how long to wait before the next call of a key. Knows time only from its clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[str, datetime] = {}

    def take(self, key: str, *, every_s: float, burst: int, longest_s: float = inf) -> float:
        """Claim the next place; returns the seconds to wait for it, and claims nothing beyond `longest_s`."""
        now = self._clock.now()
        start = max(self._full_at.get(key, now), now)
        delay = max(0.0, (start - now).total_seconds() - every_s * (burst - 1))
        if delay <= longest_s:
            self._forget(now)
            self._full_at[key] = start + timedelta(seconds=every_s)
        return delay

    def has_room(self, key: str, *, every_s: float, burst: int) -> bool:
        """Whether more than half of the burst is still free."""
        now = self._clock.now()
        return (self._full_at.get(key, now) - now).total_seconds() < every_s * burst / 2

    def hold(self, key: str, seconds: float, *, every_s: float, burst: int) -> None:
        """Let nothing through for that long: Slack said so."""
        until = self._clock.now() + timedelta(seconds=seconds + every_s * (burst - 1))
        self._full_at[key] = max(self._full_at.get(key, until), until)

    def _forget(self, now: datetime) -> None:
        if len(self._full_at) >= KEYS:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
