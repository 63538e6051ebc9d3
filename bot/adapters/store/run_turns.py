"""Whose turn it is: people in the queue go round robin, each their oldest run first, within two bounds.

A run's turn is the number of its person's runs that are carried out or wait before it. The lowest turn goes
first; of equal ones, that of whoever was served least recently, then the older. So the first run of whoever
has none going is before the second of anybody else, however many that one queued. Nobody is passed for ever:
once none of a person's runs is carried out, each other person goes before them once at most.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, inf
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)

from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import UtcDateTime
from workflows.run import RunStatus

CLAIM_LOCK = 7_405_119
"""Key of the PostgreSQL advisory lock that lets one worker at a time take runs: bounds must be counted."""

WHOLE = 100
REMEMBERED = 128
"""Latest starts that count as lately: who is not among their people was not served."""

_QUEUED, _RUNNING = RunStatus.QUEUED.value, RunStatus.RUNNING.value
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
_NOW = bindparam("now", type_=UtcDateTime)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MOST: BindParameter[int] = bindparam("most")
_PEOPLE: BindParameter[list[str]] = bindparam("people", expanding=True)
_FULL_WORKFLOWS: BindParameter[list[str]] = bindparam("full_workflows", expanding=True)
_TAKEN: BindParameter[list[str]] = bindparam("taken", expanding=True)


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of all workers together one lane may have at a time, in percent; all of it is no bound."""

    person: int = WHOLE
    workflow: int = WHOLE

    def bounds(self, slots: int) -> "Bounds":
        """As numbers of runs, of so many that can be carried out at a time."""
        return Bounds(
            *(
                inf if share >= WHOLE else max(1, ceil(slots * share / WHOLE))
                for share in (self.person, self.workflow)
            )
        )


class Bounds(NamedTuple):
    """Most runs of one person and of one workflow that are carried out at a time."""

    person: float
    workflow: float


FREELY = Shares()


@dataclass(slots=True)
class Busy:
    """How many runs are carried out just now, by person and by workflow."""

    people: Counter[str] = field(default_factory=Counter)
    workflows: Counter[str] = field(default_factory=Counter)

    def add(self, person: str, workflow: str, count: int = 1) -> None:
        """Count some more."""
        self.people[person] += count
        self.workflows[workflow] += count


def may_claim(connection: Connection) -> bool:
    """Whether this transaction is the one that takes runs.

    It never waits: the other one may hold what this one has, or want it next.
    """
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.execute(_TRY_LOCK, {"key": CLAIM_LOCK}).scalar_one())


DUE = and_(runs.c.status == _QUEUED, runs.c.due_at <= _NOW)
"""What may start at `now`."""
_may_start = and_(DUE, runs.c.workflow.not_in(_FULL_WORKFLOWS))
_waits = and_(_may_start, runs.c.id.not_in(_TAKEN))
_lately = (
    select(runs.c.actor_id, runs.c.started_at)
    .where(runs.c.started_at.is_not(None))
    .order_by(runs.c.started_at.desc())
    .limit(REMEMBERED)
    .subquery("lately")
)
_SERVED = union_all(
    select(runs.c.actor_id, runs.c.workflow, func.count(), cast(null(), UtcDateTime))
    .where(runs.c.status == _RUNNING)
    .group_by(runs.c.actor_id, runs.c.workflow),
    select(_lately.c.actor_id, null(), literal(0), func.max(_lately.c.started_at)).group_by(
        _lately.c.actor_id
    ),
)
_ANY = select(runs.c.id).where(DUE).limit(1)
_since = func.min(runs.c.due_at).label("since")


def _heads(whose: ColumnElement[bool], *, all_of_them: bool) -> Select[Any]:
    """The oldest runs of some people, by an index alone until it is known which."""
    lanes = select(runs.c.actor_id, _since).where(_may_start, whose).group_by(runs.c.actor_id)
    chosen = (lanes if all_of_them else lanes.order_by(_since, runs.c.actor_id).limit(_MOST)).cte("lanes")
    return (
        select(runs.c.due_at, runs.c.id, runs.c.actor_id, runs.c.workflow)
        .select_from(chosen)
        .join(runs, and_(runs.c.actor_id == chosen.c.actor_id, runs.c.due_at == chosen.c.since))
        .where(_waits)
    )


_HEADS_OF_KNOWN = _heads(runs.c.actor_id.in_(_PEOPLE), all_of_them=True)
_HEADS_OF_OTHERS = _heads(runs.c.actor_id.not_in(_PEOPLE), all_of_them=False)
_NEXT = (
    select(runs.c.due_at, runs.c.id, runs.c.actor_id, runs.c.workflow)
    .where(_waits, runs.c.actor_id == bindparam("person"))
    .order_by(runs.c.due_at, runs.c.id)
    .limit(1)
)
_FREE = select(runs.c.id).where(runs.c.id.in_(_TAKEN)).with_for_update(skip_locked=True)


class _Place(NamedTuple):
    """One run, or with an empty id whatever comes next of its person, in the order of turns."""

    turn: int
    served_at: datetime
    """When somebody last began to carry out one of the person's runs."""
    due_at: datetime
    id: str
    person: str
    workflow: str


def anything_waits(connection: Connection, now: datetime) -> bool:
    """Whether a run is due at all, which is cheap to ask."""
    return connection.execute(_ANY, {"now": now}).first() is not None


def served(connection: Connection) -> tuple[Busy, dict[str, datetime]]:
    """What workers hold, living or dead, and when a run of each person was last begun."""
    busy, lately = Busy(), dict[str, datetime]()
    for person, workflow, count, at in connection.execute(_SERVED):
        if at is None:
            busy.add(person, workflow, count)
        else:
            lately[person] = at
    return busy, lately


def next_in_turn(connection: Connection, now: datetime, bounds: Bounds, most: int) -> list[str]:
    """The queued runs to carry out next, in order; what somebody is changing this moment is left out."""
    turns = _Turns(connection, now, bounds, most, *served(connection))
    taken = turns.take()
    free = set(connection.execute(_FREE, {"taken": taken}).scalars()) if taken else set()
    return [run_id for run_id in taken if run_id in free]


@dataclass(slots=True)
class _Turns:
    connection: Connection
    now: datetime
    bounds: Bounds
    most: int
    busy: Busy
    served: dict[str, datetime]
    taken: list[str] = field(default_factory=list)

    def take(self) -> list[str]:
        """Go round until enough are taken or nobody is left who may have more."""
        known = {*self.busy.people, *self.served}
        may_go = [each for each in known if self.busy.people[each] < self.bounds.person]
        heads = self._found(_HEADS_OF_KNOWN, may_go)
        while len(self.taken) < self.most:
            others = self._found(_HEADS_OF_OTHERS, list(known), self.most)
            known |= {place.person for place in others}
            for place in self._in_order([*heads, *others]):
                self.taken.append(place.id)
                self.busy.add(place.person, place.workflow)
                if len(self.taken) == self.most:
                    break
            if len(others) < self.most:
                # there is nobody else
                break
            heads = []
        return self.taken

    def _in_order(self, heads: list[_Place]) -> Iterator[_Place]:
        heapq.heapify(heads)
        while heads:
            place = heapq.heappop(heads)
            if not place.id or self.busy.workflows[place.workflow] >= self.bounds.workflow:
                if (other := self._next(place)) is not None:
                    heapq.heappush(heads, other)
                continue
            yield place
            if self.busy.people[place.person] < self.bounds.person:
                # looked up only if it comes to that
                heapq.heappush(heads, place._replace(turn=place.turn + 1, served_at=self.now, id=""))

    def _found(self, heads: Select[Any], people: list[str], most: int = 0) -> list[_Place]:
        """One oldest run of each person found."""
        found: dict[str, _Place] = {}
        for row in self.connection.execute(heads, {**self._still(), "people": people, "most": most}):
            served_at = self.served.get(row.actor_id, NEVER)
            place = _Place(self.busy.people[row.actor_id], served_at, *row)
            found[place.person] = min(place, found.get(place.person, place))
        return list(found.values())

    def _next(self, after: _Place) -> _Place | None:
        row = self.connection.execute(_NEXT, {**self._still(), "person": after.person}).first()
        return None if row is None else _Place(after.turn, after.served_at, *row)

    def _still(self) -> dict[str, Any]:
        workflows = self.busy.workflows
        full = [each for each, count in workflows.items() if count >= self.bounds.workflow]
        return {"now": self.now, "taken": self.taken, "full_workflows": full}
