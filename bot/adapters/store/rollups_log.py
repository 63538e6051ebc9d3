"""Sums of runs, spending and documents by hour: what reports add up, instead of reading every run.

An hour is made anew from its runs, never added to, so making it twice changes nothing.
"""

from sqlalchemy import Column, Integer, String, Table, Text

from bot.adapters.store.balances_log import Dollars
from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

run_rollups = Table(
    "run_rollups",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True, index=True),
    Column("runs", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("abstained", Integer, nullable=False),
    Column("escalated", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("votes_up", Integer, nullable=False),
    Column("votes_down", Integer, nullable=False),
    Column("corrected", Integer, nullable=False),
    Column("cost_usd", Dollars(), nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("seconds", JsonText, nullable=False),
)
"""Runs by the hour in which they were asked for; `seconds` counts them by how long they took."""

spend_rollups = Table(
    "spend_rollups",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True, index=True),
    Column("purpose", String(16), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("unpriced", Integer, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cost_usd", Dollars(), nullable=False),
)
"""The ledger by the hour in which each call began."""

document_rollups = Table(
    "document_rollups",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True, index=True),
    Column("document_id", Text, primary_key=True),
    Column("answers", Integer, nullable=False),
    Column("votes_down", Integer, nullable=False),
)
"""How many answers cite a document, and how many of those were voted down."""

rollup_marks = Table(
    "rollup_marks",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("until", UtcDateTime, nullable=False),
)
"""Up to when changes have been taken up."""
