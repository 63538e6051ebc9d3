"""What people asked, as vectors, and the topics that they fall into."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from bot.adapters.store.tables import UtcDateTime, metadata

questions = Table(
    "questions",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("is_covered", Boolean, nullable=False),
    Column("topic_id", String(32), nullable=False),
    Index("ix_questions_workflow_asked_at", "workflow", "asked_at"),
    Index("ix_questions_topic_id", "topic_id"),
)

topics = Table(
    "topics",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workflow", Text, nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("centre", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
"""`centre` is the mean of the vectors of its `size` questions."""
