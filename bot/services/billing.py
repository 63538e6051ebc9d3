"""Who pays for a call: money is set aside before it and its ledger row written after it, exactly once."""

import asyncio
import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import Connection

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.observing import ModelCalled, Observers
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.reservation import BudgetSpent, CheaperWanted, Expected, Reservation
from bot.adapters.store import balances_log, budgets_log
from bot.adapters.store.balances_log import BalanceRow, Key, balance_key
from bot.adapters.store.database import Store
from bot.adapters.store.ledger import has_call, insert_call
from bot.governance.budget import LOW, Balance, Budget, Decision, Spender, Verdict, decide
from bot.services.allotments import LASTS, LONGEST_S, Allotment, worth
from bot.services.budget_book import BudgetBook, balances_of, give_back, give_back_dead, is_due
from bot.services.budget_notices import BudgetNotices
from bot.services.cheaper_models import CheaperModels
from workflows.ports import Clock

PATIENCE_S = 15.0
"""How long a call waits for others to give back what they do not need, if its deadline leaves it that."""
LOOK_S = 0.3
"""Time between two looks at what other processes give back."""
OVERDUE = timedelta(minutes=10)
"""How long after its deadline a call cannot be under way any more, by the clock of any host."""

Outcome: TypeAlias = Reservation | Allotment | CheaperWanted | BudgetSpent | None
"""None: it may fit in a moment."""


@dataclass(slots=True)
class Line:
    """Calls that wait for the same money: one looks, the others stand behind it."""

    place: asyncio.Lock = field(default_factory=asyncio.Lock)
    bell: WakeUp = field(default_factory=WakeUp)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    allotment: Allotment | None = None
    """What is set aside here for the next calls; of several, the newest."""

    async def news(self, seconds: float) -> None:
        """Until some money was given back here, or a while."""
        await self.bell.wait(seconds)


@dataclass(slots=True)
class Billing:
    """The same for all runs of this process."""

    store: Store
    clock: Clock
    notices: BudgetNotices
    outgoing: WakeUp
    book: BudgetBook = field(default_factory=BudgetBook)
    cheaper: CheaperModels = field(default_factory=CheaperModels)
    teams: tuple[str, ...] = ()
    """User groups that spending is counted for, in this order; empty for all of them."""
    observers: Observers = field(default_factory=Observers)

    _lines: dict[tuple[str, ...], Line] = field(default_factory=dict)

    def line(self, spender: Spender) -> Line:
        """Where calls of this spender wait."""
        return self._lines.setdefault(tuple(budget.id for budget in self.book.of(spender)), Line())

    def given_back(self) -> None:
        """Have those who wait look again."""
        for line in self._lines.values():
            line.bell.ring()

    def payer(self, spender: Spender, run_id: str = "", fence: int = 0) -> "RunPayer":
        """What one run's, evaluation's or conversation's calls are paid from and written to."""
        return RunPayer(self, spender, run_id, fence)

    def look(self, connection: Connection) -> None:
        """Hear of budgets that were set elsewhere, within a transaction that is under way anyway."""
        if self.book.is_stale:
            self.book.look(connection)


@dataclass(frozen=True, slots=True)
class RunPayer:
    """A Payer that keeps the ledger too."""

    billing: Billing
    spender: Spender
    run_id: str
    fence: int

    @property
    def has_budget(self) -> bool:
        """Whether any limit applies."""
        return bool(self.billing.book.of(self.spender))

    async def reserve(self, expected: Expected) -> Reservation | None:
        """Set money aside, waiting a little where others will give theirs back; None when no limit applies.

        Raises BudgetSpent, CheaperWanted.
        """
        until = asyncio.get_running_loop().time() + min(PATIENCE_S, expected.seconds / 2)
        line = self.billing.line(self.spender)
        made = self._part(line, expected)
        if made is None and not line.place.locked():
            async with line.asking:
                # whoever asked before may have got enough for both
                made = self._part(line, expected) or await self._try(expected)
        if made is not None:
            return made
        try:
            async with asyncio.timeout_at(until), line.place:
                while self.has_budget:
                    outcome = await self._try(expected)
                    if outcome is not None:
                        return outcome
                    await line.news(LOOK_S)
        except TimeoutError:
            return await self._try(expected, is_last=True)
        return None

    def _part(self, line: Line, expected: Expected) -> Reservation | None:
        return line.allotment.take(expected, self.billing.clock.now()) if line.allotment else None

    async def record(self, entry: LedgerEntry) -> None:
        """Write the ledger row, count it against the budgets and give back what was set aside for it.

        It is durable with the step that the call was made for, which is written after it.
        """
        made, tries = entry.reservation, itertools.count()
        self.billing.store.leave(lambda connection: self._settle(connection, entry, is_again=next(tries) > 0))
        self.billing.observers.tell(ModelCalled(entry, self.spender.workflow, self.fence))
        if made is None:
            return
        if isinstance(made.part_of, Allotment):
            made.part_of.give(made, entry.cost_usd)
            self._settle_part(made.part_of)
        # their next look is queued behind what was just left
        self.billing.given_back()

    def _settle_part(self, allotment: Allotment) -> None:
        """Give back what is left of an allotment that is over."""
        if not allotment.is_given_back and allotment.is_over(self.billing.clock.now()):
            allotment.is_given_back = True
            self.billing.store.leave(lambda connection: self._take_back(connection, allotment.made.id))
            self.billing.given_back()

    def _close(self, allotment: Allotment) -> None:
        """Pay nothing more from it; the last call that it pays for gives it back."""
        allotment.is_closed = True
        self._settle_part(allotment)

    async def _try(self, expected: Expected, *, is_last: bool = False) -> Reservation | None:
        """What was set aside, or None when it may fit in a moment. Raises BudgetSpent, CheaperWanted."""
        outcome = await self._ask(expected, is_last=is_last)
        if isinstance(outcome, Exception):
            self.billing.outgoing.ring()
            raise outcome
        line = self.billing.line(self.spender)
        if line.allotment is not None and not isinstance(outcome, Reservation):
            # it is used up, or money is short and what lies here is needed elsewhere
            self._close(line.allotment)
            line.allotment = None
        if isinstance(outcome, Allotment):
            line.allotment = outcome
            asyncio.get_running_loop().call_later(LASTS.total_seconds(), self._close, outcome)
            return outcome.take(expected, outcome.made.at)
        return outcome

    async def _ask(self, expected: Expected, *, is_last: bool) -> Outcome:
        reservation_id, tries = str(uuid.uuid4()), itertools.count()

        def act(connection: Connection) -> Outcome:
            if next(tries):
                # the connection may have been lost after the commit
                self._take_back(connection, reservation_id)
            return self._set_aside(connection, reservation_id, expected, is_last)

        writing = asyncio.ensure_future(self.billing.store.write(act, relaxed=True))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            # it may be written, or still will be; what is queued behind it takes it back
            self.billing.store.leave(lambda connection: self._take_back(connection, reservation_id))
            writing.add_done_callback(_forget)
            raise

    def _set_aside(
        self, connection: Connection, reservation_id: str, expected: Expected, is_last: bool
    ) -> Outcome:
        budgets_log.lock(connection)
        at = self.billing.clock.now()
        budgets = {balance_key(budget, at): budget for budget in self.billing.book.of(self.spender)}
        made = Reservation(reservation_id, at, expected.dollars, tuple(budgets))
        several = worth(expected, budgets, at)
        if several:
            # mostly there is plenty, so the money is taken first and looked at afterwards
            rows = balances_log.change_balances(connection, budgets, reserved=several)
            if len(rows) == len(budgets) and _is_plenty(rows, budgets, at):
                whole = replace(made, dollars=several)
                return Allotment.of(self._keep(connection, whole, LASTS.total_seconds() + LONGEST_S), budgets)
            balances_log.change_balances(connection, [row.key for row in rows], reserved=-several)
        outcome = self._look_closely(connection, made, expected, is_last)
        if isinstance(outcome, Reservation):
            balances_log.change_balances(connection, outcome.held, reserved=expected.dollars)
            return self._keep(connection, outcome, expected.seconds, self.run_id)
        return outcome

    def _look_closely(
        self, connection: Connection, made: Reservation, expected: Expected, is_last: bool
    ) -> Outcome:
        at = made.at
        balances = self._balances(connection, at)
        decision = decide(balances.values(), expected.dollars, at)
        if decision.verdict is not Verdict.GRANTED:
            is_changed = self.billing.book.look(connection)
            if give_back_dead(connection, at) or is_changed:
                balances = self._balances(connection, at)
                decision = decide(balances.values(), expected.dollars, at)
        if not balances:
            # the last limit was lifted meanwhile
            return None
        is_short = decision.low is not None or decision.verdict is Verdict.SPENT
        if is_short and expected.cheaper and self._is_proven(connection, expected.cheaper):
            return CheaperWanted(_note(decision))
        if decision.verdict is Verdict.GRANTED:
            return replace(made, held=tuple(balances))
        if decision.verdict is Verdict.WAIT and not is_last:
            return None
        return self._refuse(connection, decision, expected, at)

    def _balances(self, connection: Connection, at: datetime) -> dict[Key, Balance]:
        return balances_of(connection, self.billing.book.of(self.spender), at)

    def _keep(
        self, connection: Connection, made: Reservation, seconds: float, run_id: str = ""
    ) -> Reservation:
        expires_at = made.at + timedelta(seconds=seconds) + OVERDUE
        balances_log.insert_reservation(
            connection, made, run_id=run_id, fence=self.fence, expires_at=expires_at
        )
        return made

    def _is_proven(self, connection: Connection, model: str) -> bool:
        return self.billing.cheaper.is_proven(connection, self.spender.workflow, model)

    def _refuse(
        self, connection: Connection, decision: Decision, expected: Expected, at: datetime
    ) -> BudgetSpent | None:
        balance, notices = decision.balance, self.billing.notices
        if balance is None:
            return None
        budget, is_spent = balance.budget, decision.verdict is Verdict.SPENT
        key = balance_key(budget, at)
        if is_spent and balances_log.read_balances(connection, [key])[key].refused_at is None:
            notices.say_spent(connection, balance, at, self.spender.workflow, expected.dollars)
        return BudgetSpent(
            expected.alias,
            scope=budget.scope.kind.value,
            name=budget.scope.name,
            period=budget.period.value,
            limit=f"{budget.allowed(at):f}",
            spent=f"{balance.spent_usd:f}",
            ends=budget.period.ends(at).isoformat(),
            ask=",".join(notices.owners(connection, balance)),
            needs=f"{expected.dollars:f}",
            busy="" if is_spent else "yes",
        )

    def _settle(self, connection: Connection, entry: LedgerEntry, *, is_again: bool) -> None:
        if is_again and has_call(connection, entry):
            # the connection was lost after the commit
            return
        self.billing.look(connection)
        made = entry.reservation
        budgets = self.billing.book.of(self.spender) if entry.cost_usd else ()
        if made is not None or budgets:
            budgets_log.lock(connection)
        insert_call(connection, entry, self.spender)
        changes = {balance_key(budget, entry.started_at): budget for budget in budgets}
        is_held = made is not None and made.held and balances_log.take_reservation(connection, made.id)
        back = made.dollars if made is not None and is_held else Decimal(0)
        held = set(made.held) if made is not None and is_held else set()
        # mostly what is paid for is what was held, so it is one statement
        for keys, spent, reserved in (
            (changes.keys() & held, entry.cost_usd, -back),
            (changes.keys() - held, entry.cost_usd, Decimal(0)),
            (held - changes.keys(), Decimal(0), -back),
        ):
            for row in balances_log.change_balances(connection, keys, spent=spent, reserved=reserved):
                if row.warned_at is None and row.key in changes:
                    budget = changes[row.key]
                    self._warn(connection, row.of(budget, budget.period.starts(entry.started_at)))

    def _warn(self, connection: Connection, balance: Balance) -> None:
        at = self.billing.clock.now()
        if balance.spent_usd and balance.is_low(at):
            self.billing.notices.say_low(connection, balance, at)

    def _take_back(self, connection: Connection, reservation_id: str) -> None:
        budgets_log.lock(connection)
        made = balances_log.find_reservation(connection, reservation_id)
        if made is not None:
            give_back(connection, made)


def _is_plenty(rows: list[BalanceRow], budgets: Mapping[Key, Budget], at: datetime) -> bool:
    """Whether no balance is near its limit with what was just taken, or to be counted anew."""
    return not any(
        is_due(row, at) or row.spent_usd + row.reserved_usd > LOW * budgets[row.key].allowed(at)
        for row in rows
    )


def _note(decision: Decision) -> str:
    balance = decision.low or decision.balance
    return cheaper_note(balance.budget) if balance is not None else ""


def cheaper_note(budget: Budget) -> str:
    """Said beside an answer that a cheaper model gave."""
    whose = "a person's" if budget.scope.kind.value == "person" else f"the {budget.scope.kind.value}'s"
    return (
        f"A cheaper model answered, because most of {whose} budget for this {budget.period.value} is spent. "
        "It passed this workflow's evaluation."
    )


def _forget(writing: "asyncio.Future[Outcome]") -> None:
    if not writing.cancelled():
        writing.exception()
