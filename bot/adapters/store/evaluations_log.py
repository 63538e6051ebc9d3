"""Evaluations: what was compared with what, and the report."""

from sqlalchemy import Column, Index, String, Table

from bot.adapters.store.tables import JsonText, Money, UtcDateTime, metadata

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("workflow", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("baseline", JsonText, nullable=False),
    Column("candidate", JsonText, nullable=False),
    Column("report", JsonText, nullable=False),
    Column("cost_usd", Money, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("ix_evaluations_workflow_created_at", "workflow", "created_at"),
)
"""`subject` is what it was made for, e.g. `change:c_...`; `baseline` and `candidate` are pins."""
