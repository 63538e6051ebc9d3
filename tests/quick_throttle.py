"""Slack's limits, a hundred times as wide: waiting for Slack is what few tests are about."""

from bot.slack.throttle import Throttle

SPEED = 100


class QuickThrottle(Throttle):
    """As Slack's limits would be if they were wider."""

    def take(self, key: str, *, every_s: float, burst: int, **how: float) -> float:
        """As of the limits themselves."""
        return super().take(key, every_s=every_s / SPEED, burst=burst, **how)

    def has_room(self, key: str, *, every_s: float, burst: int) -> bool:
        """As of the limits themselves."""
        return super().has_room(key, every_s=every_s / SPEED, burst=burst)

    def hold(self, key: str, seconds: float, *, every_s: float, burst: int) -> None:
        """As of the limits themselves."""
        super().hold(key, seconds, every_s=every_s / SPEED, burst=burst)
