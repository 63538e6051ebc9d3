"""The queue as people see it: each run's place in the order of turns, and how long until it starts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy import Connection, bindparam, case, func, select

from bot.adapters.store.heartbeats_log import count_slots
from bot.adapters.store.run_log import runs
from bot.adapters.store.run_turns import NEVER, Busy, Shares, held, served
from bot.adapters.store.tables import UtcDateTime
from bot.adapters.store.transaction_memory import read_once
from bot.governance.admission import Lane, Waiting
from workflows.run import RunStatus

RECENT = 40
"""Runs that ended last, from which it is guessed how long the next ones take."""

_NOW = bindparam("now", type_=UtcDateTime)
_QUEUED, _RUNNING = RunStatus.QUEUED.value, RunStatus.RUNNING.value


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queued run stands."""

    position: int
    """1 for the next to start."""
    wait_s: float | None
    """Until it starts, 0 for at once; None when nobody can tell."""


NOWHERE = Place(0, None)
"""Of a run that is not queued."""

_rank = func.row_number().over(partition_by=runs.c.actor_id, order_by=(runs.c.due_at, runs.c.id)) - 1
_ranked = (
    select(runs.c.id, runs.c.actor_id, runs.c.workflow, runs.c.due_at, _rank.label("rank"))
    .where(runs.c.status == _QUEUED, runs.c.due_at <= _NOW)
    .subquery("ranked")
)
_turn = _ranked.c.rank + func.coalesce(held.c.count, 0)
# whoever was served now comes after all others of the same turn
_served_at = case((_ranked.c.rank == 0, func.coalesce(served.c.at, NEVER)), else_=_NOW)
_order = (_turn, _served_at, _ranked.c.due_at, _ranked.c.id)
_placed = (
    select(
        _ranked,
        func.row_number().over(order_by=_order).label("position"),
        func.row_number().over(partition_by=_ranked.c.workflow, order_by=_order).label("in_workflow"),
    )
    .select_from(
        _ranked.outerjoin(held, held.c.actor_id == _ranked.c.actor_id).outerjoin(
            served, served.c.actor_id == _ranked.c.actor_id
        )
    )
    .subquery("placed")
)
_PLACES = select(_placed).where(_placed.c.id.in_(bindparam("ids", expanding=True)))
_CENSUS = (
    select(runs.c.status, runs.c.actor_id, runs.c.workflow, func.count())
    .where(runs.c.status.in_((_QUEUED, _RUNNING)))
    .group_by(runs.c.status, runs.c.actor_id, runs.c.workflow)
)
_ENDED = (
    select(runs.c.workflow, runs.c.started_at, runs.c.finished_at)
    .where(runs.c.finished_at.is_not(None), runs.c.started_at.is_not(None))
    .order_by(runs.c.finished_at.desc())
    .limit(RECENT)
)


@dataclass(frozen=True, slots=True)
class _Pace:
    """What the workers get through."""

    busy: Busy
    slots: int
    seconds: dict[str, float]
    """How long a run takes, by workflow; under an empty name of any."""
    shares: Shares

    def lanes(self, person: str, workflow: str, before: tuple[int, int, int]) -> tuple[Lane, Lane, Lane]:
        """Everybody's, the person's and the workflow's; `before` says how many of each start earlier."""
        any_s = self.seconds[""]
        own_s = self.seconds.get(workflow, any_s)
        bounds = self.shares.bounds(self.slots)
        running = sum(self.busy.people.values())
        return (
            Lane(before[0], running, self.slots, any_s),
            Lane(before[1], self.busy.people[person], min(bounds.person, self.slots), own_s),
            Lane(before[2], self.busy.workflows[workflow], min(bounds.workflow, self.slots), own_s),
        )


def _pace_of(connection: Connection, busy: Busy, shares: Shares) -> _Pace | None:
    """None when no worker is heard or nothing was carried out yet, so that nobody can tell."""
    slots, seconds = read_once(connection, "pace", lambda: (count_slots(connection), _seconds(connection)))
    return _Pace(busy, slots, seconds, shares) if slots and seconds else None


def _seconds(connection: Connection) -> dict[str, float]:
    took: dict[str, list[float]] = {}
    for workflow, started_at, finished_at in connection.execute(_ENDED):
        # the two times may be of two clocks
        seconds = max(0.0, (finished_at - started_at).total_seconds())
        for name in (workflow, ""):
            took.setdefault(name, []).append(seconds)
    return {name: median(each) for name, each in took.items()}


@dataclass(slots=True)
class _Census:
    """How many wait and are carried out, by person and by workflow."""

    waiting: Busy
    busy: Busy

    def before_new(self, person: str) -> int:
        """How many would start before one that this person asked for now."""
        own = self.waiting.people[person]
        turn = own + self.busy.people[person]
        # of everybody's runs with the same turn the others' are older
        return sum(
            own if each == person else min(count, max(0, turn - self.busy.people[each] + 1))
            for each, count in self.waiting.people.items()
        )


def _census(connection: Connection) -> _Census:
    found = {_QUEUED: Busy(), _RUNNING: Busy()}
    for status, person, workflow, count in connection.execute(_CENSUS):
        found[status].add(person, workflow, count)
    return _Census(found[_QUEUED], found[_RUNNING])


def places(
    connection: Connection, run_ids: Collection[str], shares: Shares, now: datetime
) -> dict[str, Place]:
    """The places of those runs that are queued."""
    rows = connection.execute(_PLACES, {"ids": list(run_ids), "now": now}).all()
    if not rows:
        return {}
    pace = _pace_of(connection, _census(connection).busy, shares)
    found = {}
    for row in rows:
        before = (row.position - 1, row.rank, row.in_workflow - 1)
        lanes = pace.lanes(row.actor_id, row.workflow, before) if pace else ()
        found[row.id] = Place(row.position, max((lane.wait_s for lane in lanes), default=None))
    return found


def place_of_new(connection: Connection, person: str, workflow: str, shares: Shares) -> tuple[Place, Waiting]:
    """Where a run would stand that this person asked for now, and what waits already."""
    census = _census(connection)
    waiting, busy = census.waiting, census.busy
    own, everybody = waiting.people[person], sum(waiting.people.values())
    if not everybody and not busy.people:
        return Place(1, 0.0), Waiting(0, 0, 0.0)
    first = census.before_new(person)
    pace = _pace_of(connection, busy, shares)
    if pace is None:
        return Place(first + 1, None), Waiting(own, everybody, None)
    lanes = pace.lanes(person, workflow, (first, own, min(first, waiting.workflows[workflow])))
    wait_s = max(lane.wait_s for lane in lanes)
    each, mine, _ = (lane.seconds / lane.slots for lane in lanes)
    return Place(first + 1, wait_s), Waiting(own, everybody, wait_s, own_s=max(each, mine), each_s=each)
