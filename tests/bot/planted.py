"""Questions on planted topics, and how well a grouping finds them again."""

from collections import Counter
from collections.abc import Hashable, Sequence
from math import comb

import numpy as np

from knowledge.embedding import DIMENSION, Vectors, unit

NOISE = 0.04
"""Standard deviation in each dimension: two questions of a topic are at a cosine of about .6."""


def planted(
    count: int, topics: int, *, alone: float = 0.0, noise: float = NOISE, seed: int = 7
) -> tuple[Vectors, list[int]]:
    """Vectors and the topic of each; early topics are asked most, and a share `alone` belongs to none."""
    chance = np.random.default_rng(seed)
    centres = unit(chance.normal(size=(topics, DIMENSION)))
    weights = 1 / np.arange(1, topics + 1)
    topic = chance.choice(topics, count, p=weights / weights.sum())
    vectors = centres[topic] + chance.normal(0, noise, (count, DIMENSION))
    is_alone = chance.random(count) < alone
    vectors[is_alone] = chance.normal(size=(int(is_alone.sum()), DIMENSION))
    topic = np.where(is_alone, topics + np.arange(count), topic)
    return unit(vectors), [int(each) for each in topic]


def agreement(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """The adjusted Rand index of two groupings: 1 when they are the same, about 0 by chance."""
    pairs = comb(len(one), 2)
    both = sum(comb(count, 2) for count in Counter(zip(one, other, strict=True)).values())
    first, second = (sum(comb(count, 2) for count in Counter(each).values()) for each in (one, other))
    expected, most = first * second / pairs, (first + second) / 2
    return (both - expected) / (most - expected)
