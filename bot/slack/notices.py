"""What is said past the outbox, and whether another process has said it: Slack itself keeps that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from bot.slack.elements import Outgoing
from bot.slack.gateway import Gateway, SlackBusy, SlackRefused, SlackUncertain
from workflows.ports import Clock

log = structlog.get_logger(__name__)

EVENT_TYPE = "spanwise_notice"
"""Names our metadata on such a message; its payload says about what it is, and how that was."""
LOOKED_BACK = timedelta(days=1)
LOOKED_AT = 200
"""Messages of a place that are looked through, newest first."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The newest message about something."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Notices:
    """Messages about one thing, in any channel or to any person."""

    gateway: Gateway
    clock: Clock
    about: str

    async def say(self, place: str, state: str, message: Outgoing) -> bool:
        """Say it unless the newest message there says the same; False when nobody can be told."""
        try:
            newest = await self.newest(place)
            if newest is None or newest.state != state:
                payload = {"about": self.about, "state": state}
                metadata = {"event_type": EVENT_TYPE, "event_payload": payload}
                await self.gateway.post(await self._channel(place), message, metadata=metadata)
        except (SlackBusy, SlackRefused, SlackUncertain) as error:
            log.warning("notice.unheard", about=self.about, place=place, error=type(error).__name__)
            return False
        return True

    async def newest(self, place: str) -> Notice | None:
        """What was said there last; None also when Slack does not show it: twice is better than never."""
        since = self.clock.now() - LOOKED_BACK
        try:
            answer = await self.gateway.call(
                "conversations_history",
                channel=await self._channel(place),
                oldest=f"{since.timestamp():.6f}",
                include_all_metadata=True,
                limit=LOOKED_AT,
            )
        except (SlackBusy, SlackRefused, SlackUncertain) as error:
            log.info("notice.not_looked", place=place, error=type(error).__name__)
            return None
        found = (_notice(message, self.about) for message in answer.get("messages", ()))
        return max((each for each in found if each), key=lambda each: each.at, default=None)

    async def _channel(self, place: str) -> str:
        is_person = place.startswith(("U", "W"))
        return await self.gateway.direct_channel(place) if is_person else place


def _notice(message: Mapping[str, Any], about: str) -> Notice | None:
    metadata = message.get("metadata") or {}
    said = metadata.get("event_payload") or {}
    if metadata.get("event_type") != EVENT_TYPE or said.get("about") != about:
        return None
    return Notice(str(said.get("state", "")), datetime.fromtimestamp(float(message["ts"]), UTC))
