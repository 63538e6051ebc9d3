"""How near two texts are in meaning, from the vectors of their sentences. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

from bot.quality.evaluators import Similarity
from workflows.steps.grounding import sentences

Encode = Callable[[Sequence[str]], Any]
"""Texts to unit vectors, as rows of a numpy array."""

MOST_SENTENCES = 40
"""Of one text: what comes after hardly changes how near it is."""


def similarity_by(encode: Encode) -> Similarity:
    """A measure of how much of the first text the second one says too, from 0 to 1.

    The better of two views: both as a whole, and each sentence of the first beside the nearest of the second.
    An answer may say more than is wanted; what is wanted and not said costs.
    """

    def near(wanted: str, said: str) -> float:
        if not wanted.strip() or not said.strip():
            return 0.0
        parts, others = _parts(wanted), _parts(said)
        vectors = encode([wanted, said, *parts, *others])
        whole = float(vectors[0] @ vectors[1])
        each = vectors[2 : 2 + len(parts)] @ vectors[2 + len(parts) :].T
        return max(0.0, min(1.0, max(whole, float(each.max(axis=1).mean()))))

    return near


def _parts(text: str) -> list[str]:
    return list(sentences(text))[:MOST_SENTENCES] or [text]
