"""A known week of a made-up history, number by number beside plain SQL that knows of no sums by the hour."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.adapters.store.audit_log import read_events, verify
from bot.adapters.store.database import Store
from bot.adapters.store.rollups_log import (
    document_uses,
    people,
    people_together,
    read_mark,
    spend_by_hour,
    tallies,
)
from bot.quality.tallies import Spend
from bot.services.access import Access
from bot.services.catalogue import Catalogue
from bot.services.rollups import Rollups
from bot.services.seed_calendar import SeedCalendar
from bot.services.seed_topics import HANDBOOK
from bot.services.seeding import HasRuns, Seeding, SeedPlan
from tests.databases import with_tables
from tests.fakes import FakeClock

NOW = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
WEEK = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)
PLAN = SeedPlan(1800, seed=7, weeks=4, workflows=("ask-policy", "triage-request", "desk-02"))
LIBRARY = Path(__file__).parents[2] / "knowledge" / "library" / "people"


async def seed(store: Store, plan: SeedPlan = PLAN) -> SeedCalendar:
    clock = FakeClock(NOW)
    catalogue = Catalogue(store, Access(store, clock, []), clock)
    return await Seeding(store, catalogue, Rollups(store, clock), clock).write(plan)


def ask(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a statement about `:since` to `:until`, in the words of either engine."""
    is_sqlite = store.is_sqlite
    since, until = (moment.replace(tzinfo=None if is_sqlite else UTC) for moment in WEEK)
    values = {
        "since": since.isoformat(" ") if is_sqlite else since,
        "until": until.isoformat(" ") if is_sqlite else until,
    }
    took = (
        "(julianday(r.finished_at) - julianday(r.created_at)) * 86400.0"
        if is_sqlite
        else "extract(epoch from r.finished_at - r.created_at)"
    )
    with store.engine.connect() as connection:
        rows = connection.execute(text(sql.replace("{took}", took)), values)
        return [tuple(row) for row in rows]


def runs_by_how_they_ended(seeded: Store) -> None:
    found = seeded.read_now(lambda c: tallies(c, *WEEK))
    by_hand = ask(
        seeded,
        """
        SELECT workflow, count(*),
          sum(CASE WHEN ending = 'answered' THEN 1 ELSE 0 END),
          sum(CASE WHEN ending = 'abstained' THEN 1 ELSE 0 END),
          sum(CASE WHEN ending = 'escalated' THEN 1 ELSE 0 END),
          sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END),
          sum(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END)
        FROM runs WHERE created_at >= :since AND created_at < :until GROUP BY workflow
        """,
    )
    assert {
        (name, one.runs, one.answered, one.abstained, one.escalated, one.failed, one.cancelled)
        for name, one in found.items()
    } == set(by_hand)
    assert len(by_hand) == 3


def votes(seeded: Store) -> None:
    found = seeded.read_now(lambda c: tallies(c, *WEEK))
    by_hand = ask(
        seeded,
        """
        SELECT r.workflow,
          sum(CASE WHEN s.name = 'vote' AND s.value > 0 THEN 1 ELSE 0 END),
          sum(CASE WHEN s.name = 'vote' AND s.value < 0 THEN 1 ELSE 0 END),
          sum(CASE WHEN s.name = 'correction' AND s.reason <> '' THEN 1 ELSE 0 END)
        FROM runs r JOIN scores s ON s.run_id = r.id
        WHERE r.created_at >= :since AND r.created_at < :until GROUP BY r.workflow
        """,
    )
    voted = {(name, one.votes_up, one.votes_down, one.corrected) for name, one in found.items()}
    assert voted == set(by_hand)
    up, down, corrected = map(sum, zip(*(row[1:] for row in by_hand), strict=True))
    assert min(up, down, corrected) > 0
    assert sum(one.corrected for one in found.values()) == corrected


def money_and_tokens_of_the_runs(seeded: Store) -> None:
    found = seeded.read_now(lambda c: tallies(c, *WEEK))
    by_hand: dict[str, list[Any]] = {}
    for name, cost, given, written in ask(
        seeded,
        """
        SELECT r.workflow, l.cost_usd, l.input_tokens, l.output_tokens
        FROM runs r JOIN ledger l ON l.run_id = r.id WHERE r.created_at >= :since AND r.created_at < :until
        """,
    ):
        sums = by_hand.setdefault(name, [Decimal(0), 0, 0])
        for place, amount in enumerate((Decimal(cost), given, written)):
            sums[place] += amount
    assert {
        name: [one.cost_usd, one.input_tokens, one.output_tokens] for name, one in found.items()
    } == by_hand
    assert all(sums[0] > 0 for sums in by_hand.values())


def money_of_the_week_by_model_and_purpose(seeded: Store) -> None:
    sums: dict[tuple[str, str, str], Spend] = {}
    for (name, _, purpose, model), spend in seeded.read_now(lambda c: spend_by_hour(c, *WEEK)).items():
        sums[name, purpose, model] = sums.get((name, purpose, model), Spend()) + spend
    by_hand: dict[tuple[str, str, str], Spend] = {}
    for name, purpose, model, outcome, cost, given, written in ask(
        seeded,
        """
        SELECT workflow, purpose, model, outcome, cost_usd, input_tokens, output_tokens
        FROM ledger WHERE started_at >= :since AND started_at < :until
        """,
    ):
        one = Spend(1, int(outcome != "ok"), 0, given, 0, written, Decimal(cost))
        by_hand[name, purpose, model] = by_hand.get((name, purpose, model), Spend()) + one
    assert sums == by_hand != {}


def how_long_it_took(seeded: Store) -> None:
    found = seeded.read_now(lambda c: tallies(c, *WEEK))
    rows = ask(
        seeded,
        """
        SELECT r.workflow, {took} FROM runs r
        WHERE r.created_at >= :since AND r.created_at < :until AND r.status = 'succeeded' ORDER BY 2
        """,
    )
    for name, one in found.items():
        seconds = [float(row[1]) for row in rows if row[0] == name]
        assert one.durations.total == len(seconds) > 20
        for share in (0.5, 0.95):
            exact = seconds[ceil(share * len(seconds)) - 1]
            assert one.durations.percentile(share) == pytest.approx(exact, rel=0.006)


def everybody(seeded: Store) -> None:
    by_hand = ask(
        seeded,
        """
        SELECT workflow, count(DISTINCT actor_id) FROM runs
        WHERE created_at >= :since AND created_at < :until GROUP BY workflow
        """,
    )
    together = ask(
        seeded,
        "SELECT count(DISTINCT actor_id) FROM runs WHERE created_at >= :since AND created_at < :until",
    )
    assert seeded.read_now(lambda c: people(c, *WEEK)) == dict(by_hand)
    assert seeded.read_now(lambda c: people_together(c, *WEEK)) == together[0][0] > 5


def documents(seeded: Store) -> None:
    """The text of an answer holds the ids of its documents, each once."""
    found = seeded.read_now(lambda c: document_uses(c, *WEEK))
    for (name, document), uses in found.items():
        by_hand = ask(
            seeded,
            f"""
            SELECT count(*), coalesce(sum(CASE WHEN EXISTS (
                SELECT 1 FROM scores s WHERE s.run_id = r.id AND s.name = 'vote' AND s.value < 0
              ) THEN 1 ELSE 0 END), 0)
            FROM runs r WHERE r.created_at >= :since AND r.created_at < :until
              AND r.workflow = '{name}' AND r.answer LIKE '%"document_id":"{document}"%'
            """,
        )
        assert by_hand == [uses]
    assert len(found) > 8


def what_happened_can_be_seen_in_the_numbers(seeded: Store) -> None:
    """A worse prompt is liked less, a model that is away fails, and a dearer one costs more."""
    calendar = SeedCalendar(NOW, PLAN.weeks)
    before, after = (
        seeded.read_now(lambda c, since=since: tallies(c, since, since + timedelta(weeks=1)))["ask-policy"]
        for since in (calendar.monday - timedelta(weeks=4), calendar.monday - timedelta(weeks=1))
    )
    assert before.satisfaction is not None
    assert after.satisfaction is not None
    assert after.satisfaction.share < before.satisfaction.share
    assert before.cost_per_run is not None
    assert after.cost_per_run is not None
    assert after.cost_per_run > before.cost_per_run * Decimal("1.2")
    away = seeded.read_now(lambda c: tallies(c, *calendar.outage))
    assert sum(one.failed for one in away.values()) > sum(one.answered for one in away.values())
    events = {event.action for event in seeded.read_now(lambda c: read_events(c))}
    assert {"history.seeded", "models.released"} <= events
    assert seeded.read_now(verify).bad_seq is None


def test_the_week_number_by_number(store: Store) -> None:
    asyncio.run(seed(store))
    mark = store.read_now(read_mark)
    assert mark is not None
    assert mark.horizon > WEEK[1]
    runs_by_how_they_ended(store)
    votes(store)
    money_and_tokens_of_the_runs(store)
    money_of_the_week_by_model_and_purpose(store)
    how_long_it_took(store)
    everybody(store)
    documents(store)
    what_happened_can_be_seen_in_the_numbers(store)


async def test_the_same_seed_makes_the_same_history(tmp_path: Path) -> None:
    kept = []
    for number, seed_number in enumerate((7, 7, 8)):
        store = Store(with_tables(tmp_path / f"{number}.db"))
        await seed(store, SeedPlan(150, seed=seed_number, weeks=2, workflows=("ask-policy",)))
        kept.append([ask(store, f"SELECT * FROM {name}") for name in ("runs", "scores", "ledger", "steps")])
        with pytest.raises(HasRuns):
            await seed(store)
        await seed(store, SeedPlan(50, weeks=2, workflows=("ask-policy",), adds=True))
        assert ask(store, "SELECT count(*) FROM runs") == [(200,)]
        store.close()
    assert kept[0] == kept[1]
    assert kept[0] != kept[2]


@pytest.mark.parametrize("topic", [topic for topic in HANDBOOK if topic.path], ids=lambda topic: topic.says)
def test_each_topic_stands_in_the_shipped_handbook(topic: Any) -> None:
    assert topic.says in (LIBRARY / topic.path).read_text(encoding="utf-8")
