"""Audit events: append-only, each row sealed with the hash of the one before it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    Transaction,
    event,
    insert,
    select,
    text,
)

from bot.adapters.store.late_rows import Put, put_now
from bot.adapters.store.tables import JsonText, UtcDateTime, canonical_json, metadata
from workflows.run import Json

GENESIS = "0" * 64
"""What stands where the first row names the hash of its predecessor."""

CHAIN_LOCK = 7_405_116
"""Key of the PostgreSQL advisory lock that lets one transaction at a time extend the chain."""

audit_events = Table(
    "audit_events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(80), nullable=False, index=True),
    Column("target", Text, nullable=False, index=True),
    Column("context", JsonText, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

_LAST = select(audit_events.c.seq, audit_events.c.hash).order_by(audit_events.c.seq.desc()).limit(1)
_INSERT = insert(audit_events).inline()
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A fact about what somebody did, in the past tense."""

    seq: int
    occurred_at: datetime
    actor: str
    """Slack user id, `terminal`, `library`, or `spanwise` for the bot itself."""
    action: str
    """Dotted, e.g. `run.requested`."""
    target: str
    """What it was done to, e.g. `run:r_...`."""
    context: Mapping[str, Json]
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What walking the chain found."""

    rows: int
    head: str
    """Hash of the last good row; compare it with one kept elsewhere to notice cut-off rows."""
    bad_seq: int | None = None
    """The first row that does not fit, or None."""
    why: str = ""
    """`missing`, `altered` or `unlinked`."""


def append_event(
    connection: Connection,
    *,
    actor: str,
    action: str,
    target: str,
    at: datetime,
    context: Mapping[str, Json] | None = None,
    put: Put = put_now,
) -> str:
    """Add one event in the transaction of its effect; returns its hash."""
    last, previous = _head(connection)
    row = {
        "seq": last + 1,
        "occurred_at": at,
        "actor": actor,
        "action": action,
        "target": target,
        "context": dict(context or {}),
    }
    sealed = _seal(previous, row)
    put(connection, _INSERT, {**row, "previous_hash": previous, "hash": sealed})
    _heads[_transaction(connection)] = (last + 1, sealed)
    return sealed


def hold_chain(connection: Connection) -> None:
    """Keep everybody else from the chain until this transaction ends; on SQLite a writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"key": CHAIN_LOCK})


_heads: WeakKeyDictionary[Transaction, tuple[int, str]] = WeakKeyDictionary()
"""End of the chain as an open transaction left it: nobody else can extend it before that transaction ends."""


def _head(connection: Connection) -> tuple[int, str]:
    known = _heads.get(_transaction(connection))
    if known is not None:
        return known
    hold_chain(connection)
    last = connection.execute(_LAST).first()
    return (last.seq, last.hash) if last else (0, GENESIS)


def _transaction(connection: Connection) -> Transaction:
    if connection.in_nested_transaction():
        raise RuntimeError("an audit event in a savepoint could be taken back alone and break the chain")
    transaction = connection.get_transaction()
    if transaction is None:
        raise RuntimeError("an audit event belongs to the transaction of its effect")
    return transaction


def beginning(connection: Connection) -> str:
    """What tells this installation from every other: the hash of its first event; empty before that."""
    query = select(audit_events.c.hash).where(audit_events.c.seq == 1)
    return str(connection.execute(query).scalar() or "")


def verify(connection: Connection) -> Verification:
    """Walk the whole chain; the first row that is missing, altered or unlinked is named."""
    rows, head = 0, GENESIS
    for row in connection.execute(select(audit_events).order_by(audit_events.c.seq)):
        if row.seq != rows + 1:
            return Verification(rows, head, rows + 1, "missing")
        if row.previous_hash != head:
            return Verification(rows, head, row.seq, "unlinked")
        if _seal(head, row._asdict()) != row.hash:
            return Verification(rows, head, row.seq, "altered")
        rows, head = rows + 1, row.hash
    return Verification(rows, head)


def read_events(
    connection: Connection, *, target: str = "", action: str = "", limit: int = 100
) -> tuple[AuditEvent, ...]:
    """Newest first, of one target or one action if given."""
    query = select(audit_events).order_by(audit_events.c.seq.desc()).limit(limit)
    if target:
        query = query.where(audit_events.c.target == target)
    if action:
        query = query.where(audit_events.c.action == action)
    return tuple(
        AuditEvent(row.seq, row.occurred_at, row.actor, row.action, row.target, row.context, row.hash)
        for row in connection.execute(query)
    )


def guards(dialect: str) -> tuple[str, ...]:
    """Statements that make the database itself refuse to change or delete audit events."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
            for verb in ("UPDATE", "DELETE")
        )
    return (
        "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit events are append-only'; END $$",
        "CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
    )


@event.listens_for(audit_events, "after_create")
def _guard(_table: Table, connection: Connection, **_: Any) -> None:
    for statement in guards(connection.dialect.name):
        connection.exec_driver_sql(statement)


def _seal(previous: str, row: Mapping[str, Any]) -> str:
    facts = [
        row["seq"],
        row["occurred_at"].isoformat(timespec="microseconds"),
        row["actor"],
        row["action"],
        row["target"],
        row["context"],
    ]
    return hashlib.sha256(f"{previous}\n{canonical_json(facts)}".encode()).hexdigest()
