"""Letting requests into the queue, or saying honestly that they had better come later."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from bot.adapters.store.queue_line import Place, joined, place_of_new
from bot.adapters.store.run_turns import FREELY, Shares
from bot.governance.admission import Limits, refuse_full


@dataclass(frozen=True, slots=True)
class Admission:
    """How the queue is shared and how long it may get."""

    limits: Limits = field(default_factory=Limits)
    shares: Shares = FREELY

    def place(self, connection: Connection, person: str, workflow: str, *, always: bool = False) -> Place:
        """Where a run stands that is queued now; `always` lets it in. Raises QueueFull."""
        place, waiting = place_of_new(connection, person, workflow, self.shares)
        if not always:
            refuse_full(waiting, self.limits)
        joined(connection, person)
        return place


ANYTHING = Admission()
