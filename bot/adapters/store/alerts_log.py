"""Alerts that were raised, and since when each is over."""

from sqlalchemy import Column, Index, String, Table, Text, text

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

_STANDS = text("cleared_at IS NULL")

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("rule", String(32), nullable=False),
    Column("scope", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
    Column("judged_at", UtcDateTime, nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("cleared_at", UtcDateTime),
    Index(
        "ix_alerts_rule_scope", "rule", "scope", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS
    ),
)
"""An alert without `cleared_at` stands, one of a rule and scope; `told_at` is when people were last reminded
of it, `judged_at` when there was last enough to judge it by, `taken_by` who said that they see to it."""
