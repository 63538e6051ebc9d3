"""Budgets: the limits that people set, and what was added to them."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from bot.adapters.store.audit_log import hold_chain
from bot.adapters.store.tables import JsonText, Money, UtcDateTime, filled, metadata
from bot.governance.budget import Budget, Period, Scope, ScopeKind, TopUp

budgets = Table(
    "budgets",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("period", String(8), nullable=False),
    Column("limit_usd", Money, nullable=False),
    Column("top_ups", JsonText, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    *filled(UtcDateTime, "created_at", "changed_at"),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("kind", "name", "period"),
)
"""`revision` is higher than that of every earlier change to any budget: the highest says if one changed."""


def lock(connection: Connection) -> None:
    """Keep everybody else from money until this transaction ends.

    It is the lock of the audit chain: writes of both kinds share transactions, and two locks taken in
    different orders by two processes would block each other.
    """
    hold_chain(connection)


_NEWEST = select(func.coalesce(func.max(budgets.c.revision), 0))


def newest_revision(connection: Connection) -> int:
    """Grows with each change to any budget; 0 when there never was one."""
    return int(connection.execute(_NEWEST).scalar_one())


def read_budgets(connection: Connection) -> tuple[Budget, ...]:
    """All that are in force."""
    query = select(budgets).where(budgets.c.ended_at.is_(None))
    query = query.order_by(budgets.c.kind, budgets.c.name, budgets.c.created_at)
    return tuple(_budget(row) for row in connection.execute(query))


def find_budget(connection: Connection, budget_id: str) -> Budget | None:
    """One that is in force."""
    query = select(budgets).where(budgets.c.id == budget_id, budgets.c.ended_at.is_(None))
    row = connection.execute(query).first()
    return _budget(row) if row else None


def put_budget(connection: Connection, budget: Budget, *, by: str, at: datetime) -> Budget:
    """Set a limit; the one of the same scope and period gives way and keeps its id."""
    lock(connection)
    scope = budget.scope
    same = (budgets.c.kind == scope.kind, budgets.c.name == scope.name, budgets.c.period == budget.period)
    values = {
        "limit_usd": budget.limit_usd,
        "top_ups": [],
        "set_by": by,
        "changed_at": at,
        "ended_at": None,
        "revision": newest_revision(connection) + 1,
    }
    known = connection.execute(select(budgets.c.id).where(*same)).scalar()
    if known is not None:
        connection.execute(update(budgets).where(budgets.c.id == known).values(**values))
    else:
        place = {"kind": scope.kind.value, "name": scope.name, "period": budget.period.value}
        connection.execute(insert(budgets).values(id=budget.id, created_at=at, **place, **values))
    return replace(budget, id=known or budget.id, top_ups=())


def end_budget(connection: Connection, budget_id: str, at: datetime) -> None:
    """Lift a limit."""
    lock(connection)
    values = {"ended_at": at, "changed_at": at, "revision": newest_revision(connection) + 1}
    connection.execute(update(budgets).where(budgets.c.id == budget_id).values(**values))


def keep_top_ups(connection: Connection, budget: Budget, at: datetime) -> None:
    """Keep what is added to a limit now."""
    lock(connection)
    values = {
        "top_ups": [[f"{each.amount_usd:f}", each.until.isoformat(), each.by] for each in budget.top_ups],
        "changed_at": at,
        "revision": newest_revision(connection) + 1,
    }
    connection.execute(update(budgets).where(budgets.c.id == budget.id).values(**values))


def _budget(row: Row[Any]) -> Budget:
    added = tuple(
        TopUp(Decimal(amount), datetime.fromisoformat(until), by) for amount, until, by in row.top_ups
    )
    return Budget(row.id, Scope(ScopeKind(row.kind), row.name), Period(row.period), row.limit_usd, added)
