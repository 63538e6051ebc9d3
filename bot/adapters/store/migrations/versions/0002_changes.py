"""Change requests, evaluations, cases, conversations, triage, stages, checkpoints.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

from bot.adapters.store.tables import JsonText, Money, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("workflow", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("content", JsonText(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workflow", "key", name=op.f("pk_cases")),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("base_number", sa.Integer(), nullable=False),
        sa.Column("base_content", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        sa.Column("author", JsonText(), nullable=False),
        sa.Column("authors", JsonText(), nullable=False),
        sa.Column("origin", JsonText(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("why", JsonText(), nullable=False),
        sa.Column("approvals", sa.Integer(), nullable=False),
        sa.Column("affected", JsonText(), nullable=False),
        sa.Column("tests", JsonText(), nullable=False),
        sa.Column("previous_number", sa.Integer(), nullable=True),
        sa.Column("applied_number", sa.Integer(), nullable=True),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index("ix_changes_kind_name", "changes", ["kind", "name"], unique=False)
    op.create_index("ix_changes_status_expires_at", "changes", ["status", "expires_at"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("slot", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("request", sa.String(length=200), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("thread_ts", sa.String(length=32), nullable=False),
        sa.Column("command", JsonText(), nullable=False),
        sa.Column("missing", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("result", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("request", name=op.f("uq_conversations_request")),
    )
    op.create_index(
        "ix_conversations_channel_thread_ts", "conversations", ["channel", "thread_ts"], unique=False
    )
    op.create_index(
        "ix_conversations_person_updated_at", "conversations", ["person", "updated_at"], unique=False
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("base_hash", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("unfinished", JsonText(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
    )
    op.create_index("ix_drafts_person_updated_at", "drafts", ["person", "updated_at"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("workflow", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("baseline", JsonText(), nullable=False),
        sa.Column("candidate", JsonText(), nullable=False),
        sa.Column("report", JsonText(), nullable=False),
        sa.Column("cost_usd", Money(), nullable=False),
        sa.Column("cases_done", sa.Integer(), nullable=False),
        sa.Column("cases_total", sa.Integer(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )
    op.create_index(
        "ix_evaluations_workflow_created_at", "evaluations", ["workflow", "created_at"], unique=False
    )
    op.create_index("ix_evaluations_status", "evaluations", ["status"], unique=False)
    op.create_table(
        "fixes",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("change_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("new_run_id", sa.String(length=32), nullable=False),
        sa.Column("change", JsonText(), nullable=False),
        sa.Column("why", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "person", "change_id", name=op.f("pk_fixes")),
    )
    op.create_index(op.f("ix_fixes_new_run_id"), "fixes", ["new_run_id"], unique=False)
    op.create_index(op.f("ix_fixes_state"), "fixes", ["state"], unique=False)
    op.create_index("ix_fixes_person_state", "fixes", ["person", "state"], unique=False)
    op.create_table(
        "stages",
        sa.Column("workflow", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("pilot", JsonText(), nullable=False),
        sa.Column("monthly_runs", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("moved_by", sa.String(length=64), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workflow", name=op.f("pk_stages")),
    )
    op.create_table(
        "triage",
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
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_triage")),
    )
    op.create_index(op.f("ix_triage_fingerprint"), "triage", ["fingerprint"], unique=False)
    op.create_index(op.f("ix_triage_leader"), "triage", ["leader"], unique=False)
    op.create_index("ix_triage_workflow_state", "triage", ["workflow", "state"], unique=False)
    op.create_table(
        "change_reviews",
        sa.Column("change_id", sa.String(length=16), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("reviewer", JsonText(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_override", sa.Boolean(), nullable=False),
        sa.Column("reviewed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["changes.id"], name=op.f("fk_change_reviews_change_id")),
        sa.PrimaryKeyConstraint("change_id", "round", "person", name=op.f("pk_change_reviews")),
    )
    op.add_column("outbox", sa.Column("subject", sa.String(length=64), server_default="", nullable=False))
    op.add_column("outbox", sa.Column("wanted_revision", sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_outbox_subject"), "outbox", ["subject"], unique=False)
    op.add_column(
        "runs", sa.Column("label", sa.String(length=16), server_default="production", nullable=False)
    )
    op.create_index("ix_runs_workflow_created_at", "runs", ["workflow", "created_at"], unique=False)
