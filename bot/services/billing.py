"""Who pays for a call: money is set aside before it and its ledger row written after it, exactly once."""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import Connection

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.reservation import BudgetSpent, CheaperWanted, Expected, Reservation
from bot.adapters.store import balances_log, budgets_log
from bot.adapters.store.balances_log import Key
from bot.adapters.store.database import Store
from bot.adapters.store.ledger import insert_call
from bot.governance.budget import Balance, Budget, Decision, Spender, Verdict, decide
from bot.services.budget_book import BudgetBook, balances_of, give_back, give_back_dead
from bot.services.budget_notices import BudgetNotices
from bot.services.cheaper_models import CheaperModels
from workflows.ports import Clock

PATIENCE_S = 15.0
"""How long a call waits for others to give back what they do not need, if its deadline leaves it that."""
LOOK_S = 0.3
"""Time between two looks at what other processes give back."""
OVERDUE = timedelta(seconds=60)
"""How long after its deadline a call cannot be under way any more."""

Outcome: TypeAlias = Reservation | CheaperWanted | BudgetSpent | None
"""None: it may fit in a moment."""


@dataclass(slots=True)
class Line:
    """Calls that wait for the same money: one looks, the others stand behind it."""

    place: asyncio.Lock = field(default_factory=asyncio.Lock)
    bell: WakeUp = field(default_factory=WakeUp)

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
        if not line.place.locked():
            outcome = await self._try(expected)
            if outcome is not None:
                return outcome
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

    async def record(self, entry: LedgerEntry) -> None:
        """Write the ledger row, count it against the budgets and give back what was set aside for it.

        It is durable with the step that the call was made for, which is written after it.
        """
        self.billing.store.leave(lambda connection: self._settle(connection, entry))
        if entry.reservation is not None:
            # their next look is queued behind what was just left
            self.billing.given_back()

    async def _try(self, expected: Expected, *, is_last: bool = False) -> Reservation | None:
        """What was set aside, or None when it may fit in a moment. Raises BudgetSpent, CheaperWanted."""
        outcome = await self._ask(expected, is_last=is_last)
        if isinstance(outcome, Exception):
            self.billing.outgoing.ring()
            raise outcome
        return outcome

    async def _ask(self, expected: Expected, *, is_last: bool) -> Outcome:
        reservation_id = str(uuid.uuid4())
        writing = asyncio.ensure_future(
            self.billing.store.write(
                lambda connection: self._set_aside(connection, reservation_id, expected, is_last),
                relaxed=True,
            )
        )
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
            held = tuple(sorted(balances))
            made = Reservation(reservation_id, at, expected.dollars, held)
            return self._hold(connection, made, expected)
        if decision.verdict is Verdict.WAIT and not is_last:
            return None
        return self._refuse(connection, decision, expected, at)

    def _balances(self, connection: Connection, at: datetime) -> dict[Key, Balance]:
        return balances_of(connection, self.billing.book.of(self.spender), at)

    def _hold(self, connection: Connection, made: Reservation, expected: Expected) -> Reservation:
        expires_at = made.at + timedelta(seconds=expected.seconds) + OVERDUE
        balances_log.hold(connection, made.held, made.dollars)
        balances_log.insert_reservation(
            connection, made, run_id=self.run_id, fence=self.fence, expires_at=expires_at
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
        key = (budget.id, balance.starts_at)
        if is_spent and balances_log.read_balances(connection, [key])[key].refused_at is None:
            notices.say_spent(connection, balance, at, self.spender.workflow)
        return BudgetSpent(
            expected.alias,
            scope=budget.scope.kind.value,
            name=budget.scope.name,
            period=budget.period.value,
            limit=f"{budget.allowed(at):f}",
            spent=f"{balance.spent_usd:f}",
            ends=budget.period.ends(at).isoformat(),
            ask=",".join(notices.owners(connection, balance)),
            busy="" if is_spent else "yes",
        )

    def _settle(self, connection: Connection, entry: LedgerEntry) -> None:
        self.billing.look(connection)
        made = entry.reservation
        budgets = self.billing.book.of(self.spender) if entry.cost_usd else ()
        if made is not None or budgets:
            budgets_log.lock(connection)
        insert_call(connection, entry, self.spender)
        changes = {(budget.id, budget.period.starts(entry.started_at)): budget for budget in budgets}
        is_held = made is not None and balances_log.take_reservation(connection, made.id)
        held = made.held if made is not None and is_held else ()
        for key in sorted({*changes, *held}):
            spent = entry.cost_usd if key in changes else Decimal(0)
            back = made.dollars if made is not None and key in held else Decimal(0)
            row = balances_log.change_balance(connection, key, spent, -back)
            if row is not None and row.warned_at is None and key in changes:
                self._warn(connection, row.of(changes[key], key[1]))

    def _warn(self, connection: Connection, balance: Balance) -> None:
        at = self.billing.clock.now()
        if balance.spent_usd and balance.is_low(at):
            self.billing.notices.say_low(connection, balance, at)

    def _take_back(self, connection: Connection, reservation_id: str) -> None:
        budgets_log.lock(connection)
        made = balances_log.find_reservation(connection, reservation_id)
        if made is not None:
            give_back(connection, made)


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
