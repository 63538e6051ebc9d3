"""Whether the line to Slack is open: that Slack takes our token, and that the socket is connected."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.slack.gateway import Gateway, SlackBusy, SlackRefused, SlackUncertain
from workflows.ports import Clock

KEPT = timedelta(seconds=30)
"""How long Slack's word is taken, so that probing every few seconds costs no calls."""


@dataclass(slots=True)
class LineProbe:
    """Asks Slack who we are, and the socket whether it is open."""

    gateway: Gateway
    clock: Clock
    is_connected: Callable[[], Awaitable[bool]] | None = None
    """Of the socket; None where Slack sends over HTTP."""
    _asked_at: datetime | None = None
    _wrong: str = ""

    async def look(self) -> str:
        """What is wrong with the line; empty when nothing is."""
        if self.is_connected is not None and not await self.is_connected():
            return "the socket is not connected"
        now = self.clock.now()
        if self._asked_at is None or self._wrong or now - self._asked_at >= KEPT:
            self._wrong, self._asked_at = await self._ask(), now
        return self._wrong

    async def _ask(self) -> str:
        try:
            await self.gateway.call("auth_test")
        except SlackRefused as error:
            return f"Slack refused: {error.reason}"
        except (SlackBusy, SlackUncertain):
            return "Slack cannot be reached"
        return ""
