"""The response URLs handed out with commands and interactions: five posts within thirty minutes each."""

import secrets
from dataclasses import dataclass

from bot.workspace.clockwork import Clock
from bot.workspace.refusal import Refusal

LIFETIME_S = 30 * 60
USES = 5
REMEMBERED = 1000


@dataclass(slots=True)
class ResponseSlot:
    """Where the posts of one response URL go."""

    person: str
    channel: str
    expires_at: float
    source_ts: str = ""
    """The message that was used, for replace_original and delete_original."""
    source_is_ephemeral: bool = False
    thread_ts: str = ""
    uses_left: int = USES


class ResponseUrls:
    """Issues response URLs and counts their use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[str, ResponseSlot] = {}

    def issue(self, slot: ResponseSlot) -> str:
        """The path of a new response URL."""
        key = secrets.token_urlsafe(12)
        if len(self._slots) >= REMEMBERED:
            self._slots.pop(next(iter(self._slots)))
        slot.expires_at = self._clock.now() + LIFETIME_S
        self._slots[key] = slot
        return f"/response/{key}"

    def use(self, key: str) -> ResponseSlot:
        """The slot, one use poorer. Refuses with no_service, expired_url or used_url."""
        slot = self._slots.get(key)
        if slot is None:
            raise Refusal("no_service")
        if self._clock.now() > slot.expires_at:
            raise Refusal("expired_url")
        if slot.uses_left <= 0:
            raise Refusal("used_url")
        slot.uses_left -= 1
        return slot
