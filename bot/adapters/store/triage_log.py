"""Bad answers that wait for an owner of their workflow, and what the owners decided."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, String, Table, func, insert, or_, select, update

from bot.adapters.store.tables import UtcDateTime, filled, metadata
from bot.quality.complaint import TriageState

triage = Table(
    "triage",
    metadata,
    Column("run_id", String(32), primary_key=True),
    *filled(String(64), "workflow", "decided_by"),
    Column("state", String(16), nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("leader", String(32), nullable=False, index=True),
    Column("result", String(128), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("shown_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Index("ix_triage_workflow_state", "workflow", "state"),
)
"""`state` is a TriageState; `leader` is the run whose card stands for this one too; `result` names what the
decision made; `created_at` is when it last began to wait."""


@dataclass(frozen=True, slots=True)
class TriageItem:
    """One bad answer, as it stands with the owners."""

    run_id: str
    workflow: str
    state: TriageState
    fingerprint: str
    leader: str
    decided_by: str
    result: str
    created_at: datetime
    shown_at: datetime | None
    decided_at: datetime | None


def find_item(connection: Connection, run_id: str) -> TriageItem | None:
    """The item of a run."""
    row = connection.execute(select(triage).filter_by(run_id=run_id)).first()
    return _item(row) if row else None


def insert_item(
    connection: Connection,
    *,
    run_id: str,
    workflow: str,
    fingerprint: str,
    at: datetime,
    remembered: TriageItem | None = None,
) -> None:
    """Take a bad answer up; one that was dismissed before is not a problem this time either."""
    row = {
        "run_id": run_id,
        "workflow": workflow,
        "state": TriageState.DISMISSED if remembered else TriageState.WAITING,
        "fingerprint": fingerprint,
        "leader": "",
        "decided_by": remembered.decided_by if remembered else "",
        "result": f"as {remembered.run_id}" if remembered else "",
        "created_at": at,
        "decided_at": at if remembered else None,
    }
    connection.execute(insert(triage).values(row))


def find_dismissed(connection: Connection, fingerprint: str) -> TriageItem | None:
    """The same answer to the same question, when an owner said that it is not a problem."""
    query = (
        select(triage)
        .filter_by(fingerprint=fingerprint, state=TriageState.DISMISSED)
        .order_by(triage.c.decided_at)
        .limit(1)
    )
    row = connection.execute(query).first()
    return _item(row) if row else None


def wait_again(connection: Connection, run_id: str, at: datetime) -> None:
    """Let an item wait that was decided or withdrawn."""
    values = {"leader": "", "decided_by": "", "result": "", "created_at": at, "decided_at": None}
    connection.execute(update(triage).filter_by(run_id=run_id).values(state=TriageState.WAITING, **values))


def end_waiting(
    connection: Connection, run_id: str, state: TriageState, *, by: str, result: str, at: datetime
) -> bool:
    """Decide an item that waits; False when it does not, for instance because somebody was quicker."""
    statement = (
        update(triage)
        .where(triage.c.run_id == run_id, triage.c.state == TriageState.WAITING)
        .values(state=state, decided_by=by, result=result, decided_at=at)
    )
    return connection.execute(statement).rowcount == 1


def waiting_items(connection: Connection, workflows: Collection[str], limit: int) -> tuple[TriageItem, ...]:
    """What waits for these workflows, newest first."""
    query = (
        select(triage)
        .where(triage.c.state == TriageState.WAITING, triage.c.workflow.in_(list(workflows)))
        .order_by(triage.c.created_at.desc(), triage.c.run_id)
        .limit(limit)
    )
    return tuple(map(_item, connection.execute(query)))


def count_waiting(connection: Connection) -> dict[str, int]:
    """How many wait for each workflow that has any."""
    query = (
        select(triage.c.workflow, func.count())
        .where(triage.c.state == TriageState.WAITING)
        .group_by(triage.c.workflow)
    )
    return {workflow: int(count) for workflow, count in connection.execute(query)}


def gather(connection: Connection, leader: str, members: Collection[str], at: datetime) -> None:
    """Note that the leader was shown to an owner, and which others its card stands for."""
    connection.execute(update(triage).filter_by(leader=leader).values(leader=""))
    connection.execute(update(triage).filter_by(run_id=leader).values(leader="", shown_at=at))
    connection.execute(
        update(triage).where(triage.c.run_id.in_(list(members))).values(leader=leader, shown_at=at)
    )


def group_of(connection: Connection, run_id: str) -> tuple[TriageItem, ...]:
    """The item of a run, and those that its card stands for, newest first after the run's own."""
    query = (
        select(triage)
        .where(or_(triage.c.run_id == run_id, triage.c.leader == run_id))
        .order_by(triage.c.run_id != run_id, triage.c.created_at.desc(), triage.c.run_id)
    )
    return tuple(map(_item, connection.execute(query)))


def _item(row: object) -> TriageItem:
    values = {name: getattr(row, name) for name in _NAMES}
    return TriageItem(**{**values, "state": TriageState(values["state"])})


_NAMES = tuple(TriageItem.__dataclass_fields__)
