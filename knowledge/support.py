"""How likely it is that what was found holds the answer: a calibrated number from 0 to 1."""

import math
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """What retrieval saw that speaks for or against an answer being there. Similarities are cosines."""

    late: float
    """Best match of the question's tokens, weighted by rarity (MaxSim)."""
    weakest: float
    """The same, but leaning towards the tokens that match worst (soft minimum)."""
    sentence: float
    """Of the nearest sentence."""
    lacks_kind: float
    """1 when the best passages hold no date, number or name though the question asks for one, else 0."""
    unmet: float
    """Numbers, names and negations of the question that the best passages lack; 3 at most."""
    reading: float = 0.0
    """Log odds that the best passage answers and is no near miss; nearer to 0 the less prose it has."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of a logistic function over the evidence, in the order of its fields.

    Fitted by `benchmarks/grounding.py --calibrate` to questions about the shipped handbook; `lacks_kind`,
    which that fit could not tell from nothing, is a guess.
    """

    bias: float = -9.8
    late: float = 9.0
    weakest: float = 6.2
    sentence: float = 3.5
    lacks_kind: float = -0.5
    unmet: float = -2.0


READING_WEIGHT, READING_FROM = 1.5, 1.0
"""How much the reading of the best passage counts; the log odds of being on the topic where half does."""


def support(evidence: Evidence, calibration: Calibration) -> float:
    """Probability from 0 to 1 that the passages hold the answer."""
    bias, *weights = astuple(calibration)
    *similarity, reading = astuple(evidence)
    on_topic = bias + sum(weight * value for weight, value in zip(weights, similarity, strict=True))
    # what is off the topic is no near miss: reading it closely would only add noise
    return _chance(on_topic + READING_WEIGHT * reading * _chance(on_topic - READING_FROM))


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))
