"""Alerts that were raised, and since when each is over."""

from sqlalchemy import Column, Index, String, Table, Text

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("rule", String(32), nullable=False),
    Column("scope", Text, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
    Column("cleared_at", UtcDateTime),
    Index("ix_alerts_rule_scope", "rule", "scope"),
)
"""An alert without `cleared_at` stands; `told_at` is when people were last reminded of it."""
