"""Candidate against production, and a guard that looks often without crying wolf."""

import random
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.pilots import Measure, Side, Verdict, compare, guard, higher, more_often


@given(
    bad=st.integers(0, 8), good=st.integers(0, 8), other_bad=st.integers(0, 8), other_good=st.integers(0, 8)
)
def test_fisher_is_what_counting_every_arrangement_gives(
    bad: int, good: int, other_bad: int, other_good: int
) -> None:
    total, other_total = bad + good, other_bad + other_good
    found = more_often(bad, total, other_bad, other_total)
    if not total or not other_total:
        assert found == 1.0
        return
    all_bad = bad + other_bad
    weights = {
        hits: comb(total, hits) * comb(other_total, all_bad - hits)
        for hits in range(max(0, all_bad - other_total), min(total, all_bad) + 1)
    }
    expected = sum(weight for hits, weight in weights.items() if hits >= bad) / sum(weights.values())
    assert found == pytest.approx(expected)


def test_fisher_known_value() -> None:
    # the lady tasting tea: all four right of eight cups
    assert more_often(4, 4, 0, 4) == pytest.approx(1 / 70)


def test_rank_sum_agrees_with_counting_every_arrangement() -> None:
    low, high = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [4.5, 5.5, 6.5, 7.0, 8.0, 9.0]
    pooled = sorted(low + high)
    wanted = sum(pooled.index(value) for value in high)
    ways = [
        sum(index for index, taken in enumerate(choice) if taken)
        for choice in product((0, 1), repeat=12)
        if sum(choice) == 6
    ]
    exact = sum(way >= wanted for way in ways) / len(ways)
    assert higher(high, low) == pytest.approx(exact, abs=0.005)
    assert higher([1.0] * 6, [1.0] * 6) == 1.0


def test_what_differs_is_told_from_what_may_be_chance() -> None:
    old = Side(
        60, 1, up=40, down=5, scores=[0.9] * 20, costs=[0.01] * 20, seconds=[2.0 + n / 9 for n in range(20)]
    )
    new = Side(
        30, 1, up=6, down=14, scores=[0.9] * 20, costs=[0.02] * 20, seconds=[2.0 + n / 9 for n in range(20)]
    )
    found = {finding.measure: finding for finding in compare(old, new).findings}
    assert found[Measure.VOTES].verdict is Verdict.WORSE and found[Measure.VOTES].candidate == 0.3
    assert found[Measure.FAILURES].verdict is Verdict.ALIKE
    assert found[Measure.SCORES].verdict is Verdict.ALIKE
    assert found[Measure.COST].verdict is Verdict.WORSE
    assert found[Measure.SECONDS].verdict is Verdict.ALIKE
    assert compare(old, new).is_worse
    better = {finding.measure: finding for finding in compare(new, old).findings}
    assert better[Measure.VOTES].verdict is Verdict.BETTER and not compare(new, old).is_worse


def test_too_few_is_said_and_nothing_is_made_of_it() -> None:
    found = compare(Side(100, 0, up=50), Side(2, 2, down=2)).findings
    assert {finding.verdict for finding in found} == {Verdict.TOO_FEW}
    assert not guard(Side(100, 0, up=50), Side(2, 2, down=2), {}).pause


def test_the_guard_pauses_what_is_plainly_worse() -> None:
    decision = guard(Side(40, 0, up=30, down=3), Side(9, 0, up=1, down=7), {})
    assert decision.pause is Measure.VOTES and decision.chance < 0.0125
    failing = guard(Side(40, 0), Side(16, 8), {})
    assert failing.pause is Measure.FAILURES


def test_the_guard_looks_once_at_each_size() -> None:
    old, bad = Side(40, 0, up=30, down=3), Side(9, 0, up=1, down=7)
    assert guard(old, bad, {"votes": 1}).pause is None
    assert guard(old, Side(17, 0, up=2, down=14), {"votes": 1}).pause is Measure.VOTES


def test_a_candidate_that_is_as_good_is_seldom_paused_however_often_one_looks() -> None:
    draw = random.Random(7)
    paused = 0
    for _ in range(300):
        up, down, looks = [0, 0], [0, 0], {}
        for _ in range(160):
            side = draw.random() < 0.5
            if draw.random() < 0.7:
                up[side] += 1
            else:
                down[side] += 1
            decision = guard(
                Side(up[0] + down[0], 0, up[0], down[0]), Side(up[1] + down[1], 0, up[1], down[1]), looks
            )
            looks = decision.looks
            if decision.pause:
                paused += 1
                break
    assert paused / 300 <= 0.05
