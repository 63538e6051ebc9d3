"""Golden cases added in chat, those of files that came with a workflow, and which of all are retired."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Connection, String, Table, Text, delete, insert, select, update

from bot.adapters.store.tables import JsonText, UtcDateTime, metadata

CHAT, FILE, RETIRED = "chat", "file", "retired"
"""Where a row comes from; `retired` marks a case of the shipped files, of which nothing else is kept."""

cases = Table(
    "cases",
    metadata,
    Column("workflow", String(64), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("content", JsonText, nullable=False),
    Column("source", String(16), nullable=False),
    Column("run_id", String(32), nullable=False),
    Column("author", String(64), nullable=False),
    Column("is_retired", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One row. `content` is the case as a file would say it; empty for one that only retires."""

    workflow: str
    key: str
    content: Mapping[str, Any]
    source: str
    run_id: str
    author: str
    is_retired: bool
    why: str
    created_at: datetime


def read_cases(connection: Connection, workflow: str) -> tuple[CaseRecord, ...]:
    """Every row of a workflow, retired ones too, in the order they were added."""
    query = select(cases).where(cases.c.workflow == workflow).order_by(cases.c.created_at, cases.c.key)
    return tuple(CaseRecord(**row._asdict()) for row in connection.execute(query))


def put_case(connection: Connection, case: CaseRecord) -> None:
    """Keep a row in the place of whatever stood under its key."""
    connection.execute(delete(cases).where(cases.c.workflow == case.workflow, cases.c.key == case.key))
    connection.execute(insert(cases).values(**asdict(case)))


def set_retired(connection: Connection, workflow: str, key: str, *, is_retired: bool) -> bool:
    """Retire a case or take it back; False when there is no such row that stood otherwise."""
    statement = (
        update(cases)
        .where(cases.c.workflow == workflow, cases.c.key == key, cases.c.is_retired != is_retired)
        .values(is_retired=is_retired)
    )
    return connection.execute(statement).rowcount == 1


def replace_file_cases(connection: Connection, workflow: str, kept: Collection[CaseRecord]) -> None:
    """Make the cases of a workflow's file the ones given; those that were retired stay so."""
    retired = {row.key for row in read_cases(connection, workflow) if row.is_retired}
    connection.execute(delete(cases).where(cases.c.workflow == workflow, cases.c.source == FILE))
    rows = [{**asdict(case), "is_retired": case.key in retired} for case in kept]
    if rows:
        connection.execute(insert(cases), rows)
