"""Scores of runs: votes, reasons and corrections of people; checks and judges write here too."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Float, Index, String, Table, Text, insert, select, update

from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import UtcDateTime, filled, metadata

VOTE, CORRECTION = "vote", "correction"
"""Names of scores that are counted."""

scores = Table(
    "scores",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("source", String(96), primary_key=True),
    Column("value", Float, nullable=False),
    Column("reason", Text, nullable=False),
    *filled(UtcDateTime, "created_at", "updated_at"),
    Index("ix_scores_updated_at", "updated_at"),
)


@dataclass(frozen=True, slots=True)
class Score:
    """One judgement of a run as a value, with who gave it and why."""

    run_id: str
    name: str
    """`vote`, `reason`, `correction`, `fix`, or the evaluator's name."""
    source: str
    """`person:<id>`, `check:<step>`, `judge:<alias>`."""
    value: float
    reason: str = ""


def write_score(connection: Connection, score: Score, at: datetime) -> float | None:
    """Keep a score, last write wins per run, name and source; returns the value it replaced."""
    key = {"run_id": score.run_id, "name": score.name, "source": score.source}
    before = connection.execute(select(scores.c.value).filter_by(**key)).scalar()
    values = {"value": score.value, "reason": score.reason, "updated_at": at}
    if before is None:
        connection.execute(insert(scores).values(**key, **values, created_at=at))
    else:
        connection.execute(update(scores).filter_by(**key).values(**values))
    return before


def read_scores(connection: Connection, run_id: str) -> tuple[Score, ...]:
    """Every score of one run."""
    query = select(
        scores.c.run_id, scores.c.name, scores.c.source, scores.c.value, scores.c.reason
    ).filter_by(run_id=run_id)
    return tuple(Score(*row) for row in connection.execute(query.order_by(scores.c.name, scores.c.source)))


def find_score(connection: Connection, run_id: str, name: str, source: str) -> Score | None:
    """What one source says of a run under one name."""
    query = select(scores.c.value, scores.c.reason).filter_by(run_id=run_id, name=name, source=source)
    row = connection.execute(query).first()
    return Score(run_id, name, source, row.value, row.reason) if row else None


def scores_of(connection: Connection, run_ids: Collection[str], names: Collection[str]) -> tuple[Score, ...]:
    """What anybody says of several runs under these names, oldest word first."""
    query = (
        select(scores.c.run_id, scores.c.name, scores.c.source, scores.c.value, scores.c.reason)
        .where(scores.c.run_id.in_(list(run_ids)), scores.c.name.in_(list(names)))
        .order_by(scores.c.updated_at, scores.c.source)
    )
    return tuple(Score(*row) for row in connection.execute(query))


def voted_down(
    connection: Connection, name: str, workflows: Collection[str], since: datetime, *, limit: int
) -> tuple[tuple[str, str], ...]:
    """Run and source of each standing score below zero of these workflows' runs, newest word first."""
    query = (
        select(scores.c.run_id, scores.c.source)
        .join(runs, runs.c.id == scores.c.run_id)
        .where(
            scores.c.name == name,
            scores.c.value < 0,
            scores.c.updated_at >= since,
            runs.c.workflow.in_(list(workflows)),
        )
        .order_by(scores.c.updated_at.desc(), scores.c.run_id, scores.c.source)
        .limit(limit)
    )
    return tuple((row.run_id, row.source) for row in connection.execute(query))
