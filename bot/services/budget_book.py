"""The budgets in force as this process knows them, and how their balances are opened and kept right."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from bot.adapters.store import balances_log, budgets_log
from bot.adapters.store.balances_log import BalanceRow, HeldMoney, Key, balance_key
from bot.adapters.store.ledger import sum_spent
from bot.governance.budget import Balance, Budget, Scope, Spender

FRESH_S = 1.0
"""How long another process may go on with what it knows after a budget was set."""
RECOUNT_AFTER = timedelta(seconds=15)
"""When each process has heard of a new budget and written down the calls it made without it."""


@dataclass(slots=True)
class BudgetBook:
    """Looks into the database when what is known is older than a second, and then for one number only."""

    _by_scope: dict[Scope, tuple[Budget, ...]] = field(default_factory=dict)
    _revision: int = -1
    _looked_at: float = float("-inf")

    @property
    def is_stale(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() - self._looked_at > FRESH_S

    def look(self, connection: Connection) -> bool:
        """Bring what is known up to date; whether anything had changed."""
        self._looked_at = time.monotonic()
        revision = budgets_log.newest_revision(connection)
        if revision == self._revision:
            return False
        found: dict[Scope, tuple[Budget, ...]] = {}
        for budget in budgets_log.read_budgets(connection):
            found[budget.scope] = (*found.get(budget.scope, ()), budget)
        self._by_scope, self._revision = found, revision
        return True

    def of(self, spender: Spender) -> tuple[Budget, ...]:
        """The budgets that a spender's calls count against."""
        if not self._by_scope:
            return ()
        return tuple(budget for scope in spender.scopes for budget in self._by_scope.get(scope, ()))


def balances_of(connection: Connection, budgets: Iterable[Budget], at: datetime) -> dict[Key, Balance]:
    """What has become of budgets in the periods that hold a moment; periods that begin now are opened."""
    wanted = {balance_key(budget, at): budget for budget in budgets}
    rows = balances_log.read_balances(connection, wanted)
    found = {}
    for key, budget in wanted.items():
        row = rows.get(key)
        if row is None:
            row = _open(connection, budget, at)
        elif is_due(row, at):
            row = _recount(connection, budget, row, at)
        found[key] = row.of(budget, budget.period.starts(at))
    return found


def is_due(row: BalanceRow, at: datetime) -> bool:
    """Whether the ledger is to be summed once more."""
    return row.recount_at is not None and row.recount_at <= at


def count_anew(connection: Connection, budget: Budget, at: datetime) -> Balance:
    """Bring the balance of a budget that was set in line with the ledger; its people may be told again."""
    key = balance_key(budget, at)
    row = balances_log.read_balances(connection, [key]).get(key) or _open(connection, budget, at)
    spent = _spent(connection, budget, at)
    balances_log.mark_balance(connection, key, spent_usd=spent, recount_at=at + RECOUNT_AFTER)
    balance = Balance(budget, budget.period.starts(at), spent, row.reserved_usd)
    speak_again(connection, balance, at)
    return balance


def speak_again(connection: Connection, balance: Balance, at: datetime) -> None:
    """After a limit moved: that it is spent may be told anew, and that it is low when it is not any more."""
    marks: dict[str, None] = {"refused_at": None}
    if not balance.is_low(at):
        marks["warned_at"] = None
    balances_log.mark_balance(connection, balance_key(balance.budget, balance.starts_at), **marks)


def _open(connection: Connection, budget: Budget, at: datetime) -> BalanceRow:
    """Begin the period with what the ledger holds."""
    key, spent = balance_key(budget, at), _spent(connection, budget, at)
    balances_log.open_balance(connection, key, budget, spent)
    return BalanceRow(key, spent, Decimal(0))


def _recount(connection: Connection, budget: Budget, row: BalanceRow, at: datetime) -> BalanceRow:
    spent = _spent(connection, budget, at)
    balances_log.mark_balance(connection, row.key, spent_usd=spent, recount_at=None)
    return replace(row, spent_usd=spent, recount_at=None)


def _spent(connection: Connection, budget: Budget, at: datetime) -> Decimal:
    return sum_spent(connection, budget.scope, budget.period.starts(at), budget.period.ends(at)).dollars


def give_back_dead(connection: Connection, now: datetime) -> bool:
    """Return what was set aside for calls that cannot be under way any more; whether there was any."""
    dead = balances_log.dead_reservations(connection, now)
    for each in dead:
        give_back(connection, each)
    return bool(dead)


def give_back(connection: Connection, reservation: HeldMoney) -> None:
    """Return what was set aside, unless that was done already."""
    if balances_log.take_reservation(connection, reservation.id):
        balances_log.change_balances(connection, reservation.held, reserved=-reservation.dollars)
