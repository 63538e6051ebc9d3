"""What waits just now: runs for a worker, messages for a courier."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.adapters.store.heartbeats_log import count_alive
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.outbox_log import WAITING, outbox
from bot.adapters.store.run_log import runs
from workflows.run import RunStatus


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts, and ages in seconds; an age is 0 where nothing waits."""

    queued: int
    queue_age_s: float
    running: int
    unsent: int
    unsent_age_s: float
    workers: int
    """Processes with a worker that were heard lately."""


_RUNNING = select(func.count()).select_from(runs).where(runs.c.status == RunStatus.RUNNING.value)


def read_backlog(connection: Connection) -> Backlog:
    """What is due and waits."""
    now = lease_clock(connection)
    due = select(func.count(), func.min(runs.c.due_at)).where(
        runs.c.status == RunStatus.QUEUED.value, runs.c.due_at <= now
    )
    unsent = select(func.count(), func.min(outbox.c.created_at)).where(
        outbox.c.state == WAITING, outbox.c.due_at <= now
    )
    queued, oldest = connection.execute(due).one()
    messages, earliest = connection.execute(unsent).one()
    return Backlog(
        queued=queued,
        queue_age_s=_age_s(oldest, now),
        running=int(connection.execute(_RUNNING).scalar_one()),
        unsent=messages,
        unsent_age_s=_age_s(earliest, now),
        workers=count_alive(connection).get("worker", 0),
    )


def _age_s(then: datetime | None, now: datetime) -> float:
    return max((now - then).total_seconds(), 0.0) if then else 0.0
