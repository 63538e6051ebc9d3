"""A limit on what one evaluation may spend: money is put aside before each call and counted after it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models, Record
from bot.adapters.reservation import BudgetSpent, Payer
from workflows.ports import Model, ModelRefused, ModelReply, ModelRequest, Purpose


class SpendingCapReached(ModelRefused):
    """The call might have gone over what may be spent, so it was not made."""


class Purse:
    """What is left to spend. Once something did not fit, nothing that costs fits any more."""

    def __init__(self, cap_usd: Decimal) -> None:
        self.cap_usd = cap_usd
        self.spent_usd = Decimal(0)
        self.is_closed = False
        self._aside_usd = Decimal(0)
        self._changed = asyncio.Condition()

    async def put_aside(self, dollars: Decimal) -> bool:
        """Reserve what a call may cost; False when it does not fit even once others are paid for."""
        async with self._changed:
            # what others put aside is mostly more than they will have cost
            await self._changed.wait_for(lambda: self.is_closed or self._fits(dollars) or not self._aside_usd)
            if (self.is_closed and dollars) or not self._fits(dollars):
                self.is_closed = True
                self._changed.notify_all()
                return False
            self._aside_usd += dollars
            return True

    async def take_back(self, dollars: Decimal) -> None:
        """The call is over, and what it cost is counted."""
        async with self._changed:
            self._aside_usd -= dollars
            self._changed.notify_all()

    def count(self, dollars: Decimal) -> None:
        """What a call did cost."""
        self.spent_usd += dollars

    def _fits(self, dollars: Decimal) -> bool:
        return not dollars or self.spent_usd + self._aside_usd + dollars <= self.cap_usd


@dataclass(slots=True)
class Tally:
    """What one trial or its judging spent."""

    cost_usd: Decimal = Decimal(0)
    is_priced: bool = True
    hit_the_cap: bool = False


@dataclass(frozen=True, slots=True)
class CappedModel:
    """A Model whose calls are for an evaluation: within the purse, counted, under their own purpose."""

    models: Models
    inner: Model
    purse: Purse
    tally: Tally
    purpose: Purpose
    profiles_text: str

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """As the model answers. Raises ModelError, SpendingCapReached."""
        dollars = await self.models.estimate(request, self.profiles_text)
        if not await self.purse.put_aside(dollars):
            self.tally.hit_the_cap = True
            raise SpendingCapReached(request.alias, cap=f"{self.purse.cap_usd:f}")
        try:
            return await self.inner.complete(replace(request, purpose=self.purpose), on_text)
        except BudgetSpent:
            self.tally.hit_the_cap = True
            raise SpendingCapReached(request.alias, cap="budget") from None
        finally:
            await asyncio.shield(self.purse.take_back(dollars))


@dataclass(frozen=True, slots=True)
class Account:
    """Where the calls of one evaluation are paid from and written to."""

    models: Models
    purse: Purse
    record: Record
    """Keeps the ledger row."""
    evaluation_id: str
    payer: Payer | None = None
    """Holds the budgets that the calls count against as well."""

    def model(self, tally: Tally, purpose: Purpose, profiles_text: str) -> Model:
        """A model for one trial."""

        async def record(entry: LedgerEntry) -> None:
            tally.cost_usd += entry.cost_usd
            tally.is_priced = tally.is_priced and entry.priced
            self.purse.count(entry.cost_usd)
            await self.record(entry)

        inner = self.models.bind(
            record, run_id=self.evaluation_id, profiles_text=profiles_text, payer=self.payer
        )
        return CappedModel(self.models, inner, self.purse, tally, purpose, profiles_text)
