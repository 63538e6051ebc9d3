"""Questions that were answered badly and are asked again after a change, for those who complained."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    String,
    Table,
    exists,
    insert,
    select,
    update,
)

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata


class FixState(StrEnum):
    """How far one person's question has got."""

    DUE = "due"
    ASKED = "asked"
    """The new run is on its way."""
    SENT = "sent"
    SAME = "same"
    """The answer is what it was: nobody is bothered."""
    SKIPPED = "skipped"
    """The person may not ask any more, or it cannot be asked any more."""
    FAILED = "failed"
    """The new run gave no answer."""


fixes = Table(
    "fixes",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("change_id", String(32), primary_key=True),
    Column("state", String(16), nullable=False, index=True),
    Column("new_run_id", String(32), nullable=False, index=True),
    Column("change", JsonText, nullable=False),
    Column("why", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Index("ix_fixes_person_state", "person", "state"),
)
"""The run a person voted down, the change after which it is asked again, and the run that answers it;
`change` is what the person is told of the change."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One person's question, asked again after one change."""

    run_id: str
    person: str
    change_id: str
    state: FixState
    new_run_id: str
    change: Mapping[str, Any]
    why: str
    created_at: datetime


def is_unseen(run_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a run asked a question again and its answer was sent to nobody."""
    return exists().where(fixes.c.new_run_id == run_id, fixes.c.state != FixState.SENT)


def insert_fix(
    connection: Connection, run_id: str, person: str, change_id: str, change: Mapping[str, Any], at: datetime
) -> bool:
    """Note that a question is to be asked again; False when it is noted already."""
    key = {"run_id": run_id, "person": person, "change_id": change_id}
    if connection.execute(select(fixes.c.state).filter_by(**key)).first():
        return False
    values = {"state": FixState.DUE, "new_run_id": "", "change": dict(change), "why": "", "created_at": at}
    connection.execute(insert(fixes).values(**key, **values))
    return True


def fixes_in(connection: Connection, state: FixState, limit: int) -> tuple[Fix, ...]:
    """Those in a state, oldest first."""
    query = select(fixes).filter_by(state=state).order_by(fixes.c.created_at, fixes.c.run_id).limit(limit)
    return tuple(_fix(row) for row in connection.execute(query))


def move_fix(
    connection: Connection,
    fix: Fix,
    state: FixState,
    *,
    new_run_id: str = "",
    why: str = "",
    at: datetime | None = None,
) -> bool:
    """Take one a step further; False when it is no longer where it was read."""
    statement = (
        update(fixes)
        .filter_by(run_id=fix.run_id, person=fix.person, change_id=fix.change_id, state=fix.state)
        .values(state=state, new_run_id=new_run_id or fix.new_run_id, why=why, settled_at=at)
    )
    return connection.execute(statement).rowcount == 1


def fix_answered_by(connection: Connection, new_run_id: str, person: str) -> Fix | None:
    """The fix that this run was sent to this person as."""
    query = select(fixes).filter_by(new_run_id=new_run_id, person=person, state=FixState.SENT)
    row = connection.execute(query).first()
    return _fix(row) if row else None


def sent_fixes(connection: Connection, run_id: str, person: str) -> tuple[Fix, ...]:
    """The new answers that a person was sent to one run of theirs, newest first."""
    query = (
        select(fixes)
        .filter_by(run_id=run_id, person=person, state=FixState.SENT)
        .order_by(fixes.c.settled_at.desc())
    )
    return tuple(_fix(row) for row in connection.execute(query))


def _fix(row: Any) -> Fix:
    return Fix(
        row.run_id,
        row.person,
        row.change_id,
        FixState(row.state),
        row.new_run_id,
        row.change,
        row.why,
        row.created_at,
    )
