"""Money set aside at once for the next calls of this process, where there is plenty: most ask nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.adapters.reservation import Expected, Reservation
from bot.adapters.store.balances_log import Key
from bot.governance.budget import Budget

CALLS = 20
"""Calls of the size at hand that an allotment is for, at most."""
SHARE = Decimal("0.02")
"""Of a limit, the most that one process sets aside in advance."""
LASTS = timedelta(seconds=10)
"""How long calls may be paid from one."""
LONGEST_S = 120.0
"""A call that may take longer asks for itself, so that what a lost process holds is given back soon."""


def worth(expected: Expected, budgets: Mapping[Key, Budget], at: datetime) -> Decimal:
    """How much to set aside at once; 0 where a call of this size should ask for itself."""
    if expected.seconds > LONGEST_S or not budgets:
        return Decimal(0)
    most = min(SHARE * budget.allowed(at) for budget in budgets.values())
    dollars = min(CALLS * expected.dollars, most)
    return dollars if dollars >= 2 * expected.dollars else Decimal(0)


@dataclass(slots=True)
class Allotment:
    """One that stands in the database as a reservation, and what of it is left."""

    made: Reservation
    until: datetime
    left: Decimal
    under_way: int = 0
    is_closed: bool = False
    """Nothing more is paid from it."""
    is_given_back: bool = False

    @classmethod
    def of(cls, made: Reservation, budgets: Mapping[Key, Budget]) -> "Allotment":
        """Fresh, for no longer than the periods it is held in."""
        ends = [budget.period.ends(made.at) for budget in budgets.values()]
        return cls(made, min(made.at + LASTS, *ends), made.dollars)

    def take(self, expected: Expected, at: datetime) -> Reservation | None:
        """The part of one call; None when it is used up or over."""
        if self.is_closed or at >= self.until or expected.dollars > self.left or expected.seconds > LONGEST_S:
            return None
        self.left -= expected.dollars
        self.under_way += 1
        return Reservation(self.made.id, at, expected.dollars, (), self)

    def give(self, made: Reservation, cost: Decimal) -> None:
        """A call is over: what it did not need is there for the next."""
        self.left += made.dollars - cost
        self.under_way -= 1

    def is_over(self, at: datetime) -> bool:
        """Whether no call will be paid from it any more and none is under way."""
        return not self.under_way and (self.is_closed or at >= self.until or self.left <= 0)
