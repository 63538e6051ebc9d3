"""Money set aside for one call to a provider before it is made, as the models see it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from workflows.ports import ModelError


@dataclass(frozen=True, slots=True)
class Expected:
    """The most that one call can cost, asked for before it is made."""

    alias: str
    """What the workflow asked for."""
    dollars: Decimal
    seconds: float
    """How long the call may take at most."""
    cheaper: str = ""
    """The model, as `provider/model`, that may take its place when money is low; empty for none."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was set aside; given back when the call is recorded."""

    id: str
    at: datetime
    """When; the call counts as begun then, so that both fall into the same period."""
    dollars: Decimal
    held: tuple[str, ...]
    """Keys of the balances it is held in; none for a part of what was set aside for several calls."""
    part_of: Any = None
    """What it is a part of, which knows when the whole is given back."""


class Payer(Protocol):
    """Who pays for the calls of one run."""

    @property
    def has_budget(self) -> bool:
        """Whether any limit applies; without one nothing is reserved."""
        ...

    async def reserve(self, expected: Expected) -> Reservation | None:
        """Set money aside, waiting a little for others to give theirs back; None when no limit applies.

        Raises BudgetSpent, CheaperWanted.
        """
        ...


class CheaperWanted(Exception):
    """Money is low and the cheaper model has passed its evaluation: it should take the call."""

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.note = note
        """What readers of the answer are told."""


class BudgetSpent(ModelError):
    """The call would go over a limit, so it was not made.

    Facts: `scope`, `name`, `period`, `limit`, `spent`, `needs`, `ends`, and `ask`, the people who
    were told.
    """


class UnknownPrice(ModelError):
    """Nobody knows what the model costs, and that is not allowed here, so the call was not made."""
