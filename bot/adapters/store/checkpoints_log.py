"""Signed ends of the audit chain, kept beside the copies that were posted."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from bot.adapters.store.tables import UtcDateTime, metadata

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
