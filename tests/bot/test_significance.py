"""The statistics against brute force, and the sentences people read."""

import itertools
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.significance import (
    MeanChange,
    cases_sentence,
    mcnemar,
    mean_change,
    mean_sentence,
)


@given(st.integers(0, 12), st.integers(0, 12))
def test_mcnemar_is_what_counting_every_outcome_gives(worse: int, better: int) -> None:
    tosses = worse + better
    if tosses > 14:
        tosses, worse, better = 14, min(worse, 7), 14 - min(worse, 7)
    uneven = abs(worse - better)
    outcomes = [sum(each) for each in itertools.product((0, 1), repeat=tosses)]
    as_uneven = sum(abs(heads - (tosses - heads)) >= uneven for heads in outcomes)
    assert mcnemar(worse, better) == pytest.approx(as_uneven / len(outcomes))


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_a_probability_and_blind_to_the_direction(worse: int, better: int) -> None:
    assert 0 < mcnemar(worse, better) <= 1
    assert mcnemar(worse, better) == mcnemar(better, worse)


@given(st.integers(1, 60))
def test_the_more_uneven_the_less_likely(discordant: int) -> None:
    chances = [mcnemar(worse, discordant - worse) for worse in range(discordant // 2 + 1)]
    assert chances == sorted(chances)


values = st.floats(0, 1, allow_nan=False)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=4))
def test_the_bootstrap_stays_near_every_possible_resampling(pairs: list[tuple[float, float]]) -> None:
    old, new = zip(*pairs, strict=True)
    found = mean_change(old, new, rounds=400)
    differences = [after - before for before, after in pairs]
    possible = sorted(fmean(each) for each in itertools.product(differences, repeat=len(differences)))
    slack = 1e-9
    assert possible[0] - slack <= found.low <= found.high <= possible[-1] + slack
    assert found.old == fmean(old) and found.new == fmean(new)
    assert found == mean_change(old, new, rounds=400), "the same seed, the same interval"


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = random.Random(7)
    covered = 0
    for _ in range(200):
        old = [draw.uniform(0.2, 0.6) for _ in range(40)]
        new = [each + draw.uniform(0, 0.2) for each in old]
        found = mean_change(old, new, seed=1, rounds=200)
        covered += found.low <= 0.1 <= found.high
    assert 170 <= covered <= 200


def test_a_clear_shift_is_called_one_and_noise_is_not() -> None:
    draw = random.Random(3)
    old = [draw.uniform(0.4, 0.6) for _ in range(30)]
    assert mean_change(old, [each + 0.2 for each in old]).is_clear
    to_and_fro = [each + (0.1 if place % 2 else -0.1) for place, each in enumerate(old)]
    assert not mean_change(old, to_and_fro).is_clear


def test_nothing_to_compare_is_an_error_not_a_number() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        mean_change([], [])
    with pytest.raises(ValueError, match="shorter"):
        mean_change([1.0], [])


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((2, 1, 40), "2 of 40 cases got worse and 1 better; that can well be chance (p = 1)."),
        ((8, 0, 40), "8 of 40 cases got worse and none better; that is more than chance (p = 0.0078)."),
        ((0, 3, 40), "None of 40 cases got worse and 3 better; that can well be chance (p = 0.25)."),
        ((0, 0, 40), "All 40 cases came out as before."),
        ((0, 0, 1), "1 of 1 case came out as before."),
        ((0, 0, 0), "No case could be compared."),
    ],
)
def test_the_sentence(counts: tuple[int, int, int], sentence: str) -> None:
    assert cases_sentence(*counts) == sentence


def test_the_sentence_of_means() -> None:
    said = mean_sentence(MeanChange(0.8, 0.6, -0.25, -0.15))
    assert said == "The mean score fell: 0.80 before, 0.60 now (difference -0.25 to -0.15)."
    assert "hardly moved" in mean_sentence(MeanChange(0.8, 0.81, -0.02, 0.04))
