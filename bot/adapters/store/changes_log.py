"""Change requests and what reviewers said of them."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

changes = Table(
    "changes",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("label", String(16), nullable=False),
    Column("base_number", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("round", Integer, nullable=False),
    Column("effect", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author_id", String(64), nullable=False),
    Column("author", JsonText, nullable=False),
    Column("origin", JsonText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("approvals", Integer, nullable=False),
    Column("evaluation_id", String(16), nullable=False),
    Column("previous_number", Integer),
    Column("applied_number", Integer),
    Column("lease_until", UtcDateTime),
    Column("fence", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_changes_status_expires_at", "status", "expires_at"),
    Index("ix_changes_kind_name", "kind", "name"),
)
"""`base_number` is the version it was made from, 0 for something new; `round` grows with every proposal of
its author and reviews count in theirs only; `why` says what moved, what was refused or who asked to stop;
`previous_number` and `applied_number` are where the label stood before and after it was applied."""

change_reviews = Table(
    "change_reviews",
    metadata,
    Column("change_id", ForeignKey("changes.id"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("is_override", Boolean, nullable=False),
    Column("reviewed_at", UtcDateTime, nullable=False),
)
