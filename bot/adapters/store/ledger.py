"""The ledger: one row for every call to a model. All cost figures are sums over it."""

from collections.abc import Iterable
from dataclasses import fields

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
)

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.store.tables import Money, UtcDateTime, metadata
from workflows.run import Usage

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("run_id", String(32), nullable=False, index=True),
    Column("step_id", Text, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("alias", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cost_usd", Money, nullable=False),
    Column("started_at", UtcDateTime, nullable=False, index=True),
    Column("seconds", Float, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("priced", Boolean, nullable=False),
)


_FIELDS = tuple(field.name for field in fields(LedgerEntry))
_COLUMNS = tuple(ledger.c[name] for name in _FIELDS)
_INSERT = insert(ledger)


def insert_call(connection: Connection, row: LedgerEntry) -> None:
    """Keep one call."""
    connection.execute(_INSERT, {name: getattr(row, name) for name in _FIELDS})


def read_calls(connection: Connection, run_id: str) -> tuple[LedgerEntry, ...]:
    """The calls of one run, in order."""
    query = select(*_COLUMNS).where(ledger.c.run_id == run_id).order_by(ledger.c.seq)
    return tuple(LedgerEntry(**row._asdict()) for row in connection.execute(query))


_USAGE = select(ledger.c.run_id, ledger.c.input_tokens, ledger.c.output_tokens, ledger.c.cost_usd).where(
    ledger.c.run_id.in_(bindparam("ids", expanding=True))
)


def sum_usage(connection: Connection, run_ids: Iterable[str]) -> dict[str, Usage]:
    """Usage by run; runs without a call are absent."""
    sums: dict[str, Usage] = {}
    for run_id, input_tokens, output_tokens, cost_usd in connection.execute(_USAGE, {"ids": list(run_ids)}):
        sums[run_id] = sums.get(run_id, Usage()) + Usage(input_tokens, output_tokens, cost_usd)
    return sums
