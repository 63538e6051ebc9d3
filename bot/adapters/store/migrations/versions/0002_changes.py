"""Change requests, evaluations, cases, conversations, triage, stages, checkpoints.

Revision: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.adapters.store.tables import JsonText, Money, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _filled(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _table(name: str, key: tuple[str, ...], *parts: sa.schema.SchemaItem) -> None:
    op.create_table(name, *parts, sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")))


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)


def upgrade() -> None:
    _table(
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
    _table(
        "changes",
        ("id",),
        *_filled(sa.String(length=16), "id", "kind"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("base_number", sa.Integer(), nullable=False),
        *_filled(sa.Text(), "base_content", "content"),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        *_filled(sa.Text(), "effect", "reason"),
        sa.Column("author_id", sa.String(length=64), nullable=False),
        *_filled(JsonText(), "author", "authors", "origin"),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("why", JsonText(), nullable=False),
        sa.Column("approvals", sa.Integer(), nullable=False),
        *_filled(JsonText(), "affected", "tests"),
        sa.Column("previous_number", sa.Integer(), nullable=True),
        sa.Column("applied_number", sa.Integer(), nullable=True),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        *_filled(UtcDateTime(), "created_at", "updated_at", "expires_at"),
    )
    _index("changes", "kind", "name")
    _index("changes", "status", "expires_at")
    _table(
        "checkpoints",
        ("slot",),
        sa.Column("slot", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    _table(
        "conversations",
        ("id",),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("request", sa.String(length=200), nullable=False),
        *_filled(sa.String(length=64), "person", "channel"),
        sa.Column("thread_ts", sa.String(length=32), nullable=False),
        sa.Column("command", JsonText(), nullable=False),
        sa.Column("missing", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("result", sa.String(length=64), nullable=False),
        *_filled(UtcDateTime(), "created_at", "updated_at"),
        sa.UniqueConstraint("request", name=op.f("uq_conversations_request")),
    )
    _index("conversations", "channel", "thread_ts")
    _index("conversations", "person", "updated_at")
    _table(
        "drafts",
        ("id",),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        *_filled(sa.Text(), "content", "why", "reason"),
        sa.Column("base_hash", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("unfinished", JsonText(), nullable=False),
        *_filled(UtcDateTime(), "created_at", "updated_at"),
    )
    _index("drafts", "person", "updated_at")
    _table(
        "evaluations",
        ("id",),
        sa.Column("id", sa.String(length=16), nullable=False),
        *_filled(sa.String(length=64), "workflow", "subject"),
        *_filled(sa.String(length=16), "label", "status"),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        *_filled(JsonText(), "baseline", "candidate", "report"),
        sa.Column("cost_usd", Money(), nullable=False),
        *_filled(sa.Integer(), "cases_done", "cases_total"),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
    )
    _index("evaluations", "workflow", "created_at")
    _index("evaluations", "status")
    _table(
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
    _index("fixes", "new_run_id")
    _index("fixes", "state")
    _index("fixes", "person", "state")
    _table(
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
    _table(
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
    _index("triage", "fingerprint")
    _index("triage", "leader")
    _index("triage", "workflow", "state")
    _table(
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
    _index("outbox", "subject")
    op.add_column(
        "runs", sa.Column("label", sa.String(length=16), server_default="production", nullable=False)
    )
    _index("runs", "workflow", "created_at")
