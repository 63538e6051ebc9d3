"""Keys of requests that were dealt with and became no run.

Revision: 0007
"""

import sqlalchemy as sa

from bot.adapters.store.migrations.forming import make_index, make_table
from bot.adapters.store.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "dealt_requests",
        ("key",),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("dealt_at", UtcDateTime(), nullable=False),
    )
    make_index("dealt_requests", "dealt_at")
