"""Candidate against production: what the runs of both say, and whether the pilot should rest. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import comb, erf, sqrt
from statistics import fmean

from bot.quality.significance import CHANCE

FIRST_LOOK = 8
"""Votes, or runs, of the candidate before the guard looks for the first time; then each time they double."""
FEWEST = 5
"""Values on either side below which nothing is said of a difference."""


class Measure(StrEnum):
    """What two sides are compared on."""

    VOTES = "votes"
    FAILURES = "failures"
    SCORES = "scores"
    COST = "cost"
    SECONDS = "seconds"


class Verdict(StrEnum):
    """How the candidate does."""

    BETTER = "better"
    WORSE = "worse"
    ALIKE = "alike"
    TOO_FEW = "too few"


@dataclass(frozen=True, slots=True)
class Side:
    """The runs of one label."""

    runs: int = 0
    """Those that have ended, cancelled ones left out."""
    failed: int = 0
    up: int = 0
    down: int = 0
    scores: Sequence[float] = ()
    """One mean of its checks' and judges' scores a run, from 0 to 1."""
    costs: Sequence[float] = ()
    """Dollars of each run."""
    seconds: Sequence[float] = ()
    """From asking to the answer, of each run."""

    @property
    def votes(self) -> int:
        """How many voted."""
        return self.up + self.down


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure on both sides."""

    measure: Measure
    production: float | None
    """Share of thumbs up, share of failed runs, or a mean; None without a value."""
    candidate: float | None
    verdict: Verdict = Verdict.TOO_FEW
    chance: float = 1.0
    """How likely a difference like this is if the sides are alike; 1 when nothing can be said."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides since the pilot began."""

    production: Side
    candidate: Side
    findings: tuple[Finding, ...]

    @property
    def is_worse(self) -> bool:
        """Whether anything got worse by more than chance."""
        return any(finding.verdict is Verdict.WORSE for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the guard makes of a look."""

    pause: Measure | None
    """What is worse by more than chance; None lets the pilot go on."""
    chance: float = 1.0
    looks: Mapping[str, int] = field(default_factory=dict)
    """How often each measure has been looked at by now."""


def compare(production: Side, candidate: Side) -> Comparison:
    """Each measure with its verdict; a measure of which one side has too little is only shown."""
    old, new = production, candidate
    findings = (
        _shares(Measure.VOTES, (old.up, old.votes), (new.up, new.votes), more_is_better=True),
        _shares(Measure.FAILURES, (old.failed, old.runs), (new.failed, new.runs), more_is_better=False),
        _means(Measure.SCORES, old.scores, new.scores, more_is_better=True),
        _means(Measure.COST, old.costs, new.costs, more_is_better=False),
        _means(Measure.SECONDS, old.seconds, new.seconds, more_is_better=False),
    )
    return Comparison(old, new, findings)


def guard(production: Side, candidate: Side, looks: Mapping[str, int]) -> Decision:
    """Whether votes or failures are so much worse that the pilot should rest.

    Looking again and again finds a difference by chance in the end, so the guard looks only when the votes
    (or runs) of the candidate have doubled, and all its looks together may be wrong once in twenty.
    """
    taken = dict(looks)
    watched = (
        (
            Measure.VOTES,
            candidate.votes,
            (candidate.down, candidate.votes, production.down, production.votes),
        ),
        (
            Measure.FAILURES,
            candidate.runs,
            (candidate.failed, candidate.runs, production.failed, production.runs),
        ),
    )
    for measure, size, counts in watched:
        level = _level(size)
        if level <= taken.get(measure, 0):
            continue
        taken[measure.value] = level
        chance = more_often(*counts)
        if chance < CHANCE / len(watched) / (level * (level + 1)):
            return Decision(measure, chance, taken)
    return Decision(None, looks=taken)


def _level(size: int) -> int:
    """1 from the first look on, one more each time the size doubles; 0 before."""
    return (size // FIRST_LOOK).bit_length()


def more_often(bad: int, total: int, other_bad: int, other_total: int) -> float:
    """Fisher's exact test, one-sided: how likely at least so many `bad` here are if both sides are alike."""
    if not total or not other_total:
        return 1.0
    all_bad, everything = bad + other_bad, total + other_total
    ways = sum(
        comb(all_bad, hits) * comb(everything - all_bad, total - hits)
        for hits in range(bad, min(all_bad, total) + 1)
    )
    return ways / comb(everything, total)


def higher(values: Sequence[float], others: Sequence[float]) -> float:
    """Rank-sum test, one-sided: how likely `values` rank so high if both are alike. Normal, with ties."""
    count, other = len(values), len(others)
    if not count or not other:
        return 1.0
    ranks, ties = _ranks([*values, *others])
    everything = count + other
    surplus = sum(ranks[:count]) - count * (everything + 1) / 2
    spread = everything + 1 - sum(tie**3 - tie for tie in ties) / (everything * (everything - 1))
    deviation = sqrt(count * other * spread / 12)
    # half a rank less, because ranks are whole and the normal curve is not
    return 0.5 * (1 - erf((surplus - 0.5) / deviation / sqrt(2))) if deviation else 1.0


def _ranks(values: Sequence[float]) -> tuple[list[float], list[int]]:
    """The rank of each value, shared by equal ones, and how many share each."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, ties, start = [0.0] * len(values), [], 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for index in order[start:end]:
            ranks[index] = (start + end + 1) / 2
        ties.append(end - start)
        start = end
    return ranks, ties


def _shares(measure: Measure, old: tuple[int, int], new: tuple[int, int], *, more_is_better: bool) -> Finding:
    before, after = (hits / total if total else None for hits, total in (old, new))
    if min(old[1], new[1]) < FEWEST:
        return Finding(measure, before, after)
    more, fewer = more_often(*new, *old), more_often(*old, *new)
    return _judged(Finding(measure, before, after), more, fewer, more_is_better)


def _means(measure: Measure, old: Sequence[float], new: Sequence[float], *, more_is_better: bool) -> Finding:
    before, after = (fmean(values) if values else None for values in (old, new))
    if min(len(old), len(new)) < FEWEST:
        return Finding(measure, before, after)
    return _judged(Finding(measure, before, after), higher(new, old), higher(old, new), more_is_better)


def _judged(finding: Finding, more: float, fewer: float, more_is_better: bool) -> Finding:
    """The two one-sided chances as one verdict of a two-sided test."""
    better, worse = (more, fewer) if more_is_better else (fewer, more)
    chance = min(1.0, 2 * min(better, worse))
    verdict = Verdict.ALIKE
    if chance < CHANCE:
        verdict = Verdict.BETTER if better < worse else Verdict.WORSE
    return replace(finding, verdict=verdict, chance=chance)
