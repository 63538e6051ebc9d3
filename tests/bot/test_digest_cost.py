"""What a change in cost is put down to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.digest import Measures, WeekLine
from bot.quality.digest_cost import CostReason, Spending, why_cost
from bot.quality.digest_words import cost, in_short, more_or_less
from bot.quality.tallies import Spend

READ, WRITTEN = Decimal("0.000002"), Decimal("0.00001")


def spent(
    calls: int, read: int, written: int, price: int = 1, model: str = "m", purpose: str = "answer"
) -> Spending:
    """So many calls, each reading and writing so many tokens."""
    dollars = price * calls * (READ * read + WRITTEN * written)
    return {
        (purpose, model): Spend(
            calls, input_tokens=calls * read, output_tokens=calls * written, cost_usd=dollars
        )
    }


BEFORE = spent(100, 1000, 200)
REASONS = [
    (spent(150, 1000, 200), 150, CostReason.RUNS),
    (spent(60, 1000, 200), 60, CostReason.RUNS),
    (spent(200, 1000, 200), 100, CostReason.CALLS),
    (spent(100, 1000, 500), 100, CostReason.ANSWERS),
    (spent(100, 1000, 60), 100, CostReason.ANSWERS),
    (spent(100, 4000, 200), 100, CostReason.PROMPTS),
    (spent(100, 1000, 200, price=2), 100, CostReason.PRICE),
    (spent(100, 1000, 200, price=3, model="dear"), 100, CostReason.MIX),
    ({**BEFORE, **spent(50, 1000, 200, purpose="evaluation")}, 100, CostReason.TESTS),
    (spent(112, 1000, 400), 112, CostReason.ANSWERS),
    (spent(101, 1000, 200), 101, None),
    ({}, 0, None),
]


@pytest.mark.parametrize(("now", "runs", "expected"), REASONS)
def test_the_one_thing_that_explains_most(now: Spending, runs: int, expected: CostReason | None) -> None:
    assert why_cost(now, BEFORE, runs, 100) is expected


weeks = st.tuples(st.integers(1, 500), st.integers(0, 5000), st.integers(0, 5000))


@given(weeks, weeks, st.integers(1, 500), st.integers(1, 500))
def test_a_reason_is_only_given_for_a_change_that_is_worth_it(
    calls: tuple[int, int, int], earlier: tuple[int, int, int], runs: int, runs_before: int
) -> None:
    now, before = spent(*calls), spent(*earlier)
    reason = why_cost(now, before, runs, runs_before)
    old, new = before["answer", "m"].cost_usd, now["answer", "m"].cost_usd
    assert reason is None or (old > 0 and abs(new / old - 1) >= Decimal("0.05"))
    assert reason not in (CostReason.MIX, CostReason.TESTS), "one model, and answers only"


def test_it_is_said_in_words() -> None:
    now = Measures(runs=112, answers_usd=Decimal("0.672"), cost_usd=Decimal("0.672"))
    before = Measures(runs=100, answers_usd=Decimal("0.6"), cost_usd=Decimal("0.6"))
    said = cost(WeekLine("", "", now, before, CostReason.ANSWERS))
    assert said == "$0.67, 12 % dearer than the week before because answers grew; $0.0060 a run"
    unpriced = Measures(runs=1, cost_usd=Decimal(0), unpriced=2)
    assert "2 calls to a model without a known price are not in it" in cost(WeekLine("", "", unpriced))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_comparisons_never_say_nothing_or_a_bare_number(now: int, before: int) -> None:
    said = more_or_less(now, before)
    assert "the week before" in said
    assert ("more" in said) <= (now > before) and ("less" in said) <= (now < before)
    assert bool(in_short(now, before)) <= (before > 0)
