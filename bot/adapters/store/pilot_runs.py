"""What the runs of production and of a candidate came to, since a pilot began."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from bot.adapters.store.ledger import ledger
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import VOTE, scores
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.quality.pilots import Side
from workflows.run import RunStatus

MOST = 2000
"""Newest runs of each side that costs, seconds and scores are taken from; votes and failures count all."""
_ENDED = (RunStatus.SUCCEEDED.value, RunStatus.FAILED.value)
_MACHINE = ("check:%", "judge:%")


def tally(connection: Connection, workflow: str, since: datetime) -> dict[str, Side]:
    """Runs, failures and votes by label: what the guard looks at."""
    counted = connection.execute(
        select(runs.c.label, func.count(), _sum(runs.c.status == RunStatus.FAILED.value))
        .where(*_of(workflow, since))
        .group_by(runs.c.label)
    )
    found = {label: (int(count), int(failed)) for label, count, failed in counted}
    voted = connection.execute(
        select(runs.c.label, _sum(scores.c.value > 0), _sum(scores.c.value < 0))
        .join(scores, scores.c.run_id == runs.c.id)
        .where(*_of(workflow, since), scores.c.name == VOTE)
        .group_by(runs.c.label)
    )
    votes = {label: (int(up), int(down)) for label, up, down in voted}
    return {
        label: Side(*found.get(label, (0, 0)), *votes.get(label, (0, 0))) for label in (PRODUCTION, CANDIDATE)
    }


def sides(connection: Connection, workflow: str, since: datetime) -> dict[str, Side]:
    """As `tally`, with what each run cost, how long it took and what checks and judges gave it."""
    counts = tally(connection, workflow, since)
    return {label: _with_values(connection, workflow, since, label, side) for label, side in counts.items()}


def costs_of(
    connection: Connection, workflow: str, since: datetime, labels: Collection[str]
) -> tuple[Decimal, ...]:
    """Dollars of each run that succeeded, newest first."""
    newest = _newest(workflow, since, labels).where(runs.c.status == RunStatus.SUCCEEDED.value)
    return tuple(_costs(connection, [row.id for row in connection.execute(newest)]).values())


def _with_values(connection: Connection, workflow: str, since: datetime, label: str, side: Side) -> Side:
    rows = [row for row in connection.execute(_newest(workflow, since, [label])) if row.status != "failed"]
    ids = [row.id for row in rows]
    return Side(
        side.runs,
        side.failed,
        side.up,
        side.down,
        scores=_means(connection, ids),
        costs=[float(cost) for cost in _costs(connection, ids).values()],
        seconds=[_seconds(row) for row in rows],
    )


def _newest(workflow: str, since: datetime, labels: Collection[str]) -> Select[Any]:
    return (
        select(runs.c.id, runs.c.status, runs.c.created_at, runs.c.finished_at)
        .where(*_of(workflow, since), runs.c.label.in_(list(labels)))
        .order_by(runs.c.created_at.desc(), runs.c.id)
        .limit(MOST)
    )


def _of(workflow: str, since: datetime) -> tuple[Any, ...]:
    return (runs.c.workflow == workflow, runs.c.created_at >= since, runs.c.status.in_(_ENDED))


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _seconds(row: Row[Any]) -> float:
    return float((row.finished_at - row.created_at).total_seconds())


def _costs(connection: Connection, run_ids: Collection[str]) -> Mapping[str, Decimal]:
    """Added here, because SQLite adds decimals as floats. A run without a call cost nothing."""
    sums = dict.fromkeys(run_ids, Decimal(0))
    query = select(ledger.c.run_id, ledger.c.cost_usd).where(ledger.c.run_id.in_(list(run_ids)))
    for run_id, cost in connection.execute(query):
        sums[run_id] += cost
    return sums


def _means(connection: Connection, run_ids: Collection[str]) -> list[float]:
    """One mean a run over what checks and judges said; what people said is counted as votes."""
    given = defaultdict(list)
    query = select(scores.c.run_id, scores.c.value).where(
        scores.c.run_id.in_(list(run_ids)),
        scores.c.source.like(_MACHINE[0]) | scores.c.source.like(_MACHINE[1]),
    )
    for run_id, value in connection.execute(query):
        given[run_id].append(value)
    return [sum(values) / len(values) for values in given.values()]
