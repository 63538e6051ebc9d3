"""Sorting a text under the nearest of several described labels."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from knowledge.embedding import Embedder
from knowledge.sentences import split_sentences
from knowledge.words import content_words

MOST_SENTENCES = 40
WHOLE, PART, WORDS = 0.4, 0.6, 0.5
"""Weights of: the whole text near the whole description, one sentence near one phrase, and shared words."""
SHARPNESS = 8.0
"""How fast confidence grows with the lead over the other labels."""
SURE = 0.5
"""A score from which the text is close to the label at all; below it, confidence shrinks in proportion."""

_PHRASE = re.compile(r"[.;,]\s*")


@dataclass(frozen=True, slots=True)
class Guess:
    """The nearest label and how far it leads."""

    label: str
    confidence: float
    """From 0 to 1: low when other labels are as near, or when none is near."""
    because: str


def classify(text: str, labels: Mapping[str, str], embedder: Embedder) -> Guess:
    """The label whose description is nearest in meaning and words."""
    names = list(labels)
    descriptions = {name: f"{name.replace('_', ' ')}. {what}" for name, what in labels.items()}
    parts = [text, *split_sentences(text)[:MOST_SENTENCES]]
    read = embedder.encode(parts)
    shared = _shared_words(text, descriptions)
    scores = np.zeros(len(names))
    for i, name in enumerate(names):
        phrases = [descriptions[name], *(p for p in _PHRASE.split(descriptions[name]) if p)]
        near = read @ embedder.encode(phrases).T
        scores[i] = WHOLE * near[0, 0] + PART * near.max() + WORDS * shared[name][0]
    odds = np.exp(SHARPNESS * (scores - scores.max()))
    best = int(scores.argmax())
    confidence = float(odds[best] / odds.sum() * min(1.0, max(0.0, scores[best] / SURE)))
    words = shared[names[best]][1]
    because = f"shares the words {', '.join(words[:4])}" if words else "its description is nearest in meaning"
    return Guess(names[best], round(confidence, 3), because)


def _shared_words(text: str, descriptions: Mapping[str, str]) -> dict[str, tuple[float, list[str]]]:
    """For each label the share of the text's telling words it has, rarer ones counting more, and which."""
    asked = {word for word in content_words(text) if len(word) > 2}
    words = {name: set(content_words(what)) for name, what in descriptions.items()}
    counts = Counter(word for held in words.values() for word in held)
    weight = {word: 1 / counts[word] for word in asked if counts[word]}
    total = max(sum(weight.values()), 1.0)
    spelled = {stem: word for word in re.findall(r"[^\W_]+", text) for stem in content_words(word)}
    return {
        name: (
            sum(weight[word] for word in asked & held) / total,
            [spelled[word] for word in sorted(asked & held, key=lambda w: (counts[w], w))],
        )
        for name, held in words.items()
    }
