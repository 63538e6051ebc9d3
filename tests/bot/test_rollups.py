"""Sums by the hour beside the rows they are made of, whatever happened and however late."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from bot.adapters.store.all_tables import metadata
from bot.adapters.store.database import Store
from bot.adapters.store.escalations_log import escalations
from bot.adapters.store.ledger import ledger
from bot.adapters.store.raw_counts import hour_of
from bot.adapters.store.rollup_writes import renew, write_renewal
from bot.adapters.store.rollups_log import (
    document_uses,
    people,
    people_together,
    read_mark,
    run_rollups,
    spend_by_hour,
    tallies,
    tallies_between,
    tallies_by_hour,
)
from bot.adapters.store.row_codec import answer_json
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import Score, scores, write_score
from bot.quality.tallies import Durations, Spend, Tally, total
from bot.services.rollups import Rollups
from tests.bot.history_rows import Past, insert_past
from tests.fakes import FakeClock
from workflows.run import RunStatus, ending_of

START = datetime(2026, 11, 2, 9, 50, tzinfo=UTC)
ENDED = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass
class History:
    """Things that happen to a store, one after the other."""

    store: Store
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    count: int = 0

    def __post_init__(self) -> None:
        self.rollups = Rollups(self.store, self.clock)
        self.store.write_now(
            lambda c: [
                c.execute(delete(table)) for table in reversed(metadata.sorted_tables) if _own(table.name)
            ]
        )

    def ask(self, workflow: str, person: str) -> None:
        """Somebody asks."""
        self.count += 1
        past = Past(
            f"r_{self.count}",
            workflow,
            person,
            RunStatus.QUEUED,
            asked_at=self.clock.at,
        )
        self.store.write_now(lambda c: insert_past(c, past))

    def finish(self, which: int, status: RunStatus, abstained: bool, late_s: int) -> None:
        """A run ends, and others see it a little later than it says."""
        run, at = f"r_{which}", self.clock.at - timedelta(seconds=late_s)
        answer = Past(run, status=status, abstained=abstained, collections=("people", "it")).answer
        values: dict[str, Any] = {
            "status": status.value,
            "finished_at": at,
            "ending": ending_of(status, answer),
            "answer": answer_json(answer),
        }
        resting = runs.c.status == RunStatus.QUEUED.value
        self.store.write_now(
            lambda c: c.execute(update(runs).where(runs.c.id == run, resting).values(values))
        )

    def vote(self, which: int, person: str, value: int, corrects: bool) -> None:
        """Somebody says what they think of a run."""
        name, value = ("correction", max(value, 0)) if corrects else ("vote", value)
        score = Score(f"r_{which}", name, f"person:{person}", value)
        self.store.write_now(lambda c: write_score(c, score, self.clock.at))

    def call(self, which: int, purpose: str, outcome: str, units: int, seconds: int) -> None:
        """A call to a model ends; which run is 0 is for none."""
        row = {
            "run_id": f"r_{which}" if which else "e_1",
            "step_id": "write",
            "purpose": purpose,
            "alias": "default",
            "model": "writer" if units % 2 else "spare",
            "input_tokens": units % 1000,
            "output_tokens": units % 77,
            "cached_tokens": units % 7,
            "cost_usd": Decimal(units).scaleb(-10),
            "started_at": self.clock.at - timedelta(seconds=seconds),
            "seconds": float(seconds),
            "outcome": outcome,
            "priced": units % 3 > 0,
            "workflow": "ask-policy" if which % 2 else "draft-reply",
        }
        self.store.write_now(lambda c: c.execute(insert(ledger), row))

    def hand_on(self, which: int) -> None:
        """A run that ended goes to a person."""
        run = f"r_{which}"

        def act(connection: Connection) -> None:
            ended = runs.c.status == RunStatus.SUCCEEDED.value
            changed = update(runs).where(runs.c.id == run, ended, runs.c.ending != "escalated")
            if connection.execute(changed.values(ending="escalated")).rowcount:
                row = dict.fromkeys(("workflow", "asked_by", "expert", "status", "reply"), "")
                row |= {"run_id": run, "replied_by": "", "change_id": ""}
                connection.execute(insert(escalations), row | {"created_at": self.clock.at})

        self.store.write_now(act)

    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.clock.at += timedelta(minutes=minutes)

    def refresh(self) -> None:
        """The clock's job, or a digest, brings the sums up to date."""
        asyncio.run(self.rollups.refresh())

    def rebuild(self) -> None:
        """An operator has all sums made again."""
        asyncio.run(self.rollups.rebuild())


def _own(name: str) -> bool:
    counted = {"runs", "scores", "ledger", "escalations", "rollup_marks"}
    return name in counted or name.endswith("_rollups")


which = st.integers(1, 6)
persons = st.sampled_from(["U0ANA", "U0BEN", "U0EVA"])
steps = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(["ask-policy", "draft-reply", "pläne"]), persons),
    st.tuples(st.just("finish"), which, st.sampled_from(ENDED), st.booleans(), st.sampled_from([0, 1, 90])),
    st.tuples(st.just("vote"), which, persons, st.sampled_from([1, -1]), st.booleans()),
    st.tuples(
        st.just("call"),
        st.integers(0, 6),
        st.sampled_from(["answer", "judge", "evaluation"]),
        st.sampled_from(["ok", "Timeout"]),
        st.integers(0, 10**13),
        st.integers(0, 200),
    ),
    st.tuples(st.just("hand_on"), which),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 59, 60, 61, 1500])),
    st.tuples(st.just("refresh")),
    st.tuples(st.just("rebuild")),
)
moments = st.integers(-3, 60).map(lambda quarters: START.replace(minute=0) + timedelta(minutes=15 * quarters))


ASKED = [("ask", "ask-policy", "U0ANA"), ("ask", "draft-reply", "U0BEN"), ("ask", "pläne", "U0ANA")]
SUMMED = [*ASKED, ("finish", 1, RunStatus.SUCCEEDED, False, 0), ("wait", 1500), ("refresh",)]


def play(store: Store, story: Sequence[tuple[Any, ...]]) -> History:
    history = History(store)
    for name, *values in story:
        getattr(history, name)(*values)
    return history


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=st.lists(steps, min_size=5, max_size=30), since=moments, until=moments)
def test_sums_are_what_the_rows_say(
    store: Store, story: list[tuple[Any, ...]], since: datetime, until: datetime
) -> None:
    history = play(store, [*ASKED, *story, ("refresh",)])
    mark = store.read_now(read_mark)
    assert mark is not None
    assert mark.horizon == hour_of(history.clock.at - timedelta(minutes=2))
    compare(store, min(since, until), max(since, until))
    compare(store, START - timedelta(days=1), history.clock.at + timedelta(days=1))


@pytest.mark.parametrize(
    "late",
    [
        ("finish", 2, RunStatus.FAILED, False, 0),
        ("finish", 2, RunStatus.SUCCEEDED, True, 90),
        ("vote", 1, "U0BEN", -1, False),
        ("vote", 1, "U0BEN", 1, True),
        ("hand_on", 1),
        ("call", 1, "judge", "ok", 5, 0),
        ("call", 0, "evaluation", "ok", 5, 60 * 60 * 24),
    ],
    ids=str,
)
def test_what_comes_after_the_hour_was_summed_up(store: Store, late: tuple[Any, ...]) -> None:
    play(store, [*SUMMED, late, ("refresh",)])
    compare(store, START - timedelta(days=1), START + timedelta(days=9))


def compare(store: Store, since: datetime, until: datetime) -> None:
    """What reports read beside the rows, added up one by one."""
    seen = Rows(store, since, until)
    assert store.read_now(lambda c: tallies_by_hour(c, since, until)) == seen.tallies()
    assert store.read_now(lambda c: spend_by_hour(c, since, until)) == seen.spend()
    assert store.read_now(lambda c: document_uses(c, since, until)) == seen.documents()
    by_workflow: dict[str, Tally] = defaultdict(Tally)
    for (workflow, _), tally in seen.tallies().items():
        by_workflow[workflow] += tally
    assert store.read_now(lambda c: tallies(c, since, until)) == by_workflow
    one = store.read_now(lambda c: tallies(c, since, until, ["pläne"]))
    assert one == {name: tally for name, tally in by_workflow.items() if name == "pläne"}
    asked = seen.people()
    assert store.read_now(lambda c: people(c, since, until)) == {name: len(asked[name]) for name in asked}
    assert store.read_now(lambda c: people_together(c, since, until)) == len(set().union(*asked.values()))


class Rows:
    """The rows of a time, added up one by one."""

    def __init__(self, store: Store, since: datetime, until: datetime) -> None:
        with store.engine.connect() as connection:
            everything = {
                table.name: list(connection.execute(select(table))) for table in (runs, scores, ledger)
            }
        self.runs = [row for row in everything["runs"] if since <= row.created_at < until and row.finished_at]
        self.calls = everything["ledger"]
        self.scores = everything["scores"]
        self.since, self.until = since, until

    def tallies(self) -> dict[tuple[str, datetime], Tally]:
        found: dict[tuple[str, datetime], Tally] = defaultdict(Tally)
        for run in self.runs:
            found[run.workflow, run.created_at.replace(minute=0)] += self._one(run)
        return found

    def _one(self, run: Any) -> Tally:
        calls = [call for call in self.calls if call.run_id == run.id]
        said = [(score.name, score.value) for score in self.scores if score.run_id == run.id]
        durations = Durations()
        if run.ending in ("answered", "abstained", "escalated"):
            durations.add((run.finished_at - run.created_at).total_seconds())
        return Tally(
            runs=1,
            **{run.ending: 1},
            votes_up=said.count(("vote", 1.0)),
            votes_down=said.count(("vote", -1.0)),
            corrected=said.count(("correction", 1.0)),
            cost_usd=sum((call.cost_usd for call in calls), Decimal(0)),
            input_tokens=sum(call.input_tokens for call in calls),
            output_tokens=sum(call.output_tokens for call in calls),
            durations=durations,
        )

    def spend(self) -> dict[tuple[str, datetime, str, str], Spend]:
        found: dict[tuple[str, datetime, str, str], Spend] = defaultdict(Spend)
        for call in self.calls:
            if self.since <= call.started_at < self.until:
                hour = call.started_at.replace(minute=0, second=0)
                found[call.workflow, hour, call.purpose, call.model] += Spend(
                    1,
                    call.outcome != "ok",
                    not call.priced,
                    call.input_tokens,
                    call.cached_tokens,
                    call.output_tokens,
                    call.cost_usd,
                )
        return found

    def documents(self) -> dict[tuple[str, str], tuple[int, int]]:
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for run in self.runs:
            against = any(s.run_id == run.id and (s.name, s.value) == ("vote", -1) for s in self.scores)
            cited = {one["passage"]["document_id"] for one in (run.answer or {"citations": ()})["citations"]}
            for document in cited:
                answers, down = found.get((run.workflow, document), (0, 0))
                found[run.workflow, document] = (answers + 1, down + against)
        return found

    def people(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for run in self.runs:
            found[run.workflow].add(run.actor_id)
        return found


@pytest.fixture
def history(store: Store) -> History:
    return History(store)


def _a_run(history: History, minutes: int = 61) -> None:
    history.ask("ask-policy", "U0ANA")
    history.finish(history.count, RunStatus.SUCCEEDED, abstained=False, late_s=0)
    history.wait(minutes)


def test_an_hour_that_is_over_is_summed_up_once_and_then_left_alone(history: History) -> None:
    _a_run(history)
    history.refresh()
    at_first = history.store.read_now(lambda c: c.execute(select(run_rollups)).all())
    assert [row.hour for row in at_first] == [START.replace(minute=0)]
    history.wait(10)
    assert asyncio.run(history.rollups.refresh()) == 0
    assert history.store.read_now(lambda c: c.execute(select(run_rollups)).all()) == at_first


def test_only_one_of_two_that_saw_the_same_may_write(history: History) -> None:
    _a_run(history)
    first, second = (history.store.read_now(partial(renew, now=history.clock.at)) for _ in range(2))
    assert history.store.write_now(lambda c: write_renewal(c, first))
    assert not history.store.write_now(lambda c: write_renewal(c, second))
    stale = history.store.read_now(partial(renew, now=history.clock.at))
    _a_run(history)
    history.refresh()
    before = history.store.read_now(read_mark)
    assert not history.store.write_now(lambda c: write_renewal(c, stale))
    assert history.store.read_now(read_mark) == before


def test_one_that_was_overtaken_begins_again(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    _a_run(history)
    rival = Rollups(history.store, history.clock)
    reads = [renew]

    def overtaken(connection: Connection, now: datetime) -> Any:
        renewal = renew(connection, now)
        if reads:
            reads.pop()
            history.store.write_now(lambda c: write_renewal(c, renew(c, now)))
        return renewal

    monkeypatch.setattr("bot.services.rollups.renew", overtaken)
    asyncio.run(rival.refresh())
    mark = history.store.read_now(read_mark)
    assert mark is not None
    assert mark.horizon == START.replace(minute=0) + timedelta(hours=1)


def test_days_of_a_zone_whose_days_begin_at_a_quarter_to(history: History) -> None:
    for _ in range(8):
        _a_run(history, minutes=300)
    history.refresh()
    # midnight in Kathmandu is 18:15 UTC
    edges = [datetime(2026, 11, 1 + day, 18, 15, tzinfo=UTC) for day in range(4)]
    days = history.store.read_now(lambda c: tallies_between(c, edges))
    assert [day["ask-policy"].runs for day in days] == [2, 5, 1]
    whole = history.store.read_now(lambda c: tallies(c, edges[0], edges[-1]))
    assert total(day["ask-policy"] for day in days) == whole["ask-policy"]


def test_a_call_that_is_seen_after_one_with_a_higher_number(history: History) -> None:
    _a_run(history)
    history.call(1, "answer", "ok", 11, 30)
    history.store.write_now(lambda c: c.execute(update(ledger).values(seq=2)))
    history.refresh()
    history.call(1, "judge", "ok", 13, 3700)
    history.store.write_now(lambda c: c.execute(update(ledger).where(ledger.c.seq > 2).values(seq=1)))
    history.refresh()
    compare(history.store, START - timedelta(days=1), START + timedelta(days=1))
    assert asyncio.run(history.rollups.refresh()) == 1
    history.wait(3)
    history.refresh()
    assert asyncio.run(history.rollups.refresh()) == 0


def test_nothing_ever_happened(history: History) -> None:
    history.refresh()
    history.rebuild()
    assert history.store.read_now(lambda c: tallies(c, START, START + timedelta(days=9))) == {}
    assert history.store.read_now(lambda c: people_together(c, START, START + timedelta(days=9))) == 0
