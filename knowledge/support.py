"""How likely it is that what was found holds the answer: a calibrated number from 0 to 1."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """What retrieval saw that speaks for or against an answer being there."""

    cosine: float
    """Of the nearest chunk."""
    late: float
    """Best match of the question's tokens, weighted by rarity (MaxSim)."""
    sentence: float
    """Cosine of the nearest sentence."""
    coverage: float
    """Share of the question's words, weighted by rarity, that the best passages contain."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of a logistic function over the evidence."""

    bias: float = -7.6
    cosine: float = 3.0
    late: float = 6.0
    sentence: float = 3.0
    coverage: float = 2.0


def support(evidence: Evidence, calibration: Calibration) -> float:
    """Probability from 0 to 1 that the passages hold the answer."""
    logit = (
        calibration.bias
        + calibration.cosine * evidence.cosine
        + calibration.late * evidence.late
        + calibration.sentence * evidence.sentence
        + calibration.coverage * evidence.coverage
    )
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
