"""What a change in cost is put down to."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.digest import Measures, WeekLine
from bot.quality.digest_cost import CostReason, Spending, why_cost
from bot.quality.digest_words import cost, in_short, more_or_less
from bot.quality.tallies import Spend
from bot.quality.token_rates import Rates, fitted, week_rates

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


def calls(day: int, rates: tuple[float, float, float], grew: float = 1.0) -> list[Spend]:
    """The hours of a day, each with its own share of texts read, read again and written."""
    made = []
    for hour in range(6):
        read, cached, written = 1000 + 130 * hour, 100 * (hour % 3), int((150 + 60 * (hour * day % 5)) * grew)
        dollars = rates[0] * (read - cached) + rates[1] * cached + rates[2] * written
        made.append(
            Spend(
                1,
                input_tokens=read,
                cached_tokens=cached,
                output_tokens=written,
                cost_usd=Decimal(str(round(dollars, 10))),
            )
        )
    return made


CHEAP = (2e-6, 1e-6, 30e-6)
"""A written token costs fifteen times one that is read."""
DEAR = tuple(each * 1.25 for each in CHEAP)


def a_week(days: list[list[Spend]]) -> tuple[Spending, dict[str, Rates]]:
    return {("answer", "m"): sum((each for day in days for each in day), Spend())}, week_rates(
        [{"m": day} for day in days]
    )


def test_the_price_of_a_token_is_read_from_what_calls_cost() -> None:
    (found,) = week_rates([{"m": calls(1, CHEAP)}, {"m": calls(2, CHEAP)}]).values()
    assert (found.read, found.cached, found.written) == pytest.approx(CHEAP)
    (found,) = week_rates([{"m": calls(1, CHEAP)}, {"m": calls(2, DEAR)}]).values()
    assert CHEAP[2] < found.written < DEAR[2], "it changed within the week"
    assert week_rates([{"m": calls(1, CHEAP)[:1] * 4}]) == {}, "one mixture of tokens tells nothing"
    assert fitted([Spend(3, unpriced=3, input_tokens=10)]) is None


@pytest.mark.parametrize(
    ("rates", "grew", "expected"),
    [
        (CHEAP, 1.4, CostReason.ANSWERS),
        (DEAR, 1.0, CostReason.PRICE),
        (DEAR, 1.1, CostReason.PRICE),
        (tuple(each * 1.1 for each in CHEAP), 1.5, CostReason.ANSWERS),
        ((2e-6, 1e-6, 60e-6), 0.8, CostReason.PRICE),
        ((2e-6, 1e-6, 20e-6), 2.0, CostReason.ANSWERS),
    ],
)
def test_a_price_and_longer_answers_are_told_apart(
    rates: tuple[float, float, float], grew: float, expected: CostReason
) -> None:
    now, rates_now = a_week([calls(day, rates, grew) for day in range(1, 8)])
    before, rates_before = a_week([calls(day, CHEAP) for day in range(1, 8)])
    assert why_cost(now, before, 42, 42, (rates_now, rates_before)) is expected


positive = st.floats(1e-7, 1e-4)


@given(st.tuples(positive, positive, positive), st.integers(1, 7))
def test_rates_that_are_found_add_up_to_what_was_paid(rates: tuple[float, float, float], days: int) -> None:
    week, found = a_week([calls(day, rates) for day in range(1, days + 1)])
    paid = float(week["answer", "m"].cost_usd)
    assert all(each.cost(week["answer", "m"]) == pytest.approx(paid, rel=0.01) for each in found.values())


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
