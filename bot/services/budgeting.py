"""Budgets as people keep them: see what was spent, set limits, lift them, and add to them for a while."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, balances_log, budgets_log, outbox_log
from bot.adapters.store.balances_log import balance_key
from bot.adapters.store.database import Store
from bot.adapters.store.ledger import Spent, sum_spent
from bot.governance.budget import (
    MOST_USD,
    Balance,
    Budget,
    Period,
    Scope,
    ScopeKind,
    TopUp,
    team_of,
)
from bot.governance.budget_words import InvalidLimit
from bot.governance.roles import Permission
from bot.services import opaque_ids
from bot.services.access import Access, Outsider
from bot.services.actors import Actor
from bot.services.budget_book import BudgetBook, count_anew, give_back_dead, speak_again
from bot.services.budget_notices import budget_subject
from bot.services.catalogue import Catalogue
from workflows.ports import Clock
from workflows.run import Json

T = TypeVar("T")
LONGEST_TOP_UP = timedelta(days=366)
LATELY = 100
"""Top-ups of one scope among which one is looked for that may have been made a moment ago."""


class UnknownBudget(Exception):
    """No limit of that kind is in force; it may have been lifted."""

    def __init__(self, scope: Scope | None = None) -> None:
        super().__init__(str(scope or ""))
        self.facts = {"scope": scope.kind.value, "name": scope.name} if scope else {}


class InvalidTopUp(Exception):
    """Nothing to add, too much, or until a day that is over or too far; fact `why` is which."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.facts = {"why": why}


class NotATeam(Exception):
    """Nobody's spending counts for that user group, so a limit for it would hold nothing."""

    def __init__(self, group: str) -> None:
        super().__init__(group)
        self.facts = {"group": group}


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A limit and what has become of it in the period that holds `at`."""

    balance: Balance
    at: datetime
    may_change: bool = False
    """Whether whoever looks may add to it."""

    @property
    def budget(self) -> Budget:
        """The limit."""
        return self.balance.budget

    @property
    def allowed_usd(self) -> Decimal:
        """The limit with what is added to it now."""
        return self.budget.allowed(self.at)

    @property
    def ends_at(self) -> datetime:
        """When it starts afresh."""
        return self.budget.period.ends(self.at)

    @property
    def is_low(self) -> bool:
        """Whether most of it is spent."""
        return self.balance.is_low(self.at)


@dataclass(frozen=True, slots=True)
class ScopeSpending:
    """What one scope spent, beside its limits."""

    scope: Scope
    by_period: Mapping[Period, Spent]
    """In the day, week and month that are under way."""
    budgets: tuple[BudgetView, ...]
    may_change: bool


class Budgets:
    """The use cases around budgets."""

    def __init__(
        self,
        store: Store,
        access: Access,
        catalogue: Catalogue,
        clock: Clock,
        book: BudgetBook,
        outgoing: WakeUp,
        teams: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self._book = book
        self._outgoing = outgoing
        self.teams = tuple(teams)

    async def set_limit(self, actor: Actor, scope: Scope, dollars: Decimal, period: Period) -> BudgetView:
        """Set what a scope may spend in a period, in place of what it might.

        Raises NotAuthorized, Outsider, UnknownWorkflow, NotATeam, InvalidLimit.
        """
        if not 0 <= dollars <= MOST_USD:
            raise InvalidLimit(f"{dollars:f}")
        new = Budget(opaque_ids.budget_id(), scope, period, dollars)

        def act(connection: Connection) -> BudgetView:
            self._check(connection, actor, scope)
            at = self._clock.now()
            kept = budgets_log.put_budget(connection, new, by=actor.id, at=at)
            balance = count_anew(connection, kept, at)
            said: dict[str, Json] = {"limit_usd": f"{dollars:f}", "period": period.value}
            self._changed(connection, actor, kept, "budget.set", said, at)
            return BudgetView(balance, at, may_change=True)

        return await self._write(act)

    async def lift(self, actor: Actor, scope: Scope, period: Period | None = None) -> tuple[Budget, ...]:
        """End the limit of a period, or every limit of a scope.

        Raises NotAuthorized, Outsider, UnknownBudget.
        """

        def act(connection: Connection) -> tuple[Budget, ...]:
            self._access.authorise(connection, actor, Permission.BUDGET, scope.permission_scope)
            at = self._clock.now()
            found = [each for each in budgets_log.read_budgets(connection) if each.scope == scope]
            ended = tuple(each for each in found if period in (None, each.period))
            if not ended:
                raise UnknownBudget(scope)
            for each in ended:
                budgets_log.end_budget(connection, each.id, at)
                self._changed(connection, actor, each, "budget.lifted", {"period": each.period.value}, at)
            return ended

        return await self._write(act)

    async def top_up(self, actor: Actor, budget_id: str, dollars: Decimal, until: datetime) -> BudgetView:
        """Add to a limit until a moment. Raises NotAuthorized, Outsider, UnknownBudget, InvalidTopUp."""
        asked = opaque_ids.top_up_id()

        def act(connection: Connection) -> BudgetView:
            # before it is read: what another process adds meanwhile would be lost
            budgets_log.lock(connection)
            budget, at = self._find(connection, budget_id), self._clock.now()
            self._access.authorise(connection, actor, Permission.BUDGET, budget.scope.permission_scope)
            if _is_added(connection, budget, asked):
                return BudgetView(self._balance(connection, budget, at), at, may_change=True)
            _check_top_up(dollars, until, at)
            kept = [each for each in budget.top_ups if each.until > at]
            budget = replace(budget, top_ups=(*kept, TopUp(dollars, until, actor.id)))
            budgets_log.keep_top_ups(connection, budget, at)
            balance = self._balance(connection, budget, at)
            speak_again(connection, balance, at)
            said: dict[str, Json] = {
                "amount_usd": f"{dollars:f}",
                "period": budget.period.value,
                "until": until.isoformat(),
                "top_up": asked,
            }
            self._changed(connection, actor, budget, "budget.topped-up", said, at)
            return BudgetView(balance, at, may_change=True)

        return await self._write(act)

    async def budget(self, actor: Actor, budget_id: str) -> BudgetView:
        """One limit, for who may add to it. Raises NotAuthorized, Outsider, UnknownBudget."""

        def look(connection: Connection) -> BudgetView:
            budget = self._find(connection, budget_id)
            self._access.authorise(connection, actor, Permission.BUDGET, budget.scope.permission_scope)
            at = self._clock.now()
            return BudgetView(self._balance(connection, budget, at), at, may_change=True)

        return await self._write(look)

    async def spending(self, actor: Actor, scope: Scope) -> ScopeSpending:
        """What a scope spent. Raises NotAuthorized, Outsider, UnknownWorkflow, NotATeam."""

        def look(connection: Connection) -> ScopeSpending:
            if not self._is_own(actor, scope):
                self._check(connection, actor, scope)
            return self._spending(connection, actor, scope)

        return await self._write(look)

    async def overview(self, actor: Actor) -> tuple[BudgetView, ...]:
        """Every limit that this person may see: their own, their team's, and what they answer for.

        Raises Outsider.
        """
        if actor.is_outsider:
            raise Outsider(actor.id)

        def look(connection: Connection) -> tuple[BudgetView, ...]:
            at, found = self._clock.now(), []
            give_back_dead(connection, at)
            for budget in budgets_log.read_budgets(connection):
                may_change = self._may_change(connection, actor, budget.scope)
                if may_change or self._is_own(actor, budget.scope):
                    found.append(BudgetView(self._balance(connection, budget, at), at, may_change))
            return tuple(found)

        return await self._write(look)

    def load(self, connection: Connection, budget_id: str) -> BudgetView | None:
        """One limit as its messages show it; None when it was lifted."""
        budget, at = budgets_log.find_budget(connection, budget_id), self._clock.now()
        return BudgetView(_balance_now(connection, budget, at), at) if budget else None

    def _spending(self, connection: Connection, actor: Actor, scope: Scope) -> ScopeSpending:
        at = self._clock.now()
        give_back_dead(connection, at)
        may_change = self._may_change(connection, actor, scope)
        budgets = tuple(
            BudgetView(self._balance(connection, budget, at), at, may_change)
            for budget in budgets_log.read_budgets(connection)
            if budget.scope == scope
        )
        spent = {each: sum_spent(connection, scope, each.starts(at), each.ends(at)) for each in Period}
        return ScopeSpending(scope, spent, budgets, may_change)

    def _check(self, connection: Connection, actor: Actor, scope: Scope) -> None:
        """The scope exists and the actor answers for it."""
        if scope.kind is ScopeKind.WORKFLOW:
            self._catalogue.find_in(connection, scope.name)
        if scope.kind is ScopeKind.TEAM and self.teams and scope.name not in self.teams:
            raise NotATeam(scope.name)
        self._access.authorise(connection, actor, Permission.BUDGET, scope.permission_scope)

    def _may_change(self, connection: Connection, actor: Actor, scope: Scope) -> bool:
        return self._access.may(connection, actor, Permission.BUDGET, scope.permission_scope)

    def _is_own(self, actor: Actor, scope: Scope) -> bool:
        own = {ScopeKind.PERSON: actor.id, ScopeKind.TEAM: team_of(actor.groups, self.teams)}
        return not actor.is_outsider and bool(scope.name) and own.get(scope.kind) == scope.name

    def _find(self, connection: Connection, budget_id: str) -> Budget:
        budget = budgets_log.find_budget(connection, budget_id)
        if budget is None:
            raise UnknownBudget
        return budget

    def _balance(self, connection: Connection, budget: Budget, at: datetime) -> Balance:
        return _balance_now(connection, budget, at)

    def _changed(
        self,
        connection: Connection,
        actor: Actor,
        budget: Budget,
        action: str,
        context: Mapping[str, Json],
        at: datetime,
    ) -> None:
        target = f"budget:{budget.scope}"
        audit_log.append_event(
            connection, actor=actor.id, action=action, target=target, context=context, at=at
        )
        outbox_log.redraw(connection, budget_subject(budget.id))

    async def _write(self, work: Callable[[Connection], T]) -> T:
        found = await self._store.write(work)
        self._outgoing.ring()
        return found


def _balance_now(connection: Connection, budget: Budget, at: datetime) -> Balance:
    """What has become of it, read without opening a period that nobody spent in."""
    starts_at, key = budget.period.starts(at), balance_key(budget, at)
    row = balances_log.read_balances(connection, [key]).get(key)
    return row.of(budget, starts_at) if row else Balance(budget, starts_at)


def _is_added(connection: Connection, budget: Budget, asked: str) -> bool:
    """Whether an attempt whose commit was not heard of added it already."""
    events = audit_log.read_events(
        connection, target=f"budget:{budget.scope}", action="budget.topped-up", limit=LATELY
    )
    return any(event.context.get("top_up") == asked for event in events)


def _check_top_up(dollars: Decimal, until: datetime, at: datetime) -> None:
    if not 0 < dollars <= MOST_USD:
        raise InvalidTopUp("amount")
    if not at < until <= at + LONGEST_TOP_UP:
        raise InvalidTopUp("until")
