"""Fitting what the evidence says to questions of which somebody knows whether a collection answers them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from knowledge.support import AS_SHIPPED, Calibration, Evidence, support, what_counts

Numbers = npt.NDArray[np.float64]

FEWEST = 15
"""Questions of each kind, answered and not, from which a fit says more than chance."""
FOLDS = 10
SURE = np.array([10.0, 0.25, 2.0])
"""How much the shipped slope, offset and reading are trusted: one over the variance around them."""
LEAST_SLOPE = 0.5
"""Below it, questions that are on no topic of the collection would come through where none was fitted to."""
CLEARLY = 0.01
"""Mean log loss by which a fit has to be better."""
STEPS, SHORTEST = 60, 1e-4


class TooFewQuestions(Exception):
    """Facts `answered` and `unanswered` say how many there are, `fewest` how many of each it takes."""

    def __init__(self, answered: int, unanswered: int) -> None:
        super().__init__(answered, unanswered)
        self.facts = {"answered": str(answered), "unanswered": str(unanswered), "fewest": str(FEWEST)}


def fit(evidence: Sequence[Evidence], answered: Sequence[bool]) -> Calibration:
    """The likeliest calibration, from the shipped one on: few questions move it little."""
    values = np.array([[topic, 1.0, reading] for topic, reading in map(what_counts, evidence)])
    signs = np.where(answered, 1.0, -1.0)
    shipped = np.array(astuple(AS_SHIPPED))
    found, lowest = shipped.copy(), np.array([LEAST_SLOPE, -np.inf, 0.0])

    def cost(weights: Numbers) -> float:
        misfit = np.logaddexp(0, -signs * (values @ weights)).sum()
        return float(misfit + (SURE * (weights - shipped) ** 2).sum() / 2)

    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(np.clip(signs * (values @ found), -500, 500)))
        gradient = values.T @ (-signs * chance) + SURE * (found - shipped)
        curvature = (values * (chance * (1 - chance))[:, None]).T @ values + np.diag(SURE)
        # what is at its limit and would go beyond stays there, or the others would lean on it
        free = (found > lowest) | (gradient < 0)
        step, share = np.zeros(len(found)), 1.0
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        # a whole step may lead too far where all are told apart
        while share > SHORTEST and cost(np.maximum(found - share * step, lowest)) > cost(found):
            share /= 2
        if share <= SHORTEST:
            break
        found = np.maximum(found - share * step, lowest)
    return Calibration(*map(float, found))


@dataclass(frozen=True, slots=True)
class Trial:
    """What a fit brings, question by question: each is judged by a fit to the others."""

    answered: tuple[bool, ...]
    before: tuple[float, ...]
    """Support as shipped."""
    after: tuple[float, ...]
    calibration: Calibration
    """Fitted to all."""

    @property
    def surprise(self) -> tuple[float, float]:
        """Mean log loss before and after: 0 where all was foretold, 0.69 where a coin does as well."""
        return _surprise(self.before, self.answered), _surprise(self.after, self.answered)

    @property
    def helps(self) -> bool:
        """Whether the fit foretells questions that it has not seen clearly better."""
        before, after = self.surprise
        return before - after >= CLEARLY

    def let_through(self, threshold: float, *, answered: bool) -> tuple[int, int]:
        """How many of a kind reach so much support, before and after."""
        chances = zip(self.before, self.after, self.answered, strict=True)
        of_kind = [(before, after) for before, after, kind in chances if kind is answered]
        return sum(b >= threshold for b, _ in of_kind), sum(a >= threshold for _, a in of_kind)


def try_out(evidence: Sequence[Evidence], answered: Sequence[bool]) -> Trial:
    """Fit to all, and to all but every tenth of a kind in turn. Raises TooFewQuestions."""
    yes = sum(answered)
    if min(yes, len(answered) - yes) < FEWEST:
        raise TooFewQuestions(yes, len(answered) - yes)
    places = sorted(range(len(answered)), key=lambda place: not answered[place])
    after = [0.0] * len(answered)
    for fold in range(FOLDS):
        left_out = places[fold::FOLDS]
        kept = sorted(set(places) - set(left_out))
        fitted = fit([evidence[place] for place in kept], [answered[place] for place in kept])
        for place in left_out:
            after[place] = support(evidence[place], fitted)
    before = tuple(support(each) for each in evidence)
    return Trial(tuple(answered), before, tuple(after), fit(evidence, answered))


def _surprise(chances: Sequence[float], answered: Sequence[bool]) -> float:
    right = [chance if yes else 1 - chance for chance, yes in zip(chances, answered, strict=True)]
    return float(-np.log(np.clip(right, 1e-9, 1.0)).mean())
