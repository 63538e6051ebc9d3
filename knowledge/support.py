"""How likely it is that what was found holds the answer: a calibrated number from 0 to 1."""

import math
from dataclasses import astuple, dataclass

from knowledge.reading import NOTHING_READ, Reading


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
    reading: Reading = NOTHING_READ
    """That one of the best passages answers and is no near miss."""

    @property
    def of_topic(self) -> tuple[float, ...]:
        """All but the reading, in the order of the weights."""
        return self.late, self.weakest, self.sentence, self.lacks_kind, self.unmet


@dataclass(frozen=True, slots=True)
class Weights:
    """Of a logistic function over the evidence without its reading.

    Fitted by `benchmarks/grounding.py --calibrate` to questions about the shipped handbook, but for two:
    `lacks_kind`, which that fit could not tell from nothing, is a guess; `unmet` was fitted at -2 before the
    reading judged names and numbers as well, and halved since.
    """

    bias: float = -9.8
    late: float = 9.0
    weakest: float = 6.2
    sentence: float = 3.5
    lacks_kind: float = -0.5
    unmet: float = -1.0


TOPIC = Weights()
TOPIC_MET = 0.5
"""Log odds of being on the topic beyond which prose is not likelier to answer."""
READING_FROM = -0.5
"""Log odds of being on the topic from which the reading counts by half or more."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the evidence says in one collection; as shipped, or fitted to questions about it."""

    slope: float = 1.0
    """How much it says that a question is on the topic."""
    offset: float = 0.0
    """Log odds added for every question."""
    reading: float = 1.3
    """How much the reading of the best passages counts."""


AS_SHIPPED = Calibration()


def support(evidence: Evidence, calibration: Calibration = AS_SHIPPED) -> float:
    """Probability from 0 to 1 that the passages hold the answer."""
    topic, reading = what_counts(evidence)
    return _chance(calibration.slope * topic + calibration.offset + calibration.reading * reading)


def what_counts(evidence: Evidence, weights: Weights = TOPIC) -> tuple[float, float]:
    """Log odds by the topic and by the reading, each as far as it counts.

    What is off the topic is no near miss, and reading it adds noise. What is on it is told apart by reading,
    in so far as there is prose to read.
    """
    topic, read = on_topic(evidence, weights), evidence.reading
    beyond = max(0.0, topic - TOPIC_MET)
    counted = read.prose * read.log_odds * _chance(topic - READING_FROM)
    return topic - read.prose * beyond, counted


def on_topic(evidence: Evidence, weights: Weights = TOPIC) -> float:
    """Log odds that the passages are about what is asked, by the shipped handbook's questions."""
    bias, *each = astuple(weights)
    return float(bias + sum(weight * value for weight, value in zip(each, evidence.of_topic, strict=True)))


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))
