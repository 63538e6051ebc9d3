"""Change requests, evaluations, cases, conversations, triage, stages, checkpoints.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

from bot.adapters.store.migrations.forming import filled, make_index, make_table
from bot.adapters.store.tables import JsonText, Money, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "cases",
        ("workflow", "key"),
        sa.Column("workflow", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("content", JsonText(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    make_table(
        "changes",
        ("id",),
        *filled(sa.String(length=16), "id", "kind"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("base_number", sa.Integer(), nullable=False),
        *filled(sa.Text(), "base_content", "content"),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        *filled(sa.Text(), "effect", "reason"),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        *filled(JsonText(), "author", "authors", "origin"),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("why", JsonText(), nullable=False),
        sa.Column("approvals", sa.Integer(), nullable=False),
        *filled(JsonText(), "affected", "tests"),
        sa.Column("previous_number", sa.Integer(), nullable=True),
        sa.Column("applied_number", sa.Integer(), nullable=True),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        *filled(UtcDateTime(), "created_at", "updated_at", "expires_at"),
    )
    make_index("changes", "kind", "name")
    make_index("changes", "status", "expires_at")
    make_table(
        "checkpoints",
        ("slot",),
        sa.Column("slot", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    make_table(
        "conversations",
        ("id",),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("request", sa.String(length=200), nullable=False),
        *filled(sa.String(length=64), "person", "channel"),
        sa.Column("thread_ts", sa.String(length=32), nullable=False),
        sa.Column("command", JsonText(), nullable=False),
        sa.Column("missing", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("result", sa.String(length=64), nullable=False),
        *filled(UtcDateTime(), "created_at", "updated_at"),
        sa.UniqueConstraint("request", name=op.f("uq_conversations_request")),
    )
    make_index("conversations", "channel", "thread_ts")
    make_index("conversations", "person", "updated_at")
    make_table(
        "drafts",
        ("id",),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        *filled(sa.Text(), "content", "why", "reason"),
        sa.Column("base_hash", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("unfinished", JsonText(), nullable=False),
        *filled(UtcDateTime(), "created_at", "updated_at"),
    )
    make_index("drafts", "person", "updated_at")
    make_table(
        "evaluations",
        ("id",),
        sa.Column("id", sa.String(length=16), nullable=False),
        *filled(sa.String(length=64), "workflow", "subject"),
        *filled(sa.String(length=16), "label", "status"),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        *filled(JsonText(), "baseline", "candidate", "report"),
        sa.Column("cost_usd", Money(), nullable=False),
        *filled(sa.Integer(), "cases_done", "cases_total"),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
    )
    make_index("evaluations", "workflow", "created_at")
    make_index("evaluations", "status")
    make_table(
        "fixes",
        ("run_id", "person", "change_id"),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("change_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("new_run_id", sa.String(length=32), nullable=False),
        sa.Column("change", JsonText(), nullable=False),
        sa.Column("why", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
    )
    make_index("fixes", "new_run_id")
    make_index("fixes", "state")
    make_index("fixes", "person", "state")
    make_table(
        "stages",
        ("workflow",),
        sa.Column("workflow", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("pilot", JsonText(), nullable=False),
        sa.Column("monthly_runs", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("moved_by", sa.String(length=64), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
    )
    make_table(
        "triage",
        ("run_id",),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("workflow", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("leader", sa.String(length=32), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("shown_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
    )
    make_index("triage", "fingerprint")
    make_index("triage", "leader")
    make_index("triage", "workflow", "state")
    make_table(
        "change_reviews",
        ("change_id", "round", "person"),
        sa.Column("change_id", sa.String(length=16), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("reviewer", JsonText(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_override", sa.Boolean(), nullable=False),
        sa.Column("reviewed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["changes.id"], name=op.f("fk_change_reviews_change_id")),
    )
    op.add_column("outbox", sa.Column("subject", sa.String(length=64), server_default="", nullable=False))
    op.add_column("outbox", sa.Column("wanted_revision", sa.Integer(), server_default="0", nullable=False))
    make_index("outbox", "subject")
    op.add_column(
        "runs", sa.Column("label", sa.String(length=16), server_default="production", nullable=False)
    )
    make_index("runs", "workflow", "created_at")
