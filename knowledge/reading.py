"""Whether one of the best passages answers: what reading each of them says, put together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

READ = 3
"""Passages, best first, that are read."""
DISTANCE = 10.0
"""Log odds that a passage has to make up for each unit of score by which it is behind the best."""
BY_CHANCE = 0.35
"""Log odds taken off where several passages were read: the best of them looks the likelier by chance alone.
Three look likelier than the first by twice as much on average of the 120 questions support was fitted to."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading says of a question: of one passage, or of several together."""

    log_odds: float
    """That it is answered: above 0 for, below 0 against."""
    prose: float
    """Share of the words that stand in full sentences; reading a list or a table tells little."""


NOTHING_READ = Reading(0.0, 0.0)


def together(read: Sequence[Reading], scores: Sequence[float]) -> Reading:
    """Log odds that one of the passages answers, and their prose; best score first, which counts most."""
    nearness = [math.exp(DISTANCE * (score - scores[0])) for score in scores]
    odds = sum(near * math.exp(one.log_odds) for near, one in zip(nearness, read, strict=True))
    prose = sum(near * one.prose for near, one in zip(nearness, read, strict=True)) / sum(nearness)
    return Reading(math.log(odds) - min(math.log(len(read)), BY_CHANCE), prose)
