"""How runs ended, sums by the hour, topics, digests, escalations, retention and alerts.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

from bot.adapters.store.balances_log import Dollars
from bot.adapters.store.migrations.forming import filled, make_index, make_table
from bot.adapters.store.tables import JsonText, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "alerts",
        ("id",),
        *filled(sa.String(length=32), "id", "rule"),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("facts", JsonText(), nullable=False),
        *filled(UtcDateTime(), "raised_at", "told_at", "judged_at"),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
    )
    standing = sa.text("cleared_at IS NULL")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_alerts_rule_scope",
            ["rule", "scope"],
            unique=True,
            sqlite_where=standing,
            postgresql_where=standing,
        )

    make_table(
        "digest_channels",
        ("recipient",),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("workflows", JsonText(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        *filled(sa.Integer(), "weekday", "minute"),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
    )
    make_table(
        "digests",
        ("key",),
        *filled(sa.Text(), "key", "recipient"),
        sa.Column("week", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("content", JsonText(), nullable=False),
        *filled(UtcDateTime(), "created_at", "due_at"),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("posted_at", UtcDateTime(), nullable=True),
    )
    make_index("digests", "recipient", "week")

    make_table(
        "document_rollups",
        ("workflow", "hour", "document_id"),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        *filled(sa.Integer(), "answers", "votes_down"),
    )
    make_index("document_rollups", "hour")

    make_table(
        "findings",
        ("id",),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("facts", JsonText(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decision", JsonText(), nullable=False),
        sa.Column("week", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_findings_workflow"), ["workflow"], unique=False)
        batch_op.create_index(
            "ix_findings_workflow_kind_subject", ["workflow", "kind", "subject"], unique=True
        )

    make_table(
        "heartbeats",
        ("process",),
        *filled(sa.Text(), "process", "parts"),
        *filled(UtcDateTime(), "started_at", "seen_at"),
    )
    make_table(
        "questions",
        ("run_id",),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("is_covered", sa.Boolean(), nullable=False),
        sa.Column("topic_id", sa.String(length=32), nullable=False),
    )
    make_index("questions", "topic_id")
    make_index("questions", "workflow", "asked_at")

    make_table(
        "retention",
        ("workflow",),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("emptied_until", UtcDateTime(), nullable=True),
    )
    make_table(
        "rollup_marks",
        ("name",),
        sa.Column("name", sa.String(length=32), nullable=False),
        *filled(UtcDateTime(), "horizon", "until"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
    )
    make_table(
        "run_rollups",
        ("workflow", "hour"),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        *filled(
            sa.Integer(),
            "runs",
            "answered",
            "abstained",
            "escalated",
            "failed",
            "cancelled",
            "votes_up",
            "votes_down",
            "corrected",
        ),
        sa.Column("cost_usd", Dollars(), nullable=False),
        *filled(sa.Integer(), "input_tokens", "output_tokens"),
        sa.Column("seconds", JsonText(), nullable=False),
    )
    make_index("run_rollups", "hour")

    make_table(
        "spend_rollups",
        ("workflow", "hour", "purpose", "model"),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        *filled(
            sa.Integer(), "calls", "failed", "unpriced", "input_tokens", "cached_tokens", "output_tokens"
        ),
        sa.Column("cost_usd", Dollars(), nullable=False),
    )
    make_index("spend_rollups", "hour")

    make_table(
        "topics",
        ("id",),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("centre", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
    )
    make_index("topics", "workflow")

    make_table(
        "escalations",
        ("run_id",),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        *filled(sa.Text(), "workflow", "asked_by", "expert"),
        sa.Column("status", sa.String(length=16), nullable=False),
        *filled(sa.Text(), "reply", "replied_by"),
        sa.Column("change_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("replied_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_escalations_run_id")),
    )
    make_index("escalations", "status")

    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ending", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("correlation", sa.String(length=32), nullable=False, server_default=""))
        batch_op.create_index("ix_runs_created_at", ["created_at"], unique=False)
        batch_op.create_index("ix_runs_finished_at", ["finished_at"], unique=False)

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("correlation", sa.String(length=32), nullable=False, server_default=""))

    op.execute(
        "UPDATE runs SET ending = CASE "
        "WHEN status = 'failed' THEN 'failed' WHEN status = 'cancelled' THEN 'cancelled' "
        "WHEN answer LIKE '%\"abstained\"_true%' THEN 'abstained' ELSE 'answered' END "
        "WHERE finished_at IS NOT NULL"
    )
