"""Requests left to workers that were put off.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("handed_requests", sa.Column("put_off", sa.Integer(), nullable=False, server_default="0"))
