"""Fitting support to known questions: it moves as far as they say, and never lets strangers in."""

import math
import random
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.calibrating import FEWEST, LEAST_SLOPE, SURE, TooFewQuestions, fit, try_out
from knowledge.reading import Reading
from knowledge.support import AS_SHIPPED, Calibration, Evidence, support

shares = st.floats(0, 1)
evidences = st.builds(
    Evidence,
    shares,
    shares,
    shares,
    st.sampled_from([0.0, 1.0]),
    st.integers(0, 3).map(float),
    st.builds(Reading, st.floats(-4, 4), shares),
)
OFF_TOPIC = Evidence(0.2, 0.1, 0.2, 0.0, 0.0)


def seen(similarity: float, reading: float, prose: float = 0.3) -> Evidence:
    """What is lists for the most part counts little when read; as shipped, support leans on the topic."""
    return Evidence(similarity, similarity, similarity, 0.0, 0.0, Reading(reading, prose))


def near_misses(count: int, seed: int = 1) -> tuple[list[Evidence], list[bool]]:
    """All are on the topic alike; only the reading tells them apart, and not always."""
    draw = random.Random(seed)
    answered = [number % 2 == 0 for number in range(count)]
    return [seen(draw.uniform(0.6, 0.8), draw.gauss(0.7 if yes else -0.7, 0.8)) for yes in answered], answered


def test_where_the_reading_tells_them_apart_it_counts_for_more() -> None:
    trial = try_out(*near_misses(120))
    before, after = trial.surprise
    assert trial.helps and after < 0.6 < 0.69 < before
    assert trial.calibration.reading / trial.calibration.slope > AS_SHIPPED.reading
    wrong_before, wrong_after = trial.let_through(0.5, answered=False)
    assert wrong_after < wrong_before / 2
    assert support(OFF_TOPIC, trial.calibration) < 0.05, "of what was in no question"


def test_what_is_foretold_already_is_left_alone() -> None:
    draw = random.Random(2)
    evidence = [seen(draw.uniform(0.3, 0.8), draw.gauss(0, 0.5)) for _ in range(200)]
    answered = [draw.random() < support(each) for each in evidence]
    assert not try_out(evidence, answered).helps


def test_few_questions_move_it_little() -> None:
    evidence, answered = near_misses(400)
    away = [AS_SHIPPED.slope - fit(evidence[:count], answered[:count]).slope for count in (4, 400)]
    assert 0 <= away[0] < away[1] - 0.2


def test_no_other_calibration_within_bounds_is_likelier() -> None:
    evidence, answered = near_misses(60, seed=3)
    found, draw = fit(evidence, answered), random.Random(4)

    def cost(calibration: Calibration) -> float:
        chances = [support(each, calibration) for each in evidence]
        missed = [
            -math.log(chance if yes else 1 - chance) for chance, yes in zip(chances, answered, strict=True)
        ]
        away = zip(SURE, astuple(calibration), astuple(AS_SHIPPED), strict=True)
        return sum(missed) + sum(sure * (one - other) ** 2 for sure, one, other in away) / 2

    for size in (1.0, 0.1, 0.01):
        for _ in range(100):
            moved = [value + draw.gauss(0, size) for value in astuple(found)]
            other = Calibration(max(moved[0], LEAST_SLOPE), moved[1], max(moved[2], 0.0))
            assert cost(found) <= cost(other) + 1e-6


@given(st.lists(st.tuples(evidences, st.booleans()), min_size=1, max_size=40))
def test_a_fit_is_bounded_whatever_it_is_given(rows: list[tuple[Evidence, bool]]) -> None:
    """Also where all are of a kind, or are told apart without a mistake."""
    found = fit([evidence for evidence, _ in rows], [answered for _, answered in rows])
    assert LEAST_SLOPE <= found.slope < 50 and 0 <= found.reading < 50 and abs(found.offset) < 50
    assert all(0 < support(evidence, found) < 1 for evidence, _ in rows)


@pytest.mark.parametrize(("answered", "unanswered"), [(FEWEST - 1, 99), (99, FEWEST - 1), (0, 0)])
def test_too_few_of_a_kind_are_refused(answered: int, unanswered: int) -> None:
    kinds = [True] * answered + [False] * unanswered
    with pytest.raises(TooFewQuestions) as refused:
        try_out([OFF_TOPIC] * len(kinds), kinds)
    assert refused.value.facts == {
        "answered": str(answered),
        "unanswered": str(unanswered),
        "fewest": str(FEWEST),
    }
