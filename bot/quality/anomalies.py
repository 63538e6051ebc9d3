"""Which measures of a week are far from what they were in the weeks before, and since which day. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from statistics import fmean, median

from bot.quality.tallies import Tally
from bot.quality.week_insights import Anomaly, Cause, Measure

WEEKS = 8
"""Weeks before that a week is compared with."""

FEWEST_WEEKS = 4
FAR = 3.5
"""Robust standard deviations from which a measure is unusual: one normal week in some two thousand."""

FEWEST_RUNS = 20
"""Of a week whose cost, latency or number of runs is looked at."""

FEWEST_VOTES = 10

FEWEST_OF_DAY = 5
"""Runs or votes of a day that can show when a measure moved."""

MAD_TO_SD = 1.4826
"""Makes the median distance from the median of normal values their standard deviation."""

LAG = timedelta(days=3)
"""How long before a measure moved its cause may lie."""

MOST_CAUSES = 3


@dataclass(frozen=True, slots=True)
class _Rule:
    """How one measure is taken and when a difference in it matters to anybody."""

    of: Callable[[Tally], float | None]
    """The measure of a week or day; None where there is too little to say."""
    wobble: Callable[[float, Tally], float]
    """The least standard deviation that is believed, from the usual value and the week."""
    matters: Callable[[float, float], bool]
    """Whether value and usual value are so far apart that somebody should know."""
    fewest: int
    """Runs or votes of a week below which it is not compared."""


def _cost(tally: Tally) -> float | None:
    return float(tally.cost_usd) / tally.runs if tally.runs else None


def _latency(tally: Tally) -> float | None:
    return tally.durations.percentile(0.95)


def _volume(tally: Tally) -> float:
    return float(tally.runs)


def _votes(tally: Tally) -> float | None:
    votes = tally.votes_up + tally.votes_down
    return tally.votes_down / votes if votes else None


def _by_quarter(value: float, usual: float) -> bool:
    return max(value, usual) >= 1.25 * min(value, usual)


def _by_half(value: float, usual: float) -> bool:
    return max(value, usual) >= 1.5 * min(value, usual)


RULES: Mapping[Measure, _Rule] = {
    Measure.COST: _Rule(_cost, lambda usual, _: 0.08 * usual, _by_quarter, FEWEST_RUNS),
    Measure.LATENCY: _Rule(_latency, lambda usual, _: 0.15 * usual, _by_quarter, FEWEST_RUNS),
    Measure.VOLUME: _Rule(_volume, lambda usual, _: max(0.1 * usual, sqrt(usual)), _by_half, FEWEST_RUNS),
    Measure.VOTES: _Rule(
        _votes,
        lambda usual, week: 0.02 + sqrt(max(usual, 0.05) * (1 - usual) / _counted(Measure.VOTES, week)),
        lambda value, usual: abs(value - usual) >= 0.1,
        FEWEST_VOTES,
    ),
}


def anomalies(workflow: str, week: Tally, before: Sequence[Tally]) -> tuple[Anomaly, ...]:
    """What is unusual about a week beside the weeks before it, the farthest first."""
    found = [_look(measure, rule, workflow, week, before) for measure, rule in RULES.items()]
    return tuple(sorted((each for each in found if each), key=lambda each: -abs(each.z)))


def _counted(measure: Measure, tally: Tally) -> int:
    return tally.votes_up + tally.votes_down if measure is Measure.VOTES else tally.runs


def _look(
    measure: Measure, rule: _Rule, workflow: str, week: Tally, before: Sequence[Tally]
) -> Anomaly | None:
    value = rule.of(week)
    # a week in which nothing ran says nothing of what is usual
    known = [
        of
        for each in before
        if _counted(measure, each) >= (1 if measure is Measure.VOLUME else rule.fewest)
        and (of := rule.of(each)) is not None
    ]
    if value is None or len(known) < FEWEST_WEEKS:
        return None
    usual = median(known)
    enough = max(_counted(measure, week), usual if measure is Measure.VOLUME else 0)
    if enough < rule.fewest:
        return None
    spread = MAD_TO_SD * median(abs(each - usual) for each in known)
    wobble = max(spread, rule.wobble(usual, week))
    z = (value - usual) / wobble if wobble else 0.0
    if abs(z) < FAR or not rule.matters(value, usual):
        return None
    return Anomaly(workflow, measure, value, usual, z, len(known))


def moved_at(measure: Measure, days: Sequence[tuple[datetime, Tally]], *, is_more: bool = True) -> datetime:
    """The day from which on a measure was more, or less, of consecutive days; the last when none tells."""
    rule = RULES[measure]
    known = [
        (at, of)
        for at, tally in days
        if (_counted(measure, tally) >= FEWEST_OF_DAY or measure is Measure.VOLUME)
        and (of := rule.of(tally)) is not None
    ]
    values = [value for _, value in known]

    def gain(cut: int) -> float:
        apart = fmean(values[cut:]) - fmean(values[:cut])
        return (apart if is_more else -apart) * sqrt(cut * (len(values) - cut))

    best = max(range(1, len(values)), key=gain, default=None)
    return known[best][0] if best is not None else days[-1][0]


def likely(causes: Sequence[Cause], moved: datetime) -> tuple[Cause, ...]:
    """Those just before or on the day that a measure moved, the nearest first."""
    until = moved + timedelta(days=1)
    near = [each for each in causes if moved - LAG <= each.at < until]
    return tuple(sorted(near, key=lambda each: abs(each.at - moved))[:MOST_CAUSES])
