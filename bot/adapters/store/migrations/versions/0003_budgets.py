"""Budgets, and whose account each call of the ledger is on.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

from bot.adapters.store.balances_log import Dollars
from bot.adapters.store.migrations.forming import filled, make_table
from bot.adapters.store.tables import JsonText, Money, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ledger") as ledger:
        ledger.add_column(sa.Column("cached_tokens", sa.Integer(), nullable=False, server_default="0"))
        ledger.add_column(sa.Column("served_by", sa.Text(), nullable=False, server_default=""))
        ledger.add_column(sa.Column("workflow", sa.Text(), nullable=False, server_default=""))
        ledger.add_column(sa.Column("versions", JsonText(), nullable=False, server_default="{}"))
        ledger.add_column(sa.Column("person", sa.Text(), nullable=False, server_default=""))
        ledger.add_column(sa.Column("team", sa.Text(), nullable=False, server_default=""))
        ledger.add_column(sa.Column("channel", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE ledger SET "
        "workflow = COALESCE((SELECT runs.workflow FROM runs WHERE runs.id = ledger.run_id), ''), "
        "person = COALESCE((SELECT runs.actor_id FROM runs WHERE runs.id = ledger.run_id), '')"
    )
    make_table(
        "budgets",
        ("id",),
        *filled(sa.String(length=16), "id", "kind"),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("limit_usd", Money(), nullable=False),
        sa.Column("top_ups", JsonText(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *filled(UtcDateTime(), "created_at", "changed_at"),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.UniqueConstraint("kind", "name", "period", name=op.f("uq_budgets_kind_name_period")),
    )
    make_table(
        "budget_balances",
        ("key",),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("budget_id", sa.String(length=16), nullable=False),
        *filled(Dollars(), "spent_usd", "reserved_usd"),
        sa.Column("warned_at", UtcDateTime(), nullable=True),
        sa.Column("refused_at", UtcDateTime(), nullable=True),
        sa.Column("recount_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["budget_id"], ["budgets.id"], name=op.f("fk_budget_balances_budget_id")),
    )
    make_table(
        "reservations",
        ("id",),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("dollars", Dollars(), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
