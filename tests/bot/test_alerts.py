"""When an alert is raised, repeated and over: the rules alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.alerts import (
    CLEAR_AT,
    FORGOTTEN,
    AlertRule,
    InvalidThresholds,
    Move,
    Reading,
    Standing,
    Thresholds,
    is_over,
    judge,
    read_thresholds,
    run_readings,
)
from bot.quality.tallies import Durations, Tally

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LIMITS = Thresholds()


def tally(runs: int, **counts: int) -> Tally:
    """So many runs; what is not said was answered."""
    return Tally(runs=runs, answered=runs - sum(counts.values()), **counts)


def errors(percent: float, runs: int = 50, scope: str = "ask-policy") -> Reading:
    return Reading(AlertRule.ERRORS, scope, percent, runs)


def standing(rule: AlertRule = AlertRule.ERRORS, scope: str = "ask-policy", **changes: object) -> Standing:
    return replace(Standing("a_1", rule, scope, NOW, NOW, NOW), **changes)


def test_what_is_beyond_its_limit_is_raised_if_there_is_enough_of_it() -> None:
    assert judge(errors(20), None, LIMITS, NOW) is Move.NOTHING, "at the limit is not beyond it"
    assert judge(errors(20.1), None, LIMITS, NOW) is Move.RAISE
    assert judge(errors(100, runs=9), None, LIMITS, NOW) is Move.NOTHING
    assert judge(Reading(AlertRule.QUEUE, "", 121), None, LIMITS, NOW) is Move.RAISE, "one run may wait"
    assert judge(errors(100), None, read_thresholds("errors=0"), NOW) is Move.NOTHING


def test_people_are_reminded_every_few_hours_until_somebody_sees_to_it() -> None:
    later = NOW + timedelta(hours=4)
    assert judge(errors(50), standing(), LIMITS, later - timedelta(seconds=1)) is Move.KEEP
    assert judge(errors(50), standing(), LIMITS, later) is Move.REMIND
    assert judge(errors(50), standing(told_at=later), LIMITS, later + timedelta(hours=1)) is Move.KEEP
    assert judge(errors(50), standing(taken_by="U0DEV"), LIMITS, later) is Move.KEEP
    assert judge(errors(18), standing(), LIMITS, later) is Move.KEEP, "better, though not over: no reminder"


def test_it_is_over_when_it_is_well_below() -> None:
    assert judge(errors(16.1), standing(), LIMITS, NOW) is Move.KEEP
    assert judge(errors(16), standing(), LIMITS, NOW) is Move.CLEAR


def test_silence_is_no_all_clear() -> None:
    few = errors(0, runs=3)
    for reading in (few, None):
        assert judge(reading, standing(), LIMITS, NOW + timedelta(hours=5)) is Move.NOTHING
        assert judge(reading, standing(), LIMITS, NOW + FORGOTTEN) is Move.CLOSE
    assert judge(errors(50), standing(), read_thresholds("errors=0"), NOW) is Move.CLOSE, "watched no more"


@given(
    values=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 40), st.integers(1, 600)), max_size=60),
    taken_after=st.integers(0, 60),
)
def test_whatever_happens_people_are_told_in_order(
    values: list[tuple[float, int, int]], taken_after: int
) -> None:
    """Raised once, reminded seldom, over once; and never raised while it stands."""
    alert: Standing | None = None
    at = NOW
    for number, (percent, runs, minutes) in enumerate(values):
        at += timedelta(minutes=minutes)
        reading = errors(percent, runs)
        move = judge(reading, alert, LIMITS, at)
        if move is Move.RAISE:
            assert alert is None and is_over(reading, LIMITS) and runs >= LIMITS.runs
            alert = standing(raised_at=at, told_at=at, judged_at=at)
        elif move in (Move.CLEAR, Move.CLOSE):
            assert alert is not None
            assert (move is Move.CLEAR) == (runs >= LIMITS.runs and percent <= LIMITS.errors * CLEAR_AT)
            alert = None
        elif move is Move.REMIND:
            assert alert is not None and at - alert.told_at >= timedelta(hours=LIMITS.remind)
            assert not alert.taken_by
            alert = replace(alert, told_at=at, judged_at=at)
        elif move is Move.KEEP:
            assert alert is not None
            alert = replace(alert, judged_at=at)
        if alert is not None and number == taken_after:
            alert = replace(alert, taken_by="U0DEV")


def scopes(readings: tuple[Reading, ...], rule: AlertRule) -> set[str]:
    return {each.scope for each in readings if each.rule is rule}


def test_one_workflow_that_fails_is_named() -> None:
    found = run_readings({"a": tally(20, failed=10), "b": tally(20)}, LIMITS, ())
    assert scopes(found, AlertRule.ERRORS) == {"a", "b"}
    (reading,) = (each for each in found if is_over(each, LIMITS))
    assert (reading.scope, reading.value, reading.facts) == ("a", 50, {"failed": 10, "runs": 20})


def test_what_fails_everywhere_is_one_alert() -> None:
    """A provider that is down is not ten alerts; each workflow alone may have too few runs."""
    many = {f"w{n}": tally(4, failed=3) for n in range(5)}
    found = run_readings(many, LIMITS, ())
    assert scopes(found, AlertRule.ERRORS) == {""}
    (whole,) = (each for each in found if each.rule is AlertRule.ERRORS)
    assert whole.value == 75 and whole.facts["worst"][0] == ["w0", 3, 4] and len(whole.facts["worst"]) == 3
    assert judge(whole, None, LIMITS, NOW) is Move.RAISE


def test_what_stands_already_is_judged_on() -> None:
    """The general alert is not replaced by one of a workflow while it stands, and the other way round."""
    one = {"a": tally(20, failed=10), "b": tally(20)}
    general = standing(scope="")
    assert scopes(run_readings(one, LIMITS, [general]), AlertRule.ERRORS) == {""}
    several = {"a": tally(20, failed=10), "b": tally(20, failed=10)}
    assert scopes(run_readings(several, LIMITS, [standing(scope="a")]), AlertRule.ERRORS) == {"", "a"}


def test_stopped_runs_count_for_nothing() -> None:
    (reading,) = (
        each
        for each in run_readings({"a": tally(20, failed=4, cancelled=12)}, LIMITS, ())
        if each.rule is AlertRule.ERRORS
    )
    assert (reading.value, reading.runs) == (50, 8)


def test_latency_and_abstentions_are_of_each_workflow() -> None:
    slow = Durations()
    slow.add(10, 18)
    slow.add(300, 2)
    tallies = {"a": replace(tally(20, abstained=13, escalated=2), durations=slow), "none": Tally()}
    found = {(each.rule, each.scope): each for each in run_readings(tallies, LIMITS, ())}
    latency = found[AlertRule.LATENCY, "a"]
    assert latency.value == pytest.approx(300, rel=0.01) and latency.runs == 20
    assert found[AlertRule.ABSTAINED, "a"].value == 75
    assert (AlertRule.LATENCY, "none") not in found and found[AlertRule.ABSTAINED, "none"].value == 0


def test_limits_are_read_with_the_usual_for_the_rest() -> None:
    assert read_thresholds("") == Thresholds()
    found = read_thresholds(" errors=5 , cost=0,latency=2.5,")
    assert (found.errors, found.cost, found.latency, found.queue) == (5, 0, 2.5, Thresholds().queue)


@pytest.mark.parametrize(
    "typed",
    [
        *("error=5", "errors", "errors=", "errors=-1", "errors=1e3", "errors=٣", "errors=nan", "errors=."),
        *("runs=0", "minutes=0", "remind=0", "cost=9999999999", "=5", "errors=5=5"),
    ],
)
def test_what_sets_no_limit_is_refused(typed: str) -> None:
    with pytest.raises(InvalidThresholds) as refused:
        read_thresholds(f"cost=1,{typed}")
    assert refused.value.facts["value"] == typed and "errors" in refused.value.facts["known"]


@given(st.text(max_size=30))
def test_any_text_is_limits_or_refused(typed: str) -> None:
    try:
        found = read_thresholds(typed)
    except InvalidThresholds:
        return
    assert found.runs >= 1 and found.minutes >= 1 and found.errors >= 0
