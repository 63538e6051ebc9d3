"""Golden cases added in chat, beside those of the files."""

from sqlalchemy import Boolean, Column, String, Table, Text

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

cases = Table(
    "cases",
    metadata,
    Column("workflow", String(64), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("content", JsonText, nullable=False),
    Column("source", String(16), nullable=False),
    Column("run_id", String(32), nullable=False),
    Column("author", String(64), nullable=False),
    Column("is_retired", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
