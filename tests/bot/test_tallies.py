"""Sums that can be added: durations in buckets, the interval of a share, and tallies."""

import json
from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.tallies import SHORTEST, Durations, Spend, Tally, share_of, total

seconds = st.floats(0.002, 10**6)
many = st.lists(seconds, min_size=1, max_size=60)


def durations_of(values: list[float]) -> Durations:
    found = Durations()
    for value in values:
        found.add(value)
    return found


@given(many, st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_a_percentile_is_within_one_percent_of_the_exact_one(values: list[float], share: float) -> None:
    exact = sorted(values)[max(1, ceil(share * len(values))) - 1]
    assert durations_of(values).percentile(share) == pytest.approx(exact, rel=0.0051)


@given(many, many)
def test_both_together_are_as_one_count_of_all(one: list[float], other: list[float]) -> None:
    left, right = durations_of(one), durations_of(other)
    assert left.merge(right) == durations_of(one + other)
    assert (left, right) == (durations_of(one), durations_of(other))
    assert Durations.from_json(json.loads(json.dumps(left.to_json()))) == left
    assert left.total == len(one)


@pytest.mark.parametrize("value", [-3.0, 0.0, SHORTEST])
def test_nothing_and_less_takes_the_shortest_time(value: float) -> None:
    assert durations_of([value]).percentile(0.5) == pytest.approx(SHORTEST, rel=0.0051)


def test_no_durations_have_no_percentile() -> None:
    assert Durations().percentile(0.5) is None
    assert "{}" in repr(Durations())


def test_the_interval_of_a_share() -> None:
    """The figures of Wilson's own worked example and of a share of all."""
    found = share_of(15, 148)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    everything = share_of(10, 10)
    assert everything is not None
    assert everything.high == pytest.approx(1.0)
    assert everything.low == pytest.approx(0.7225, abs=5e-5)
    assert share_of(0, 0) is None


def test_satisfaction_is_the_share_of_thumbs_up() -> None:
    tally = Tally(runs=9, votes_up=3, votes_down=1)
    assert tally.satisfaction is not None
    assert tally.satisfaction.share == 0.75
    assert Tally(runs=9).satisfaction is None


def test_cost_per_run() -> None:
    assert Tally(runs=4, cost_usd=Decimal("0.10")).cost_per_run == Decimal("0.025")
    assert Tally().cost_per_run is None


def test_tallies_add_up() -> None:
    one = Tally(runs=2, answered=1, failed=1, cost_usd=Decimal("0.1"), durations=durations_of([2.0]))
    other = Tally(runs=1, abstained=1, cost_usd=Decimal("0.2"), durations=durations_of([2.0, 3.0]))
    assert total([one, other]) == Tally(
        runs=3,
        answered=1,
        abstained=1,
        failed=1,
        cost_usd=Decimal("0.3"),
        durations=durations_of([2.0, 2.0, 3.0]),
    )
    assert total([]) == Tally()
    assert Spend(1, 0, 1, cost_usd=Decimal(1)) + Spend(2, 1) == Spend(3, 1, 1, cost_usd=Decimal(1))
