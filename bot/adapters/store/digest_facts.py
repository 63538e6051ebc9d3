"""What a digest asks of runs and changes beyond the sums: why runs failed, and who proposed what."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, select

from bot.adapters.store.changes_log import ChangeRow, changes
from bot.adapters.store.ledger import ledger
from bot.adapters.store.run_log import runs
from workflows.run import Ending

LOOKED_AT = 2000
"""Newest failed runs whose errors are read."""


@dataclass(slots=True)
class FailedRuns:
    """Runs that ended in the same error."""

    newest_run_id: str
    facts: Mapping[str, str] = field(default_factory=dict)
    """Of the error that ended the newest."""
    count: int = 0


def failures(
    connection: Connection, since: datetime, until: datetime, workflows: Collection[str]
) -> dict[tuple[str, str], FailedRuns]:
    """By workflow and class of the error."""
    query = (
        select(runs.c.workflow, runs.c.failure, runs.c.id)
        .where(runs.c.ending == Ending.FAILED.value, runs.c.workflow.in_(workflows))
        .where(runs.c.created_at >= since, runs.c.created_at < until)
        .order_by(runs.c.created_at.desc())
        .limit(LOOKED_AT)
    )
    found: dict[tuple[str, str], FailedRuns] = {}
    for workflow, failure, run_id in connection.execute(query):
        said = failure or {}
        key = (workflow, str(said.get("kind", "")))
        found.setdefault(key, FailedRuns(run_id, said.get("facts") or {})).count += 1
    return found


def slowest_run(connection: Connection, workflow: str, since: datetime, until: datetime) -> str:
    """The run that took longest to its end; empty without one."""
    query = _ended(select(runs.c.id, runs.c.created_at, runs.c.finished_at), workflow, since, until)
    took = {row.id: row.finished_at - row.created_at for row in connection.execute(query.limit(LOOKED_AT))}
    return max(took, key=lambda run_id: took[run_id], default="")


def dearest_run(connection: Connection, workflow: str, since: datetime, until: datetime) -> str:
    """The run whose calls to models cost most; empty without one."""
    newest = _ended(select(runs.c.id), workflow, since, until).limit(LOOKED_AT).subquery()
    query = select(ledger.c.run_id, ledger.c.cost_usd).join(newest, newest.c.id == ledger.c.run_id)
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for run_id, cost in connection.execute(query):
        spent[run_id] += cost
    return max(spent, key=lambda run_id: spent[run_id], default="")


def _ended(query: Select[Any], workflow: str, since: datetime, until: datetime) -> Select[Any]:
    """The newest runs of a workflow that were answered."""
    return (
        query.where(runs.c.workflow == workflow, runs.c.ending == Ending.ANSWERED.value)
        .where(runs.c.created_at >= since, runs.c.created_at < until)
        .order_by(runs.c.created_at.desc())
    )


def proposed_by(
    connection: Connection, person: str, since: datetime, until: datetime
) -> tuple[ChangeRow, ...]:
    """What somebody proposed in that time, oldest first."""
    query = select(changes).where(
        changes.c.author_id == person, changes.c.created_at >= since, changes.c.created_at < until
    )
    return tuple(connection.execute(query.order_by(changes.c.created_at).limit(50)))
