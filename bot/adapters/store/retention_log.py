"""How long what was asked and answered is kept, by workflow."""

from sqlalchemy import Column, Integer, Table, Text

from bot.adapters.store.tables import UtcDateTime, metadata

retention = Table(
    "retention",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("days", Integer),
    Column("set_by", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("emptied_until", UtcDateTime),
)
"""Content of runs that ended longer ago than `days` is deleted; their numbers stay. No days: as the setting
says; 0: for ever. What ended before `emptied_until` has been emptied."""
