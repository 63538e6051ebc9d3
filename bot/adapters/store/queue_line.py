"""The queue as people see it: each run's place in the order of turns, and how long until it starts."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from sqlalchemy import Connection, Integer, and_, bindparam, case, func, select

from bot.adapters.store.heartbeats_log import count_slots
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.run_log import runs
from bot.adapters.store.run_turns import DUE, NEVER, WHOLE, Busy, Shares, served
from bot.adapters.store.tables import UtcDateTime
from bot.adapters.store.transaction_memory import read_lately, read_once
from bot.governance.admission import Lane, Waiting
from workflows.run import RunStatus

RECENT = 40
"""Runs that ended last, from which it is guessed how long the next ones take."""
PACE_S = 1.0
"""How old it may be what workers get through."""

_NOW = bindparam("now", type_=UtcDateTime)
_THEN = bindparam("then", type_=UtcDateTime)
_TURN = bindparam("turn", type_=Integer)
_QUEUED = RunStatus.QUEUED.value


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queued run stands."""

    position: int
    """1 for the next to start."""
    wait_s: float | None
    """Until it starts, 0 for at once; None when nobody can tell."""


NOWHERE = Place(0, None)
"""Of a run that is not queued."""

_lanes = (
    select(func.count().label("length"), func.min(runs.c.due_at).label("since"))
    .where(DUE)
    .group_by(runs.c.actor_id)
    .subquery("lanes")
)
_BEFORE = select(
    func.coalesce(func.sum(case((_lanes.c.length > _TURN, _TURN), else_=_lanes.c.length)), 0),
    func.coalesce(func.sum(case((and_(_lanes.c.length > _TURN, _lanes.c.since < _THEN), 1), else_=0)), 0),
).select_from(_lanes)
"""Of everybody who waits: those who are known are taken off outside of it, for a list of a hundred people
costs more to write into the statement than the statement does."""
_WAITING = (
    select(
        runs.c.actor_id,
        func.count(),
        func.sum(case((runs.c.due_at <= _NOW, 1), else_=0)),
        func.min(runs.c.due_at),
    )
    .where(runs.c.status == _QUEUED)
    .group_by(runs.c.actor_id)
)
_KNOWN = (
    select(runs.c.actor_id, func.count(), func.min(runs.c.due_at))
    .where(DUE, runs.c.actor_id.in_(bindparam("people", expanding=True)))
    .group_by(runs.c.actor_id)
)
_ASKED = select(runs.c.id, runs.c.actor_id, runs.c.workflow, runs.c.due_at).where(
    DUE, runs.c.id.in_(bindparam("ids", expanding=True))
)
_OWN = (
    select(func.count())
    .select_from(runs)
    .where(runs.c.status == _QUEUED, runs.c.actor_id == bindparam("person"), runs.c.due_at < _THEN)
)
_OF_WORKFLOW = (
    select(func.count())
    .select_from(runs)
    .where(DUE, runs.c.workflow == bindparam("name"), runs.c.due_at < _THEN)
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

    def has_room(self, person: str, workflow: str, own: int, everybody: int) -> bool:
        """Whether all that wait and one more of this person and workflow can start at once."""
        bounds = self.shares.bounds(self.slots)
        return (
            sum(self.busy.people.values()) + everybody < self.slots
            and self.busy.people[person] + own < bounds.person
            and self.busy.workflows[workflow] + everybody < bounds.workflow
        )


def _pace_of(connection: Connection, busy: Busy, shares: Shares) -> _Pace | None:
    """None when no worker is heard or nothing was carried out yet, so that nobody can tell."""
    slots, seconds = read_lately(
        connection, "pace", PACE_S, lambda: (count_slots(connection), _seconds(connection))
    )
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
class _Line:
    """The queue at one moment, asked for the places of some runs."""

    connection: Connection
    now: datetime
    busy: Busy
    served: dict[str, datetime]
    waiting: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """Of people whose lanes were looked at: how many wait, and since when."""

    def look_at(self, people: Iterable[str]) -> None:
        """Read the lanes of these people, and of those who were served lately or have a run going."""
        looked_at = {*self.busy.people, *self.served, *people}
        rows = self.connection.execute(_KNOWN, {"people": list(looked_at), "now": self.now})
        self.waiting = {row[0]: (row[1], row[2]) for row in rows}

    def own_before(self, person: str, then: datetime) -> int:
        """How many of the person's own runs wait that they asked for earlier."""
        return int(self.connection.execute(_OWN, {"person": person, "then": then}).scalar_one())

    def before(self, person: str, own: int, then: datetime) -> int:
        """How many start earlier than what this person asked for then, after so many of their own."""
        turn = own + self.busy.people[person]
        served_at = _served_at(self, person, own)
        # whoever was not served at all goes first, however late they asked
        until = self.now if turn == 0 and served_at != NEVER else then
        known = [(who, *lane) for who, lane in self.waiting.items() if self.is_known(who) or who == person]
        sooner, older = self.others(turn, until, known)
        if turn > 0 and own == 0:
            older = 0
        return own + sooner + older + self.of_known(person, turn, (served_at, then), known)

    def is_known(self, person: str) -> bool:
        """Whether they were served lately or have a run going."""
        return person in self.busy.people or person in self.served

    def others(
        self, turn: int, until: datetime, known: Iterable[tuple[str, int, datetime]]
    ) -> tuple[int, int]:
        """Runs of people who are not known: in earlier turns, and in this one of those who asked before."""
        values = {"now": self.now, "turn": turn, "then": until}
        sooner, older = self.connection.execute(_BEFORE, values).one()
        for _, length, since in known:
            sooner -= min(length, turn)
            older -= length > turn and since < until
        return int(sooner), int(older)

    def of_known(
        self,
        person: str,
        turn: int,
        mine: tuple[datetime, datetime],
        waiting: Iterable[tuple[str, int, datetime]],
    ) -> int:
        """As `before`, of those who were served lately or have a run going: who, how many, since when."""
        total = 0
        for each, length, since in waiting:
            level = turn - self.busy.people[each]
            if each == person or level < 0:
                continue
            served_at = self.served.get(each, NEVER) if level == 0 else self.now
            total += min(length, level) + (length > level and (served_at, since) < mine)
        return total

    def place(
        self, pace: _Pace | None, asked: tuple[str, str], own: int, then: datetime, before: int
    ) -> Place:
        """Of a run of this person and workflow, asked for then, with so many before it."""
        person, workflow = asked
        if pace is None:
            return Place(before + 1, None)
        of_workflow = 0
        if pace.shares.workflow < WHOLE:
            values = {"name": workflow, "now": self.now, "then": then}
            of_workflow = min(before, self.connection.execute(_OF_WORKFLOW, values).scalar_one())
        lanes = pace.lanes(person, workflow, (before, own, of_workflow))
        return Place(before + 1, max(lane.wait_s for lane in lanes))


def _served_at(line: _Line, person: str, own: int) -> datetime:
    """When the person was served before a run that has so many of their own before it."""
    return line.served.get(person, NEVER) if own == 0 else line.now


def _line(connection: Connection) -> _Line:
    # who is served meanwhile moves a guess by one
    busy, lately = read_once(connection, "served", lambda: served(connection))
    return _Line(connection, lease_clock(connection), busy, lately)


def places(connection: Connection, run_ids: Collection[str], shares: Shares) -> dict[str, Place]:
    """The places of those runs that wait for their turn."""
    now = lease_clock(connection)
    rows = connection.execute(_ASKED, {"ids": list(run_ids), "now": now}).all() if run_ids else []
    if not rows:
        return {}
    line = _line(connection)
    line.look_at({row.actor_id for row in rows})
    pace = _pace_of(connection, line.busy, shares)
    found = {}
    for row in rows:
        own = line.own_before(row.actor_id, row.due_at)
        before = line.before(row.actor_id, own, row.due_at)
        found[row.id] = line.place(pace, (row.actor_id, row.workflow), own, row.due_at, before)
    return found


@dataclass(slots=True)
class _Crowd:
    """Who waits, counted once in a transaction and kept up as it queues more.

    What else the same transaction starts or puts back is counted by the next one.
    """

    everybody: int
    known: dict[str, tuple[int, datetime]]
    """Of those served lately: how many wait, and since when."""
    lengths: Counter[int]
    """Of the others: how many people have that many waiting."""
    owns: Counter[str]
    """How many wait of each person."""

    def before_new(self, line: _Line, person: str, own: int) -> int:
        """As `_Line.before`, of what is asked for now: all that wait are older."""
        turn = own + line.busy.people[person]
        others = self.lengths if person in self.known or not own else self.lengths - Counter({own: 1})
        sooner = sum(min(length, turn) * people for length, people in others.items())
        longer = sum(people for length, people in others.items() if length > turn)
        older = 0 if turn > 0 and own == 0 else longer
        rows = [(each, *lane) for each, lane in self.known.items()]
        mine = (_served_at(line, person, own), line.now)
        return own + sooner + older + line.of_known(person, turn, mine, rows)

    def add(self, line: _Line, person: str) -> None:
        """One more of this person waits."""
        own = self.owns[person]
        self.owns[person] += 1
        self.everybody += 1
        if person in self.known:
            self.known[person] = (own + 1, self.known[person][1])
        elif line.is_known(person):
            self.known[person] = (own + 1, line.now)
        else:
            self.lengths.update({own: -1 if own else 0, own + 1: 1})


def _crowd(connection: Connection) -> _Crowd:
    def read() -> _Crowd:
        line = _line(connection)
        lately = {*line.busy.people, *line.served}
        crowd = _Crowd(0, {}, Counter(), Counter())
        for person, count, due, since in connection.execute(_WAITING, {"now": line.now}):
            crowd.everybody += count
            if due:
                crowd.owns[person] = due
                if person in lately:
                    crowd.known[person] = (due, since)
                else:
                    crowd.lengths[due] += 1
        return crowd

    return read_once(connection, "crowd", read)


def joined(connection: Connection, person: str) -> None:
    """This transaction queues one more run of this person."""
    _crowd(connection).add(_line(connection), person)


def place_of_new(connection: Connection, person: str, workflow: str, shares: Shares) -> tuple[Place, Waiting]:
    """Where a run would stand that this person asked for now, and what waits already."""
    line, crowd = _line(connection), _crowd(connection)
    everybody = crowd.everybody
    if not everybody and not line.busy.people:
        return Place(1, 0.0), Waiting(0, 0, 0.0)
    own = crowd.owns[person]
    pace = _pace_of(connection, line.busy, shares)
    if pace is not None and pace.has_room(person, workflow, own, everybody):
        place = Place(everybody + 1, 0.0)
    else:
        before = crowd.before_new(line, person, own)
        place = line.place(pace, (person, workflow), own, line.now, before)
    if pace is None:
        return place, Waiting(own, everybody, None)
    each, mine, _ = (lane.seconds / lane.slots for lane in pace.lanes(person, workflow, (0, 0, 0)))
    return place, Waiting(own, everybody, place.wait_s, own_s=max(each, mine), each_s=each)
