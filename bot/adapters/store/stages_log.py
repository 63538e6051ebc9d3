"""Where each workflow stands on its way to production, and whom a pilot serves."""

from sqlalchemy import Column, Integer, String, Table, Text

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

stages = Table(
    "stages",
    metadata,
    Column("workflow", String(64), primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("pilot", JsonText, nullable=False),
    Column("monthly_runs", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("moved_by", String(64), nullable=False),
    Column("moved_at", UtcDateTime, nullable=False),
)
"""No row: in production since it was released. `pilot`: people, groups, share of runs, since when, whether
paused; empty when there is none. `monthly_runs` is the volume somebody expects, 0 when nobody said."""
