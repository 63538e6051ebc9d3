"""Circuits of providers, requests left to workers; whose turn it is, and how many runs workers carry out.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

from bot.adapters.store.migrations.forming import make_index, make_table
from bot.adapters.store.tables import JsonText, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "circuits",
        ("key",),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("recent", sa.String(length=20), nullable=False),
        sa.Column("probe_at", UtcDateTime(), nullable=True),
    )
    make_table(
        "model_turns",
        ("key",),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("full_at", UtcDateTime(), nullable=False),
    )
    op.add_column("runs", sa.Column("put_off", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("heartbeats", sa.Column("slots", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("heartbeats", sa.Column("troubles", JsonText(), nullable=False, server_default="{}"))
    op.add_column("outbox", sa.Column("shown_place", sa.Integer(), nullable=False, server_default="0"))
    make_index("runs", "status", "actor_id", "due_at", "workflow")
    make_index("runs", "started_at", "actor_id")

    make_table(
        "handed_requests",
        ("key",),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", JsonText(), nullable=False),
        sa.Column("is_answered", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
    )
    make_index("handed_requests", "created_at")
