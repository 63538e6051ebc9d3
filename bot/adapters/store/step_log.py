"""The journal: one row for every finished step of a run."""

import functools
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Integer, String, Table, Text, bindparam, func, select

from bot.adapters.store.row_codec import failure_from, failure_json
from bot.adapters.store.run_leases import Held
from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import JsonText, Money, UtcDateTime, filled, insert_of, metadata
from workflows.ports import LostLease
from workflows.run import RunStatus, StepRun, StepStatus, Usage

steps = Table(
    "steps",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("step_id", Text, primary_key=True),
    *filled(Integer, "position", "fence", "attempts", "input_tokens", "output_tokens"),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("output", JsonText, nullable=False),
    *filled(UtcDateTime, "started_at", "finished_at"),
    Column("cost_usd", Money, nullable=False),
    *filled(Text, "model", "because"),
    Column("failure", JsonText),
)
"""`position` counts the steps of the run from 0 in the order they finished; `fence` is the writer's."""


KEPT = frozenset({"run_id", "step_id", "position"})
"""What a step that is done again leaves as it was."""


@functools.cache
def _insert(dialect: str) -> Any:
    """Insert only while the run is held; a step that the graph runs again replaces its row."""
    names = [column.name for column in steps.c]
    earlier = steps.alias("earlier")
    position = select(func.count()).where(earlier.c.run_id == bindparam("held_run")).scalar_subquery()
    given = [
        position if column.name == "position" else bindparam(f"new_{column.name}", type_=column.type)
        for column in steps.c
    ]
    values = select(*given).where(
        runs.c.id == bindparam("held_run"),
        runs.c.fence == bindparam("held_fence"),
        runs.c.owner == bindparam("held_owner"),
        runs.c.status == RunStatus.RUNNING.value,
    )
    statement = insert_of(dialect)(steps).from_select(names, values.with_for_update())
    changed = {name: statement.excluded[name] for name in names if name not in KEPT}
    kept = statement.on_conflict_do_update(index_elements=["run_id", "step_id"], set_=changed)
    return kept.execution_options(preserve_rowcount=True)


_READ = select(steps).where(steps.c.run_id == bindparam("run_id")).order_by(steps.c.position)


def journal_step(connection: Connection, held: Held, step: StepRun) -> None:
    """Keep one finished step. Raises LostLease, checked and written in one statement."""
    row = {
        "run_id": held.run_id,
        "step_id": step.step_id,
        "fence": held.fence,
        "kind": step.kind,
        "status": step.status.value,
        "output": dict(step.output),
        "started_at": step.started_at,
        "finished_at": step.finished_at,
        "attempts": step.attempts,
        "input_tokens": step.usage.input_tokens,
        "output_tokens": step.usage.output_tokens,
        "cost_usd": step.usage.cost_usd,
        "model": step.model,
        "failure": failure_json(step.failure),
        "because": step.because,
    }
    values = {f"new_{name}": value for name, value in row.items()}
    if connection.execute(_insert(connection.dialect.name), {**held.key(), **values}).rowcount != 1:
        raise LostLease(held.run_id)


def read_steps(connection: Connection, run_id: str) -> Mapping[str, StepRun]:
    """Step id to its record, in the order they finished."""
    return {row.step_id: _step(row) for row in connection.execute(_READ, {"run_id": run_id})}


def steps_of(connection: Connection, run_ids: Collection[str]) -> dict[str, list[StepRun]]:
    """The steps of several runs by run, in the order they finished; runs without one are absent."""
    query = select(steps).where(steps.c.run_id.in_(list(run_ids))).order_by(steps.c.run_id, steps.c.position)
    found: dict[str, list[StepRun]] = {}
    for row in connection.execute(query):
        found.setdefault(row.run_id, []).append(_step(row))
    return found


def _step(row: Any) -> StepRun:
    return StepRun(
        step_id=row.step_id,
        kind=row.kind,
        status=StepStatus(row.status),
        output=row.output,
        started_at=row.started_at,
        finished_at=row.finished_at,
        attempts=row.attempts,
        usage=Usage(row.input_tokens, row.output_tokens, row.cost_usd),
        model=row.model,
        failure=failure_from(row.failure),
        because=row.because,
    )
