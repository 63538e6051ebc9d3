"""The ledger: one row for every call to a model. All cost figures are sums over it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    bindparam,
    case,
    cast,
    func,
    insert,
    select,
)

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.store.tables import JsonText, Money, UtcDateTime, filled, metadata
from bot.governance.budget import Scope, ScopeKind, Spender
from workflows.run import Usage

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("run_id", String(32), nullable=False, index=True),
    *filled(Text, "step_id", "alias", "model"),
    Column("purpose", String(16), nullable=False),
    *filled(Integer, "input_tokens", "output_tokens"),
    Column("cost_usd", Money, nullable=False),
    Column("started_at", UtcDateTime, nullable=False, index=True),
    Column("seconds", Float, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("priced", Boolean, nullable=False),
    Column("cached_tokens", Integer, nullable=False, server_default="0"),
    Column("served_by", Text, nullable=False, server_default=""),
    Column("workflow", Text, nullable=False, server_default=""),
    Column("versions", JsonText, nullable=False, server_default="{}"),
    Column("person", Text, nullable=False, server_default=""),
    Column("team", Text, nullable=False, server_default=""),
    Column("channel", Text, nullable=False, server_default=""),
)
"""The last five say on whose account the call was made. Dashboards read this table: its names stay."""


_FIELDS = tuple(field.name for field in fields(LedgerEntry) if field.name != "reservation")
_COLUMNS = tuple(ledger.c[name] for name in _FIELDS)
_SPENDER = tuple(field.name for field in fields(Spender))
_INSERT = insert(ledger)
NOBODY = Spender()


def insert_call(connection: Connection, row: LedgerEntry, spender: Spender = NOBODY) -> None:
    """Keep one call, on somebody's account."""
    values = {name: getattr(row, name) for name in _FIELDS}
    connection.execute(_INSERT, values | {name: getattr(spender, name) for name in _SPENDER})


_SAME = tuple(ledger.c[name] for name in ("run_id", "step_id", "model", "started_at", "seconds"))


def has_call(connection: Connection, row: LedgerEntry) -> bool:
    """Whether this very call is kept already."""
    same = (column == getattr(row, column.name) for column in _SAME)
    return connection.execute(select(ledger.c.seq).where(*same).limit(1)).first() is not None


def read_calls(connection: Connection, run_id: str) -> tuple[LedgerEntry, ...]:
    """The calls of one run, in order."""
    query = select(*_COLUMNS).where(ledger.c.run_id == run_id).order_by(ledger.c.seq)
    return tuple(LedgerEntry(**row._asdict()) for row in connection.execute(query))


@dataclass(frozen=True, slots=True)
class Consumed:
    """What the calls of one run used."""

    usage: Usage = field(default_factory=Usage)
    is_priced: bool = True
    """False when a call of it had no known price, so that its cost is too low."""


_USAGE = select(
    ledger.c.run_id, ledger.c.input_tokens, ledger.c.output_tokens, ledger.c.cost_usd, ledger.c.priced
).where(ledger.c.run_id.in_(bindparam("ids", expanding=True)))


def sum_usage(connection: Connection, run_ids: Iterable[str]) -> dict[str, Consumed]:
    """What was used by run; runs without a call are absent."""
    sums: dict[str, Consumed] = {}
    for run_id, input_tokens, output_tokens, cost_usd, priced in connection.execute(
        _USAGE, {"ids": list(run_ids)}
    ):
        known = sums.get(run_id, Consumed())
        usage = known.usage + Usage(input_tokens, output_tokens, cost_usd)
        sums[run_id] = Consumed(usage, known.is_priced and priced)
    return sums


@dataclass(frozen=True, slots=True)
class Spent:
    """What a scope spent over some time."""

    dollars: Decimal
    calls: int
    unpriced: int
    """Calls without a known price, which count as nothing."""


def sum_spent(connection: Connection, scope: Scope, since: datetime, until: datetime) -> Spent:
    """Everything that counts for a scope among the calls begun in that time."""
    # the sum of whole units is exact on both engines; SQLite has no decimals of its own
    units = cast(func.round(cast(ledger.c.cost_usd, Float) * UNITS), BigInteger)
    total = func.coalesce(func.sum(units if connection.dialect.name == "sqlite" else _UNITS_EXACT), 0)
    query = select(
        total, func.count(), func.coalesce(func.sum(case((ledger.c.priced.is_(True), 0), else_=1)), 0)
    ).where(ledger.c.started_at >= since, ledger.c.started_at < until)
    if scope.kind is not ScopeKind.WORKSPACE:
        query = query.where(ledger.c[scope.kind.value] == scope.name)
    dollars, calls, unpriced = connection.execute(query).one()
    return Spent(Decimal(dollars) / UNITS, calls, unpriced)


UNITS = 10**10
"""Smallest parts of a dollar that are kept."""
_UNITS_EXACT = cast(ledger.c.cost_usd, Numeric(20, 10)) * UNITS
