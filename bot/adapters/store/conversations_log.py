"""Conversations with an admin that wait for a missing piece or a confirmation."""

from sqlalchemy import Column, Index, String, Table

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("person", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("thread_ts", String(32), nullable=False),
    Column("command", JsonText, nullable=False),
    Column("missing", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("result", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_conversations_channel_thread_ts", "channel", "thread_ts"),
)
"""`state`: asking, previewed, confirmed or cancelled; `result` names what confirming made."""
