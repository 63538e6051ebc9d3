"""Questions that the knowledge did not cover and that a person was asked instead."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from bot.adapters.store.tables import UtcDateTime, metadata

escalations = Table(
    "escalations",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("expert", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reply", Text, nullable=False),
    Column("replied_by", Text, nullable=False),
    Column("change_id", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("replied_at", UtcDateTime),
    Index("ix_escalations_status", "status"),
)
