"""Questions that the knowledge did not cover and that a person was asked instead."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    func,
    select,
    update,
)

from bot.adapters.store.questions_log import questions
from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import UtcDateTime, filled, insert_or, metadata
from workflows.run import Ending


class EscalationState(StrEnum):
    """How far a question has got that a person was asked."""

    ASKED = "asked"
    ANSWERED = "answered"
    DECLINED = "declined"
    """The person could not answer it."""
    KNOWN = "known"
    """What they answered is part of the knowledge now."""


escalations = Table(
    "escalations",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    *filled(Text, "workflow", "asked_by", "expert"),
    Column("status", String(16), nullable=False),
    *filled(Text, "reply", "replied_by"),
    Column("change_id", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("replied_at", UtcDateTime),
    Index("ix_escalations_status", "status"),
)


@dataclass(frozen=True, slots=True)
class EscalationRow:
    """One question as it stands with the person who was asked."""

    run_id: str
    workflow: str
    asked_by: str
    expert: str
    status: EscalationState
    reply: str
    replied_by: str
    change_id: str
    """The change that would make the reply part of the knowledge; empty without one."""
    created_at: datetime
    replied_at: datetime | None


def find_escalation(connection: Connection, run_id: str) -> EscalationRow | None:
    """What became of one run's question."""
    return next(iter(_read(connection, run_id=run_id)), None)


def escalations_of(connection: Connection, change_id: str) -> tuple[EscalationRow, ...]:
    """Questions whose reply this change makes part of the knowledge."""
    return _read(connection, change_id=change_id)


def insert_escalation(
    connection: Connection, run_id: str, workflow: str, asked_by: str, expert: str, at: datetime
) -> bool:
    """Ask a person; the run has ended that way from now on. False when it was asked meanwhile."""
    row = {"run_id": run_id, "workflow": workflow, "asked_by": asked_by, "expert": expert, "created_at": at}
    rest = {"status": EscalationState.ASKED, "reply": "", "replied_by": "", "change_id": ""}
    made = insert_or(connection, escalations).values(**row, **rest).on_conflict_do_nothing()
    if connection.execute(made.returning(escalations.c.run_id)).first() is None:
        return False
    ended = {"ending": Ending.ESCALATED.value, "revision": runs.c.revision + 1}
    connection.execute(update(runs).where(runs.c.id == run_id).values(**ended))
    return True


def settle_escalation(
    connection: Connection,
    run_id: str,
    status: EscalationState,
    *,
    by: str,
    at: datetime,
    reply: str = "",
    change_id: str = "",
) -> bool:
    """Answer or decline what was asked; False when somebody was quicker."""
    values = {"status": status, "reply": reply, "replied_by": by, "change_id": change_id, "replied_at": at}
    statement = update(escalations).filter_by(run_id=run_id, status=EscalationState.ASKED)
    return connection.execute(statement.values(**values)).rowcount == 1


def mark_known(connection: Connection, change_id: str) -> None:
    """Note that what was answered is part of the knowledge."""
    statement = update(escalations).filter_by(change_id=change_id, status=EscalationState.ANSWERED)
    connection.execute(statement.values(status=EscalationState.KNOWN))


def same_topic(
    connection: Connection, run_id: str, since: datetime, limit: int
) -> tuple[tuple[str, str], ...]:
    """Run and person of the same topic's questions that were not covered, each person's newest, newest first.

    Without the person who asked this one.
    """
    topic = select(questions.c.topic_id).where(questions.c.run_id == run_id).scalar_subquery()
    asker = select(runs.c.actor_id).where(runs.c.id == run_id).scalar_subquery()
    place = func.row_number().over(
        partition_by=runs.c.actor_id, order_by=(questions.c.asked_at.desc(), runs.c.id)
    )
    found = (
        select(runs.c.id, runs.c.actor_id, questions.c.asked_at, place.label("place"))
        .join(questions, questions.c.run_id == runs.c.id)
        .where(
            questions.c.topic_id == topic,
            questions.c.is_covered.is_(False),
            questions.c.asked_at >= since,
            runs.c.actor_id != asker,
        )
        .subquery()
    )
    query = select(found).where(found.c.place == 1).order_by(found.c.asked_at.desc(), found.c.id).limit(limit)
    return tuple((row.id, row.actor_id) for row in connection.execute(query))


def _read(connection: Connection, **which: str) -> tuple[EscalationRow, ...]:
    query = select(escalations).filter_by(**which).order_by(escalations.c.created_at, escalations.c.run_id)
    return tuple(
        EscalationRow(**{**row._asdict(), "status": EscalationState(row.status)})
        for row in connection.execute(query)
    )
