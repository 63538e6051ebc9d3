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
class Weights:
    """Of a logistic function over the evidence without its reading, in the order of its fields.

    Fitted by `benchmarks/grounding.py --calibrate` to questions about the shipped handbook; `lacks_kind`,
    which that fit could not tell from nothing, is a guess.
    """

    bias: float = -9.8
    late: float = 9.0
    weakest: float = 6.2
    sentence: float = 3.5
    lacks_kind: float = -0.5
    unmet: float = -2.0


TOPIC = Weights()
READING_FROM = 1.0
"""The log odds of being on the topic from which the reading counts by half or more."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the evidence says in one collection; as shipped, or fitted to questions about it."""

    slope: float = 1.0
    """How much it says that a question is on the topic."""
    offset: float = 0.0
    """Log odds added for every question."""
    reading: float = 1.5
    """How much the reading of the best passage counts."""


AS_SHIPPED = Calibration()


def support(evidence: Evidence, calibration: Calibration = AS_SHIPPED) -> float:
    """Probability from 0 to 1 that the passages hold the answer."""
    topic, reading = on_topic(evidence), read_on_topic(evidence)
    return _chance(calibration.slope * topic + calibration.offset + calibration.reading * reading)


def on_topic(evidence: Evidence, weights: Weights = TOPIC) -> float:
    """Log odds that the passages are about what is asked, by the shipped handbook's questions."""
    bias, *each = astuple(weights)
    *similarity, _ = astuple(evidence)
    return float(bias + sum(weight * value for weight, value in zip(each, similarity, strict=True)))


def read_on_topic(evidence: Evidence) -> float:
    """The reading, as far as it counts: what is off the topic is no near miss, and reading it adds noise."""
    return evidence.reading * _chance(on_topic(evidence) - READING_FROM)


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))
