"""The inbox and the run log: what was asked, where each run stands, and who holds it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from bot.adapters.correlation import correlation
from bot.adapters.store.fixes_log import is_unseen
from bot.adapters.store.late_rows import Put, put_now, write_late
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.tables import JsonText, UtcDateTime, metadata
from bot.adapters.store.transaction_memory import read_once
from workflows.run import RUN_TRANSITIONS, Ending, RunStatus

RunRow: TypeAlias = Row[Any]
"""One row of `runs`, by column name."""

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("inputs", JsonText, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor", JsonText, nullable=False),
    Column("origin", JsonText, nullable=False),
    Column("follows", String(32), nullable=False),
    Column("label", String(16), nullable=False, server_default="production"),
    Column("pins", JsonText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("cancel_requested_at", UtcDateTime),
    Column("step_number", Integer, nullable=False),
    Column("step_total", Integer, nullable=False),
    Column("step_title", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("answer", JsonText),
    Column("failure", JsonText),
    Column("shared_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("ending", String(16)),
    Column("correlation", String(32), nullable=False, server_default=""),
    Column("put_off", Integer, nullable=False, server_default="0"),
    Index("ix_runs_created_at", "created_at"),
    Index("ix_runs_finished_at", "finished_at"),
    Index("ix_runs_started_at_actor_id", "started_at", "actor_id"),
    Index("ix_runs_status_due_at", "status", "due_at"),
    Index("ix_runs_status_actor_id_due_at_workflow", "status", "actor_id", "due_at", "workflow"),
    Index("ix_runs_actor_id_created_at", "actor_id", "created_at"),
    Index("ix_runs_workflow_created_at", "workflow", "created_at"),
)
"""`revision` grows with everything a reader of the run's message would see change; `label` is whose versions
it runs on, those of production or the candidate's; `ending` is empty while it has not ended; `correlation` is
the id of all that follows from the request; `put_off` counts how often it was queued again for want of a
model."""

inbox = Table(
    "inbox",
    metadata,
    Column("dedupe_key", Text, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
)

_FIND = select(inbox.c.run_id).where(inbox.c.dedupe_key == bindparam("key"))
_INSERT_RUN = insert(runs).inline()
_INSERT_INBOX = insert(inbox).inline()
_READ = select(runs).where(runs.c.id == bindparam("run_id"))
_READ_SEVERAL = select(runs).where(runs.c.id.in_(bindparam("ids", expanding=True)))
_REVISED = {"revision": runs.c.revision + 1}


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is known of a run when it is asked for."""

    id: str
    workflow: str
    version: int
    title: str
    inputs: Mapping[str, str]
    """As typed; read again by the pinned version when the run starts."""
    actor_id: str
    actor: Mapping[str, Any]
    origin: Mapping[str, Any]
    follows: str = ""
    label: str = "production"


def sources_of(target: RunStatus) -> tuple[str, ...]:
    """The statuses from which a run may move to `target`."""
    return tuple(status.value for status, targets in RUN_TRANSITIONS.items() if target in targets)


def find_request(connection: Connection, dedupe_key: str) -> str | None:
    """The run that this request started already, if it did."""
    if dedupe_key in _taken(connection):
        write_late(connection)
    return connection.execute(_FIND, {"key": dedupe_key}).scalar()


def _taken(connection: Connection) -> set[str]:
    """Requests of which this transaction may not have written the rows yet."""
    return read_once(connection, "requests taken", set)


def insert_run(
    connection: Connection, run: NewRun, dedupe_key: str, at: datetime, put: Put = put_now
) -> None:
    """Queue a run and remember the request that asked for it."""
    row = {
        "id": run.id,
        "workflow": run.workflow,
        "version": run.version,
        "title": run.title,
        "inputs": dict(run.inputs),
        "actor_id": run.actor_id,
        "actor": run.actor,
        "origin": run.origin,
        "follows": run.follows,
        "label": run.label,
        "pins": {},
        "status": RunStatus.QUEUED.value,
        "owner": "",
        "fence": 0,
        "attempts": 0,
        "due_at": lease_clock(connection),
        "step_number": 0,
        "step_total": 0,
        "step_title": "",
        "revision": 1,
        "created_at": at,
        "correlation": correlation(),
    }
    put(connection, _INSERT_RUN, row)
    put(connection, _INSERT_INBOX, {"dedupe_key": dedupe_key, "run_id": run.id, "received_at": at})
    _taken(connection).add(dedupe_key)


def read_run(connection: Connection, run_id: str) -> RunRow | None:
    """One run."""
    return connection.execute(_READ, {"run_id": run_id}).first()


def read_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, RunRow]:
    """Several runs by id."""
    return {row.id: row for row in connection.execute(_READ_SEVERAL, {"ids": list(run_ids)})}


def own_runs(person: str) -> ColumnElement[bool]:
    """The runs that a person knows as theirs: what they asked, and new answers that they were sent."""
    return and_(runs.c.actor_id == person, ~is_unseen(runs.c.id))


def recent_runs(
    connection: Connection, actor_id: str, limit: int, *, is_open: bool = False
) -> tuple[RunRow, ...]:
    """One person's own runs, newest first; on request only those that have not ended."""
    open_only = (runs.c.finished_at.is_(None),) if is_open else ()
    query = (
        select(runs)
        .where(own_runs(actor_id), *open_only)
        .order_by(runs.c.created_at.desc(), runs.c.id)
        .limit(limit)
    )
    return tuple(connection.execute(query))


def runs_answered(connection: Connection, workflow: str, limit: int) -> tuple[RunRow, ...]:
    """The newest runs of a workflow that have an answer, newest first."""
    query = (
        select(runs)
        .where(runs.c.workflow == workflow, runs.c.status == RunStatus.SUCCEEDED.value)
        .order_by(runs.c.created_at.desc(), runs.c.id)
        .limit(limit)
    )
    return tuple(connection.execute(query))


def cancel_waiting(connection: Connection, run_id: str, at: datetime) -> bool:
    """End a run that no worker holds; False when one does or it has ended."""
    resting = set(sources_of(RunStatus.CANCELLED)) - {RunStatus.RUNNING.value}
    statement = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(sorted(resting)))
        .values(
            status=RunStatus.CANCELLED.value,
            ending=Ending.CANCELLED.value,
            finished_at=at,
            cancel_requested_at=at,
            failure=None,
            **_REVISED,
        )
    )
    return connection.execute(statement).rowcount == 1


def request_cancel(connection: Connection, run_id: str, at: datetime) -> bool:
    """Ask the worker that holds the run to stop; False when it has ended."""
    statement = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(sources_of(RunStatus.CANCELLED)))
        .values(cancel_requested_at=func.coalesce(runs.c.cancel_requested_at, at), **_REVISED)
    )
    return connection.execute(statement).rowcount == 1


def mark_shared(connection: Connection, run_id: str, at: datetime) -> None:
    """Remember that the answer was posted where others read it."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(shared_at=at, **_REVISED))


def redraw_queued(connection: Connection, run_ids: Iterable[str]) -> None:
    """Have the messages of runs drawn again that still wait."""
    waits = (runs.c.id.in_(list(run_ids)), runs.c.status == RunStatus.QUEUED.value)
    connection.execute(update(runs).where(*waits).values(**_REVISED))
