"""The answers of some time that votes stand against."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import VOTE, scores
from bot.adapters.store.triage_log import triage
from bot.quality.complaint import TriageState


@dataclass(frozen=True, slots=True)
class BadAnswer:
    """A run with the votes on it."""

    run_id: str
    votes_down: int
    votes_up: int


def bad_answers(
    connection: Connection, workflows: Collection[str], since: datetime, until: datetime, limit: int
) -> tuple[BadAnswer, ...]:
    """Of the runs asked for in that time, those most voted down; without what an owner dismissed."""
    down = func.sum(case((scores.c.value < 0, 1), else_=0))
    up = func.sum(case((scores.c.value > 0, 1), else_=0))
    dismissed = select(triage.c.run_id).where(
        triage.c.run_id == runs.c.id, triage.c.state == TriageState.DISMISSED
    )
    query = (
        select(scores.c.run_id, down, up)
        .join(runs, runs.c.id == scores.c.run_id)
        .where(
            scores.c.name == VOTE,
            runs.c.workflow.in_(list(workflows)),
            runs.c.created_at >= since,
            runs.c.created_at < until,
            ~dismissed.exists(),
        )
        .group_by(scores.c.run_id, runs.c.created_at)
        .having(down > 0)
        .order_by((down - up).desc(), runs.c.created_at.desc(), scores.c.run_id)
        .limit(limit)
    )
    return tuple(BadAnswer(row[0], int(row[1]), int(row[2])) for row in connection.execute(query))
