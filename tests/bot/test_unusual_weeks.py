"""Which weeks are unusual, since when, and what a month will cost: on numbers made up for it."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.quality.anomalies import anomalies, likely, moved_at
from bot.quality.forecast import forecast
from bot.quality.tallies import Durations, Tally
from bot.quality.week_insights import Cause, CauseKind, Measure

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DAY = timedelta(days=1)


def week(runs: int = 100, cents: float = 2.0, seconds: float = 4.0, up: int = 18, down: int = 2) -> Tally:
    durations = Durations()
    for number in range(runs):
        durations.add(seconds * (0.5 + number / max(1, runs)))
    cost = Decimal(str(round(cents * runs / 100, 6)))
    return Tally(runs=runs, answered=runs, votes_up=up, votes_down=down, cost_usd=cost, durations=durations)


USUAL = [week(100), week(96), week(108, 2.1), week(101, 1.95), week(93, 2.05, 4.2)]


@pytest.mark.parametrize(
    ("now", "measure", "is_more"),
    [
        (week(cents=3.2), Measure.COST, True),
        (week(cents=1.0), Measure.COST, False),
        (week(seconds=11), Measure.LATENCY, True),
        (week(runs=320), Measure.VOLUME, True),
        (week(runs=5), Measure.VOLUME, False),
        (week(up=9, down=11), Measure.VOTES, True),
    ],
)
def test_what_is_far_from_the_weeks_before_is_found(now: Tally, measure: Measure, is_more: bool) -> None:
    found = anomalies("ask-policy", now, USUAL)
    assert [each.measure for each in found] == [measure]
    assert (found[0].z > 0) is is_more
    assert (found[0].weeks, found[0].workflow) == (5, "ask-policy")


@pytest.mark.parametrize(
    "now",
    [
        week(),
        week(runs=112, cents=2.2, seconds=4.4),
        week(runs=19, cents=9, seconds=60, up=1, down=8),
        week(up=0, down=5),
        Tally(),
    ],
    ids=["as usual", "a little more", "too few runs", "too few votes", "nothing"],
)
def test_what_is_near_or_rests_on_little_is_not(now: Tally) -> None:
    assert [each for each in anomalies("ask-policy", now, USUAL) if each.measure is not Measure.VOLUME] == []


def test_a_silent_week_is_one() -> None:
    """Nobody came: the runs say so, and nothing else can be said."""
    assert [each.measure for each in anomalies("ask-policy", Tally(), USUAL)] == [Measure.VOLUME]


def test_nothing_is_unusual_before_four_weeks() -> None:
    assert anomalies("ask-policy", week(cents=20), USUAL[:3]) == ()
    assert anomalies("ask-policy", week(cents=20), [*USUAL[:3], Tally(), week(runs=3)]) == ()


def test_usual_weeks_seldom_raise_an_alarm() -> None:
    chance = random.Random(11)

    def some() -> Tally:
        runs = max(0, round(chance.gauss(120, 14)))
        down = sum(chance.random() < 0.15 for _ in range(25))
        return week(runs, chance.gauss(2, 0.15), chance.gauss(4, 0.4), 25 - down, down)

    raised = sum(bool(anomalies("w", some(), [some() for _ in range(8)])) for _ in range(200))
    assert raised <= 4


def days_of(values: Sequence[float]) -> list[tuple[datetime, Tally]]:
    return [(MONDAY + number * DAY, week(40, cents)) for number, cents in enumerate(values)]


@given(st.integers(1, 13), st.floats(1.3, 5), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_day_it_moved_is_found(moved: int, factor: float, chance: random.Random) -> None:
    values = [2 * chance.uniform(0.97, 1.03) * (factor if number >= moved else 1) for number in range(14)]
    assert moved_at(Measure.COST, days_of(values)) == MONDAY + moved * DAY


def test_what_rose_and_fell_again_moved_when_it_rose() -> None:
    """A bad release that was taken back after three days: not the taking back is looked for."""
    days = days_of([2.0] * 7 + [5.0] * 3 + [2.0] * 4)
    assert moved_at(Measure.COST, days) == days[7][0]
    assert moved_at(Measure.COST, days, is_more=False) == days[10][0]


def test_days_without_a_run_say_nothing() -> None:
    days = [(MONDAY + number * DAY, Tally()) for number in range(14)]
    assert moved_at(Measure.COST, days) == days[-1][0]


def test_the_likeliest_causes_lie_just_before() -> None:
    def cause(what: str, hours: float) -> Cause:
        return Cause(CauseKind.RELEASE, what, MONDAY + timedelta(hours=hours), "U0CHLOE")

    causes = [cause("later", 30), cause("same day", 9), cause("before", -5), cause("long before", -80)]
    assert [each.what for each in likely(causes, MONDAY)] == ["before", "same day"]


NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


def spent(days: int, dollars: float = 3.0, weekend: float = 0.0) -> dict[date, Decimal]:
    found = {}
    for back in range(1, days + 1):
        day = NOW.date() - timedelta(days=back)
        found[day] = Decimal(str(weekend if day.weekday() >= 5 else dollars))
    return found


def test_a_month_of_equal_weeks_is_told_to_the_cent() -> None:
    """Weekdays of three dollars: ten until the 16th; eleven more of them, less nine hours of today."""
    made = forecast("ask-policy", spent(56), NOW, Decimal(50))
    assert made is not None
    assert (made.spent, made.month, made.limit) == (
        Decimal(30),
        datetime(2026, 11, 1, tzinfo=UTC),
        Decimal(50),
    )
    assert float(made.expected) == pytest.approx(30 + 10 * 3 + 3 * 15 / 24)
    assert made.low == made.expected == made.high


def test_what_is_spent_today_counts_and_is_not_expected_again() -> None:
    known = spent(56, 3, 3)
    made = forecast("w", {**known, NOW.date(): Decimal("1.125")}, NOW)
    assert made is not None
    assert made.spent == Decimal("46.125")
    assert float(made.expected) == pytest.approx(90)


def test_a_week_must_have_been_seen() -> None:
    assert forecast("w", spent(6), NOW) is None
    assert forecast("w", {}, NOW) is None
    assert forecast("w", spent(7), NOW) is not None


def test_eight_of_ten_months_end_within() -> None:
    """Days vary, and weeks vary together; a hundred and twenty months leave something to chance."""
    chance, inside = random.Random(5), 0
    for _ in range(120):
        level = {number: chance.lognormvariate(0, 0.15) for number in range(-9, 4)}
        cost = {
            NOW.date() + timedelta(days=offset): 3
            * level[(offset + 70) // 7 - 10]
            * chance.lognormvariate(0, 0.4)
            for offset in range(-56, 15)
        }
        known = {day: Decimal(str(round(value, 6))) for day, value in cost.items() if day < NOW.date()}
        made = forecast("w", known, NOW)
        assert made is not None
        rest = sum(value for day, value in cost.items() if day > NOW.date())
        truth = float(made.spent) + rest + cost[NOW.date()] * 15 / 24
        inside += float(made.low) <= truth <= float(made.high)
    assert 0.68 <= inside / 120 <= 0.95


@given(st.dictionaries(st.integers(1, 70), st.integers(0, 10**9), max_size=70), st.integers(0, 24 * 60 * 40))
@settings(max_examples=100, deadline=None)
def test_any_history_gives_a_sensible_month(history: dict[int, int], minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    known = {now.date() - timedelta(days=back): Decimal(units) / 1000 for back, units in history.items()}
    made = forecast("w", known, now)
    if made is not None:
        assert Decimal(0) <= made.spent <= made.low <= made.expected <= made.high
