"""The weekly digests: where they go, what each said, and what became of their findings."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

digest_channels = Table(
    "digest_channels",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("workflows", JsonText, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("weekday", Integer, nullable=False),
    Column("minute", Integer, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
"""A channel, or a person who wants it otherwise; `minute` of the local day, `weekday` from 0, Monday."""

digests = Table(
    "digests",
    metadata,
    Column("key", Text, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("week", String(10), nullable=False),
    Column("status", String(16), nullable=False),
    Column("content", JsonText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("posted_at", UtcDateTime),
    Index("ix_digests_recipient_week", "recipient", "week"),
)
"""`key` is `digest:<recipient>:<ISO week>`: a second clock finds the row and adds nothing."""

findings = Table(
    "findings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workflow", Text, nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decision", JsonText, nullable=False),
    Column("week", String(10), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Index("ix_findings_workflow_kind_subject", "workflow", "kind", "subject", unique=True),
)
"""`subject` is what it is about, the same week after week, so that a decision is remembered."""
