"""Holding a run: claim, heartbeat, progress, finish. A write with a stale fence changes nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select, update

from bot.adapters.store.heartbeats_log import count_slots
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.row_codec import answer_json, failure_json
from bot.adapters.store.run_log import RunRow, runs, sources_of
from bot.adapters.store.run_turns import FREELY, Shares, anything_waits, may_claim, next_in_turn
from bot.adapters.store.tables import UtcDateTime
from bot.adapters.store.versions_log import PRODUCTION
from workflows.ports import LostLease
from workflows.run import Answer, Failure, RunStatus, ending_of

_RUNNING = RunStatus.RUNNING.value
_HELD = (
    runs.c.id == bindparam("held_run"),
    runs.c.fence == bindparam("held_fence"),
    runs.c.owner == bindparam("held_owner"),
    runs.c.status == _RUNNING,
)


@dataclass(frozen=True, slots=True)
class Held:
    """A run as one worker holds it: the fence moves whenever another takes it.

    A crash of PostgreSQL can take a claim back, and the next comes to the same fence: the owner differs.
    """

    run_id: str
    fence: int
    owner: str

    def key(self) -> dict[str, Any]:
        """Parameters of the guard that every write carries."""
        return {"held_run": self.run_id, "held_fence": self.fence, "held_owner": self.owner}


@dataclass(frozen=True, slots=True)
class Step:
    """The step a run is at, as people are shown it."""

    number: int
    total: int
    title: str


_NOW = bindparam("now", type_=UtcDateTime)
_ABANDONED = (
    select(runs.c.id)
    .where(runs.c.status == _RUNNING, runs.c.lease_until < _NOW)
    .order_by(runs.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_UNTIL = bindparam("until", type_=UtcDateTime)
_TAKE = (
    update(runs)
    .where(runs.c.id.in_(_IDS))
    .values(
        status=_RUNNING,
        owner=bindparam("taker"),
        lease_until=_UNTIL,
        fence=runs.c.fence + 1,
        attempts=runs.c.attempts + 1,
        started_at=func.coalesce(runs.c.started_at, _NOW),
        revision=runs.c.revision + 1,
    )
    .returning(runs)
)


def claim_runs(
    connection: Connection, *, owner: str, lease_s: float, limit: int, shares: Shares = FREELY, slots: int = 0
) -> tuple[RunRow, ...] | None:
    """Take running runs whose lease ran out, then queued ones in turn; None when another worker is at it.

    `slots` is how many the taker carries out at a time, for when it was not heard yet.
    """
    now = lease_clock(connection)
    ids = list(connection.execute(_ABANDONED, {"now": now, "most": limit}).scalars())
    if len(ids) < limit and anything_waits(connection, now):
        if may_claim(connection):
            bounds = shares.bounds(max(slots, count_slots(connection)))
            ids += next_in_turn(connection, now, bounds, limit - len(ids))
        elif not ids:
            return None
    if not ids:
        return ()
    values = {"ids": ids, "taker": owner, "until": now + timedelta(seconds=lease_s), "now": now}
    taken = {row.id: row for row in connection.execute(_TAKE, values)}
    return tuple(taken[run_id] for run_id in ids)


_EXTEND = (
    update(runs)
    .where(runs.c.id.in_(_IDS), runs.c.owner == bindparam("holder"), runs.c.status == _RUNNING)
    .values(lease_until=_UNTIL)
    .returning(runs.c.id, runs.c.fence)
)


def extend_leases(connection: Connection, *, owner: str, lease_s: float, held: Collection[Held]) -> set[Held]:
    """Heartbeat; returns those that are still ours."""
    until = lease_clock(connection) + timedelta(seconds=lease_s)
    values = {"ids": [item.run_id for item in held], "holder": owner, "until": until}
    found = connection.execute(_EXTEND, values)
    return {Held(run_id, fence, owner) for run_id, fence in found} & set(held)


_ASKED = select(runs.c.id).where(runs.c.id.in_(_IDS), runs.c.cancel_requested_at.is_not(None))


def asked_to_stop(connection: Connection, run_ids: Collection[str]) -> set[str]:
    """Which of these runs somebody wants cancelled."""
    return set(connection.execute(_ASKED, {"ids": list(run_ids)}).scalars())


_PIN = (
    update(runs)
    .where(*_HELD)
    .values(
        pins=bindparam("new_pins"),
        version=bindparam("new_version"),
        title=bindparam("new_title"),
        label=bindparam("new_label"),
    )
)


def pin_run(
    connection: Connection,
    held: Held,
    *,
    pins: Mapping[str, Any],
    version: int,
    title: str,
    label: str = PRODUCTION,
) -> None:
    """Fix the versions this run uses for ever. Raises LostLease."""
    values = {"new_pins": pins, "new_version": version, "new_title": title, "new_label": label}
    _one(connection.execute(_PIN, {**held.key(), **values}).rowcount, held)


_PROGRESS = (
    update(runs)
    .where(*_HELD)
    .values(
        step_number=bindparam("number"),
        step_total=bindparam("total"),
        step_title=bindparam("new_step_title"),
        revision=runs.c.revision + 1,
    )
)


def note_progress(connection: Connection, at: Iterable[tuple[Held, Step]]) -> None:
    """Show where runs are; those no longer held stay as they are."""
    rows = [
        {**held.key(), "number": step.number, "total": step.total, "new_step_title": step.title}
        for held, step in at
    ]
    if rows:
        connection.execute(_PROGRESS, rows)


def _finish(status: RunStatus) -> Any:
    held = (*_HELD[:3], runs.c.status.in_(sources_of(status)))
    return (
        update(runs)
        .where(*held)
        .values(
            status=status.value,
            ending=bindparam("new_ending"),
            answer=bindparam("new_answer"),
            failure=bindparam("new_failure"),
            finished_at=None if status is RunStatus.WAITING else bindparam("at"),
            owner="",
            lease_until=None,
            revision=runs.c.revision + 1,
        )
    )


_FINISH = {
    status: _finish(status)
    for status in (RunStatus.WAITING, RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)
}


def finish_run(
    connection: Connection,
    held: Held,
    status: RunStatus,
    *,
    at: datetime,
    answer: Answer | None = None,
    failure: Failure | None = None,
) -> None:
    """End an execution: the run is over, or waits and holds no worker. Raises LostLease."""
    values = {
        "new_answer": answer_json(answer),
        "new_failure": failure_json(failure),
        "new_ending": ending_of(status, answer),
        "at": at,
    }
    _one(connection.execute(_FINISH[status], {**held.key(), **values}).rowcount, held)


_AGAIN = {
    "status": RunStatus.QUEUED.value,
    "owner": "",
    "lease_until": None,
    "attempts": runs.c.attempts - 1,
    "revision": runs.c.revision + 1,
}
"""Queued again as if nobody had taken it."""
_HAND_BACK = (
    update(runs)
    .where(*_HELD)
    .values(**_AGAIN, due_at=func.coalesce(bindparam("rested", type_=UtcDateTime), runs.c.due_at))
)


def hand_back(connection: Connection, held: Iterable[Held], *, after_s: float = 0.0) -> None:
    """Queue runs again without counting the attempt; those no longer held stay as they are."""
    rested = lease_clock(connection) + timedelta(seconds=after_s) if after_s else None
    for item in held:
        connection.execute(_HAND_BACK, {**item.key(), "rested": rested})


_PUT_OFF = (
    update(runs)
    .where(*_HELD)
    .values(
        **_AGAIN,
        put_off=runs.c.put_off + 1,
        due_at=bindparam("later", type_=UtcDateTime),
        failure=bindparam("why"),
    )
)


def put_off(connection: Connection, held: Held, *, why: Failure, after_s: float) -> None:
    """Queue a run again that found no model, with what its readers are told meanwhile. Raises LostLease."""
    later = lease_clock(connection) + timedelta(seconds=after_s)
    values = {**held.key(), "later": later, "why": failure_json(why)}
    _one(connection.execute(_PUT_OFF, values).rowcount, held)


_NO_LONGER = (
    update(runs)
    .where(runs.c.status == RunStatus.QUEUED.value, runs.c.put_off > 0, runs.c.due_at > _NOW)
    .values(due_at=_NOW)
)


def wake_put_off(connection: Connection) -> int:
    """Have all runs that were put off tried now: a model answers again. How many."""
    return connection.execute(_NO_LONGER, {"now": lease_clock(connection)}).rowcount


_WAKE = (
    update(runs)
    .where(runs.c.id == bindparam("sleeper"), runs.c.status == RunStatus.WAITING.value)
    .values(
        status=RunStatus.QUEUED.value, due_at=_NOW, attempts=runs.c.attempts - 1, revision=runs.c.revision + 1
    )
)


def queue_again(connection: Connection, run_id: str) -> bool:
    """Queue a run whose wait is over, which counts as no new attempt; False when it does not wait."""
    values = {"sleeper": run_id, "now": lease_clock(connection)}
    return connection.execute(_WAKE, values).rowcount == 1


def _one(rowcount: int, held: Held) -> None:
    if rowcount != 1:
        raise LostLease(held.run_id)
