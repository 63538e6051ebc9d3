"""What became of each budget in each of its periods, and the money set aside for calls under way."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from bot.adapters.reservation import Reservation
from bot.adapters.store.ledger import UNITS
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import JsonText, UtcDateTime, metadata
from bot.governance.budget import Balance, Budget
from workflows.run import RunStatus

Key: TypeAlias = tuple[str, datetime]
"""A budget and the start of one of its periods."""


class Dollars(TypeDecorator[Decimal]):
    """Dollars as whole units, which both engines add up and compare exactly."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Units, of which the ledger keeps no parts."""
        return None if value is None else int(value * UNITS)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Dollars again."""
        return None if value is None else Decimal(value) / UNITS


balances = Table(
    "budget_balances",
    metadata,
    Column("budget_id", ForeignKey("budgets.id"), primary_key=True),
    Column("starts_at", UtcDateTime, primary_key=True),
    Column("spent_usd", Dollars, nullable=False),
    Column("reserved_usd", Dollars, nullable=False),
    Column("warned_at", UtcDateTime),
    Column("refused_at", UtcDateTime),
    Column("recount_at", UtcDateTime),
)
"""`recount_at`: when to sum the ledger once more, for calls that were under way as the budget was set."""

reservations = Table(
    "reservations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("dollars", Dollars, nullable=False),
    Column("held", JsonText, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A balance, and what was said of it."""

    spent_usd: Decimal
    reserved_usd: Decimal
    warned_at: datetime | None
    refused_at: datetime | None
    recount_at: datetime | None

    def of(self, budget: Budget, starts_at: datetime) -> Balance:
        """For deciding."""
        return Balance(budget, starts_at, self.spent_usd, self.reserved_usd)


_BALANCES = select(balances).where(
    tuple_(balances.c.budget_id, balances.c.starts_at).in_(bindparam("keys", expanding=True))
)


def read_balances(connection: Connection, keys: Iterable[Key]) -> dict[Key, BalanceRow]:
    """Those that have begun."""
    found = connection.execute(_BALANCES, {"keys": list(keys)})
    return {(row.budget_id, row.starts_at): _balance(row) for row in found}


def _balance(row: Row[Any]) -> BalanceRow:
    return BalanceRow(row.spent_usd, row.reserved_usd, row.warned_at, row.refused_at, row.recount_at)


def open_balance(connection: Connection, key: Key, spent_usd: Decimal) -> None:
    """Begin a period with what the ledger says was spent in it already."""
    place = {"budget_id": key[0], "starts_at": key[1]}
    connection.execute(insert(balances).values(**place, spent_usd=spent_usd, reserved_usd=Decimal(0)))


_ONE = (balances.c.budget_id == bindparam("key_id"), balances.c.starts_at == bindparam("key_start"))
_CHANGE = (
    update(balances)
    .where(*_ONE)
    .values(
        spent_usd=balances.c.spent_usd + bindparam("more_spent", type_=Dollars),
        reserved_usd=balances.c.reserved_usd + bindparam("more_reserved", type_=Dollars),
    )
)
_CHANGE_TOLD = _CHANGE.returning(*balances.c)


def hold(connection: Connection, keys: Iterable[Key], dollars: Decimal) -> None:
    """Set money aside in several balances."""
    rows = [_changes(key, Decimal(0), dollars) for key in keys]
    connection.execute(_CHANGE, rows)


def change_balance(connection: Connection, key: Key, spent: Decimal, reserved: Decimal) -> BalanceRow | None:
    """Count what was spent and set aside; None for a period that has not begun."""
    row = connection.execute(_CHANGE_TOLD, _changes(key, spent, reserved)).first()
    return _balance(row) if row else None


def _changes(key: Key, spent: Decimal, reserved: Decimal) -> dict[str, Any]:
    return {"key_id": key[0], "key_start": key[1], "more_spent": spent, "more_reserved": reserved}


def mark_balance(connection: Connection, key: Key, **values: Any) -> None:
    """Note what was said of a balance, or what a recount found."""
    statement = update(balances).where(balances.c.budget_id == key[0], balances.c.starts_at == key[1])
    connection.execute(statement.values(**values))


_RESERVE = insert(reservations)
_TAKE = delete(reservations).where(reservations.c.id == bindparam("taken"))


def insert_reservation(
    connection: Connection, made: Reservation, *, run_id: str, fence: int, expires_at: datetime
) -> None:
    """Remember for which call money was set aside."""
    values = {
        "id": made.id,
        "run_id": run_id,
        "fence": fence,
        "dollars": made.dollars,
        "held": [[budget_id, starts_at.isoformat()] for budget_id, starts_at in made.held],
        "made_at": made.at,
        "expires_at": expires_at,
    }
    connection.execute(_RESERVE, values)


def take_reservation(connection: Connection, reservation_id: str) -> bool:
    """End a reservation; False when it was given back already."""
    return connection.execute(_TAKE, {"taken": reservation_id}).rowcount == 1


def find_reservation(connection: Connection, reservation_id: str) -> Reservation | None:
    """One that still stands."""
    row = connection.execute(select(reservations).where(reservations.c.id == reservation_id)).first()
    return _reservation(row) if row else None


def dead_reservations(connection: Connection, now: datetime) -> tuple[Reservation, ...]:
    """Those whose call cannot be under way any more: too old, or its run has lost its worker."""
    lost = or_(
        runs.c.status != RunStatus.RUNNING.value,
        runs.c.fence != reservations.c.fence,
        runs.c.lease_until < lease_clock(connection),
    )
    query = (
        select(reservations)
        .select_from(reservations.outerjoin(runs, runs.c.id == reservations.c.run_id))
        .where(or_(reservations.c.expires_at < now, and_(runs.c.id.is_not(None), lost)))
    )
    return tuple(_reservation(row) for row in connection.execute(query))


def _reservation(row: Row[Any]) -> Reservation:
    held = tuple((budget_id, datetime.fromisoformat(start)) for budget_id, start in row.held)
    return Reservation(row.id, row.made_at, row.dollars, held)
