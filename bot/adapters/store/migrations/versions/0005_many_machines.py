"""Circuits of providers.

Revision: 0005
"""

import sqlalchemy as sa

from bot.adapters.store.migrations.forming import make_table
from bot.adapters.store.tables import UtcDateTime

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
