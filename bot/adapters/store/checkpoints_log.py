"""Signed ends of the audit chain, kept beside the copies that were posted."""

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, select

from bot.adapters.store.tables import UtcDateTime, insert_or, metadata
from bot.governance.checkpoint import Checkpoint, SignedCheckpoint

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("slot", String(32), primary_key=True),
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("head", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""`slot` is the time it stands for, e.g. `2026-W47`, so that two clocks make one."""


def insert_checkpoint(connection: Connection, signed: SignedCheckpoint) -> bool:
    """Keep the checkpoint of a slot; False when it has one already."""
    kept = signed.checkpoint
    row = {
        "slot": kept.slot,
        "seq": kept.events,
        "head": kept.head,
        "signature": signed.signature,
        "created_at": kept.at,
    }
    statement = insert_or(connection, checkpoints).values(**row).on_conflict_do_nothing()
    return connection.execute(statement.returning(checkpoints.c.slot)).first() is not None


def latest_checkpoint(connection: Connection) -> Checkpoint | None:
    """The newest one that was made."""
    row = connection.execute(select(checkpoints).order_by(checkpoints.c.created_at.desc()).limit(1)).first()
    return None if row is None else Checkpoint(row.slot, row.seq, row.head, row.created_at)
