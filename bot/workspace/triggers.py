"""Trigger ids: each opens one view, for one person, within three seconds of what they did."""

from dataclasses import dataclass
from itertools import count

from bot.workspace.clockwork import Clock
from bot.workspace.refusal import Refusal

LIFETIME_S = 3.0
REMEMBERED = 1000
"""Older ids are forgotten, and then invalid rather than expired."""


@dataclass(slots=True)
class Trigger:
    """What a trigger id stands for."""

    person: str
    issued_at: float
    view_id: str = ""
    """The view in which it was caused, if any."""
    is_used: bool = False


class Triggers:
    """Issues and redeems trigger ids."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count(1)
        self._issued: dict[str, Trigger] = {}

    def issue(self, person: str, view_id: str = "") -> str:
        """A new trigger id."""
        trigger_id = f"{next(self._numbers)}.{int(self._clock.now())}.spanwise"
        if len(self._issued) >= REMEMBERED:
            self._issued.pop(next(iter(self._issued)))
        self._issued[trigger_id] = Trigger(person, self._clock.now(), view_id)
        return trigger_id

    def redeem(self, trigger_id: str) -> Trigger:
        """What it stands for, once. Refuses with invalid_, exchanged_ or expired_trigger_id."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.is_used:
            raise Refusal("exchanged_trigger_id")
        if self._clock.now() - trigger.issued_at > LIFETIME_S:
            raise Refusal("expired_trigger_id")
        trigger.is_used = True
        return trigger
