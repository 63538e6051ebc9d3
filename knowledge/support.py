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


def support(evidence: Evidence, calibration: Calibration) -> float:
    """Probability from 0 to 1 that the passages hold the answer."""
    bias, *weights = astuple(calibration)
    logit = bias + sum(weight * value for weight, value in zip(weights, astuple(evidence), strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
