"""The fair order as properties: whatever comes and ends in whatever order, nobody is passed for ever."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, insert, update

from bot.adapters.store.all_tables import metadata
from bot.adapters.store.run_leases import claim_runs
from bot.adapters.store.run_log import runs
from bot.adapters.store.run_turns import Bounds, Shares

PEOPLE, WORKFLOWS = "ABCD", "xy"
LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)
SLOTS = 4


class Line:
    """A queue of its own, in memory, with what is needed to say who may be passed by whom."""

    def __init__(self, connection: Connection, shares: Shares) -> None:
        self.connection = connection
        self.shares = shares
        self.numbers = count()
        self.waiting: list[tuple[str, str, str]] = []
        """Id, person and workflow, oldest first."""
        self.running: list[tuple[str, str, str]] = []
        self.passed: dict[str, Counter[str]] = {}
        """By a run that is next of a person who has none going: how often each other person went first."""

    def ask(self, person: str, workflow: str) -> None:
        number = next(self.numbers)
        run = (f"r{number:04}", person, workflow)
        self.connection.execute(insert(runs), {**_ROW, **_facts(run, LONG_AGO + timedelta(seconds=number))})
        self.waiting.append(run)

    def claim(self, most: int) -> None:
        free = min(most, SLOTS - len(self.running))
        rows = free and claim_runs(
            self.connection, owner="w", lease_s=900, limit=free, shares=self.shares, slots=SLOTS
        )
        for row in rows or ():
            self._start((row.id, row.actor_id, row.workflow))

    def _start(self, run: tuple[str, str, str]) -> None:
        own = next(each for each in self.waiting if each[1] == run[1])
        if self.shares.workflow == 100:
            assert run == own, "within a person, first come is first served"
        self.waiting.remove(run)
        self.running.append(run)
        self.passed.pop(run[0], None)
        for patient in self._next_of_the_idle():
            seen = self.passed.setdefault(patient, Counter())
            seen[run[1]] += 1
            if self.shares.workflow == 100:
                assert seen[run[1]] <= 1, f"{run[1]} went before {patient} twice"

    def _next_of_the_idle(self) -> Iterator[str]:
        busy = {person for _, person, _ in self.running}
        for person in {person for _, person, _ in self.waiting} - busy:
            yield next(run_id for run_id, whose, _ in self.waiting if whose == person)

    def finish(self, which: int) -> None:
        if self.running:
            run_id, *_ = self.running.pop(which % len(self.running))
            self.connection.execute(update(runs).where(runs.c.id == run_id).values(status="succeeded"))


_ROW: dict[str, Any] = {
    **dict.fromkeys(("title", "follows", "owner", "step_title"), ""),
    **dict.fromkeys(("version", "fence", "attempts", "step_number", "step_total", "revision"), 1),
    **{name: {} for name in ("inputs", "actor", "origin", "pins")},
    "status": "queued",
}


def _facts(run: tuple[str, str, str], at: datetime) -> dict[str, Any]:
    return {"id": run[0], "actor_id": run[1], "workflow": run[2], "due_at": at, "created_at": at}


moves = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(PEOPLE), st.sampled_from(WORKFLOWS)),
        st.tuples(st.just("claim"), st.integers(1, 3)),
        st.tuples(st.just("finish"), st.integers(0, 3)),
    ),
    max_size=60,
)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        yield connection
    engine.dispose()


@settings(max_examples=80, deadline=None)
@given(moves=moves, shares=st.sampled_from([Shares(), Shares(person=50), Shares(workflow=75)]))
def test_nobody_starves_and_each_person_is_served_in_order(
    connection: Connection, moves: list[Any], shares: Shares
) -> None:
    connection.execute(runs.delete())
    line = Line(connection, shares)
    bounds = shares.bounds(SLOTS)
    for move, *arguments in moves:
        getattr(line, move)(*arguments)
        for held, bound in ((1, bounds.person), (2, bounds.workflow)):
            assert max(Counter(run[held] for run in line.running).values(), default=0) <= bound
    while line.waiting:
        while line.running:
            line.finish(0)
        left = len(line.waiting)
        line.claim(SLOTS)
        assert len(line.waiting) < left, "somebody waits and slots are free"


@pytest.mark.parametrize(
    ("slots", "bounds"), [(1, Bounds(1, 1)), (2, Bounds(1, 2)), (8, Bounds(4, 6)), (40, Bounds(20, 30))]
)
def test_shares_leave_room_but_never_none(slots: int, bounds: Bounds) -> None:
    assert Shares(50, 75).bounds(slots) == bounds
