"""Slack's rate limits: calls a minute of each method, and one message a second and channel."""

from dataclasses import dataclass, field

from bot.workspace.clockwork import Clock
from bot.workspace.method_table import Rule

POSTS_A_SECOND = 1.0
POST_BURST = 3
"""Slack allows short bursts without saying how short."""


@dataclass(slots=True)
class Tiers:
    """Token buckets by method, and by channel for posting."""

    clock: Clock
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def seconds_to_wait(self, method: str, rule: Rule, channel: str) -> float:
        """Zero when the call may go through now, which it then counts."""
        if rule.is_posting:
            return self._take(f"post {channel}", POST_BURST, POSTS_A_SECOND)
        if rule.calls_a_minute:
            return self._take(method, rule.calls_a_minute, rule.calls_a_minute / 60)
        return 0.0

    def _take(self, name: str, size: int, refill: float) -> float:
        now = self.clock.now()
        left, since = self._buckets.get(name, (float(size), now))
        left = min(float(size), left + (now - since) * refill)
        if left < 1:
            self._buckets[name] = (left, now)
            return (1 - left) / refill
        self._buckets[name] = (left - 1, now)
        return 0.0
