"""Whether a difference between two sides is more than chance, and the sentence that says so. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from statistics import fmean

CHANCE = 0.05
"""Below this probability a difference is called more than chance."""
ROUNDS = 1000
CONFIDENCE = 0.95


def mcnemar(worse: int, better: int) -> float:
    """How likely a split at least this uneven is if the sides are alike: exact and two-sided.

    Only cases that came out differently count; each is then as likely to be worse as better.
    """
    discordant = worse + better
    if not discordant:
        return 1.0
    tail = sum(comb(discordant, k) for k in range(min(worse, better) + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**discordant)))


@dataclass(frozen=True, slots=True)
class MeanChange:
    """A mean on both sides, and the interval in which 95 of 100 resamplings put the difference."""

    old: float
    new: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves no difference out."""
        return self.low > 0 or self.high < 0


def mean_change(
    old: Sequence[float], new: Sequence[float], *, seed: int = 0, rounds: int = ROUNDS
) -> MeanChange:
    """Bootstrap of paired means: pairs are drawn again with replacement, by a generator with that seed.

    Raises ValueError when the sides are not pairs or there are none.
    """
    differences = [after - before for before, after in zip(old, new, strict=True)]
    if not differences:
        raise ValueError("no pairs")
    draw = random.Random(seed)
    means = sorted(fmean(draw.choices(differences, k=len(differences))) for _ in range(rounds))
    cut = round(rounds * (1 - CONFIDENCE) / 2)
    return MeanChange(fmean(old), fmean(new), means[cut], means[-1 - cut])


def cases_sentence(worse: int, better: int, total: int) -> str:
    """The exact test as a sentence for people."""
    if not total:
        return "No case could be compared."
    if not worse + better:
        return f"{_of(total, total)} came out as before."
    chance = mcnemar(worse, better)
    verdict = "that is more than chance" if chance < CHANCE else "that can well be chance"
    changed = f"{_of(worse, total)} got worse and {better or 'none'} better"
    return f"{changed}; {verdict} (p = {chance:.2g})."


def mean_sentence(change: MeanChange) -> str:
    """The bootstrap as a sentence for people."""
    moved = "hardly moved" if not change.is_clear else "rose" if change.low > 0 else "fell"
    interval = f"{change.low:+.2f} to {change.high:+.2f}"
    return f"The mean score {moved}: {change.old:.2f} before, {change.new:.2f} now (difference {interval})."


def _of(count: int, total: int) -> str:
    if count == total and total > 1:
        return f"All {total} cases"
    return f"{count or 'None'} of {total} case{'' if total == 1 else 's'}"
