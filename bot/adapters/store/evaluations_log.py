"""Evaluations: what was compared with what, how far it is, and the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import Column, Connection, Index, Integer, Row, String, Table, insert, or_, select, update

from bot.adapters.store.moments import lease_clock
from bot.adapters.store.tables import JsonText, Money, UtcDateTime, filled, metadata

QUEUED, RUNNING, DONE, STOPPED, FAILED = "queued", "running", "done", "stopped", "failed"
"""Asked for in chat and not yet begun; under way; with a report; cut short; ended by an error."""

EvaluationRow: TypeAlias = Row[Any]
"""One row of `evaluations`, by column name."""

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", String(16), primary_key=True),
    *filled(String(64), "workflow", "subject", "asked_by"),
    *filled(String(16), "label", "status"),
    *filled(JsonText, "baseline", "candidate", "report"),
    Column("cost_usd", Money, nullable=False),
    *filled(Integer, "cases_done", "cases_total", "fence"),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("ix_evaluations_workflow_created_at", "workflow", "created_at"),
    Index("ix_evaluations_status", "status"),
)
"""`subject` is what it was made for, e.g. `change:c_...`; `baseline` and `candidate` are pins; the lease is
of the worker that carries out one that was asked for in chat."""


@dataclass(frozen=True, slots=True)
class NewEvaluation:
    """An evaluation that begins, or waits for a worker."""

    id: str
    workflow: str
    subject: str
    label: str
    asked_by: str
    status: str
    baseline: Mapping[str, Any]
    candidate: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeldEvaluation:
    """One that a worker has taken up."""

    id: str
    workflow: str
    subject: str
    label: str
    asked_by: str
    fence: int


def insert_evaluation(connection: Connection, new: NewEvaluation, at: datetime) -> None:
    """Keep that an evaluation begins."""
    given = {name: getattr(new, name) for name in NewEvaluation.__slots__}
    rest = {"report": {}, "cost_usd": Decimal(0), "cases_done": 0, "cases_total": 0, "fence": 0}
    connection.execute(insert(evaluations).values(**given, **rest, created_at=at))


def claim_evaluation(connection: Connection, *, lease_s: float) -> HeldEvaluation | None:
    """Take the oldest that waits, or whose worker was not heard of; None when there is none."""
    now = lease_clock(connection)
    query = (
        select(evaluations)
        .where(
            or_(
                evaluations.c.status == QUEUED,
                # only what a worker took up has a lease: others are carried by whoever began them
                (evaluations.c.status == RUNNING) & (evaluations.c.lease_until < now),
            )
        )
        .order_by(evaluations.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    values = {"status": RUNNING, "lease_until": now + timedelta(seconds=lease_s), "fence": row.fence + 1}
    connection.execute(update(evaluations).where(evaluations.c.id == row.id).values(**values))
    return HeldEvaluation(row.id, row.workflow, row.subject, row.label, row.asked_by, row.fence + 1)


def note_progress(
    connection: Connection, evaluation_id: str, fence: int, *, done: int, total: int, lease_s: float
) -> bool:
    """Say how far it is and hold it longer; False when somebody else has it."""
    statement = (
        update(evaluations)
        .where(evaluations.c.id == evaluation_id, evaluations.c.fence == fence)
        .where(evaluations.c.status == RUNNING)
        .values(
            cases_done=done,
            cases_total=total,
            lease_until=lease_clock(connection) + timedelta(seconds=lease_s),
        )
    )
    return connection.execute(statement).rowcount == 1


def begin_evaluation(
    connection: Connection, evaluation_id: str, baseline: Mapping[str, Any], candidate: Mapping[str, Any]
) -> None:
    """Keep which versions a waiting evaluation turned out to be about."""
    values = {"baseline": dict(baseline), "candidate": dict(candidate)}
    connection.execute(update(evaluations).where(evaluations.c.id == evaluation_id).values(**values))


def finish_evaluation(
    connection: Connection,
    evaluation_id: str,
    *,
    fence: int,
    status: str,
    report: Mapping[str, Any],
    cost_usd: Decimal,
    at: datetime,
) -> bool:
    """Keep how it ended; False when it had ended or somebody else has it."""
    statement = (
        update(evaluations)
        .where(evaluations.c.id == evaluation_id, evaluations.c.fence == fence)
        .where(evaluations.c.status.in_((QUEUED, RUNNING)))
        .values(status=status, report=dict(report), cost_usd=cost_usd, finished_at=at, lease_until=None)
    )
    return connection.execute(statement).rowcount == 1


def put_back(connection: Connection, evaluation_id: str, fence: int) -> None:
    """Let another worker begin it anew."""
    statement = (
        update(evaluations)
        .where(evaluations.c.id == evaluation_id, evaluations.c.fence == fence)
        .where(evaluations.c.status.in_((RUNNING, STOPPED)))
        .values(status=QUEUED, report={}, cases_done=0, lease_until=None, finished_at=None)
    )
    connection.execute(statement)


def stop_evaluation(connection: Connection, evaluation_id: str, at: datetime) -> bool:
    """End one that was asked for in chat; its worker finds out when it next reports."""
    statement = (
        update(evaluations)
        .where(evaluations.c.id == evaluation_id, evaluations.c.status.in_((QUEUED, RUNNING)))
        .values(status=STOPPED, finished_at=at, lease_until=None)
    )
    return connection.execute(statement).rowcount == 1


def fail_evaluation(
    connection: Connection, evaluation_id: str, fence: int, *, why: Mapping[str, Any], at: datetime
) -> None:
    """Keep the error that ended it."""
    statement = (
        update(evaluations)
        .where(evaluations.c.id == evaluation_id, evaluations.c.fence == fence)
        .where(evaluations.c.status.in_((RUNNING, FAILED)))
        .values(status=FAILED, report=dict(why), finished_at=at, lease_until=None)
    )
    connection.execute(statement)


def read_evaluation(connection: Connection, evaluation_id: str) -> EvaluationRow | None:
    """One evaluation, or None."""
    return connection.execute(select(evaluations).where(evaluations.c.id == evaluation_id)).first()


def latest_evaluation(connection: Connection, workflow: str, *, label: str = "") -> EvaluationRow | None:
    """The newest one with a report, of any label unless one is named."""
    query = select(evaluations).where(evaluations.c.workflow == workflow, evaluations.c.status == DONE)
    if label:
        query = query.where(evaluations.c.label == label)
    newest = query.order_by(evaluations.c.finished_at.desc(), evaluations.c.id.desc()).limit(1)
    return connection.execute(newest).first()


def unfinished_about(connection: Connection, subject: str) -> str:
    """The id of one about this that waits or runs; empty when there is none."""
    query = select(evaluations.c.id).where(
        evaluations.c.subject == subject, evaluations.c.status.in_((QUEUED, RUNNING))
    )
    return connection.execute(query.limit(1)).scalar() or ""
