"""What became of each budget in each of its periods, and the money set aside for calls under way."""

import functools
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
    Text,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.types import TypeDecorator

from bot.adapters.reservation import Reservation
from bot.adapters.store.ledger import UNITS
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import UtcDateTime, filled, metadata
from bot.governance.budget import Balance, Budget
from workflows.run import RunStatus

NOTHING = Decimal(0)

Key: TypeAlias = str
"""A budget and the day on which one of its periods begins: `b_...:2026-11-01`."""


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
    Column("key", String(32), primary_key=True),
    Column("budget_id", ForeignKey("budgets.id"), nullable=False),
    *filled(Dollars, "spent_usd", "reserved_usd"),
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
    Column("held", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
"""`held`: the keys of the balances, with blanks between them."""


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """A balance, and what was said of it."""

    key: Key
    spent_usd: Decimal
    reserved_usd: Decimal
    warned_at: datetime | None = None
    refused_at: datetime | None = None
    recount_at: datetime | None = None

    def of(self, budget: Budget, starts_at: datetime) -> Balance:
        """For deciding."""
        return Balance(budget, starts_at, self.spent_usd, self.reserved_usd)


@dataclass(frozen=True, slots=True)
class HeldMoney:
    """A reservation as it stands in the database."""

    id: str
    dollars: Decimal
    held: tuple[Key, ...]


def balance_key(budget: Budget, at: datetime) -> Key:
    """The balance that a moment falls into."""
    return f"{budget.id}:{budget.period.starts(at).date().isoformat()}"


_COLUMNS = tuple(balances.c[name] for name in BalanceRow.__slots__)
_KEYS = balances.c.key.in_(bindparam("keys", expanding=True))
_READ = select(*_COLUMNS).where(_KEYS)


def read_balances(connection: Connection, keys: Iterable[Key]) -> dict[Key, BalanceRow]:
    """Those that have begun."""
    return {row.key: BalanceRow(*row) for row in connection.execute(_READ, {"keys": list(keys)})}


def open_balance(connection: Connection, key: Key, budget: Budget, spent_usd: Decimal) -> None:
    """Begin a period with what the ledger says was spent in it already."""
    values = {"key": key, "budget_id": budget.id, "spent_usd": spent_usd, "reserved_usd": Decimal(0)}
    connection.execute(insert(balances).values(**values))


@functools.lru_cache(maxsize=16)
def _change(count: int) -> ReturningUpdate[Any]:
    """For that many balances: a list of any length would be put together anew for every call."""
    return (
        update(balances)
        .where(or_(*(balances.c.key == bindparam(f"key_{n}") for n in range(count))))
        .values(
            spent_usd=balances.c.spent_usd + bindparam("spent", type_=Dollars),
            reserved_usd=balances.c.reserved_usd + bindparam("reserved", type_=Dollars),
        )
        .returning(*_COLUMNS)
    )


def change_balances(
    connection: Connection, keys: Iterable[Key], *, spent: Decimal = NOTHING, reserved: Decimal = NOTHING
) -> list[BalanceRow]:
    """Count the same in several balances; gives those that have begun, as they are now."""
    values: dict[str, Any] = {f"key_{n}": key for n, key in enumerate(keys)}
    if not values:
        return []
    statement = _change(len(values))
    values |= {"spent": spent, "reserved": reserved}
    return [BalanceRow(*row) for row in connection.execute(statement, values)]


def mark_balance(connection: Connection, key: Key, **values: Any) -> None:
    """Note what was said of a balance, or what a recount found."""
    connection.execute(update(balances).where(balances.c.key == key).values(**values))


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
        "held": " ".join(made.held),
        "expires_at": expires_at,
    }
    connection.execute(_RESERVE, values)


def take_reservation(connection: Connection, reservation_id: str) -> bool:
    """End a reservation; False when it was given back already."""
    return connection.execute(_TAKE, {"taken": reservation_id}).rowcount == 1


def find_reservation(connection: Connection, reservation_id: str) -> HeldMoney | None:
    """One that still stands."""
    row = connection.execute(select(reservations).where(reservations.c.id == reservation_id)).first()
    return _reservation(row) if row else None


def dead_reservations(connection: Connection, now: datetime) -> tuple[HeldMoney, ...]:
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


def _reservation(row: Row[Any]) -> HeldMoney:
    return HeldMoney(row.id, row.dollars, tuple(row.held.split()))
