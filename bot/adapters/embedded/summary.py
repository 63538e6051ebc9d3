"""Summaries made of a text's own central sentences, in their order."""

import re

import numpy as np

from knowledge.embedding import Embedder, Vectors
from knowledge.sentences import split_sentences

MOST_SENTENCES = 240
"""Of a longer text, the longest sentences are considered; each costs about 2 ms."""
FEWEST_WORDS = 5
ALIKE = 0.2
"""Cosine above which two sentences support each other."""
SAME = 0.8
"""Cosine above which a second sentence says nothing new."""
CUE_BONUS = 0.35
OPENING_BONUS = 0.5
"""The first sentence says what it is about."""
QUESTION_SHARE = 0.6
"""What was asked matters less than what was said."""
DAMPING = 0.85
ROUNDS = 30

_CUE = re.compile(
    r"\b(?:decided?|decision|agreed?|approved?|we will|will do|I'll|let's|deadline|due|until|by (?:the )?\d|"
    r"postponed|cancelled|confirmed?|still open|open question|next step|action|owner|must|problem|because)\b",
    re.IGNORECASE,
)


_SPEAKER = re.compile(r"[^\s:][^:\n]{0,60}: +(?=\S)")


def summarise(text: str, limit: int, embedder: Embedder) -> str:
    """At most `limit` sentences, as they stand, one a line when there are several."""
    sentences = _sentences(text)
    if not sentences:
        return ""
    worth = [i for i, s in enumerate(sentences) if len(s.split()) >= FEWEST_WORDS] or list(
        range(len(sentences))
    )
    worth = sorted(sorted(worth, key=lambda i: -len(sentences[i]))[:MOST_SENTENCES])
    vectors = embedder.encode([sentences[i] for i in worth])
    rank = _centrality(vectors)
    rank = rank * [_weight(sentences[i], i == worth[0]) for i in worth]
    chosen: list[int] = []
    for candidate in np.argsort(-rank, kind="stable"):
        if len(chosen) == limit:
            break
        if all(float(vectors[candidate] @ vectors[other]) < SAME for other in chosen):
            chosen.append(int(candidate))
    lines = [sentences[worth[i]].lstrip("-*• ") for i in sorted(chosen)]
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)


def _weight(sentence: str, is_first: bool) -> float:
    """How a sentence counts apart from its place among the others."""
    bonus = CUE_BONUS * bool(_CUE.search(sentence)) + OPENING_BONUS * is_first
    return (1 + bonus) * (QUESTION_SHARE if sentence.endswith("?") else 1)


def _sentences(text: str) -> list[str]:
    """In order; in a conversation each with the name of who said it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if sum(bool(_SPEAKER.match(line)) for line in lines) < max(2, len(lines) / 2):
        return [s for s in split_sentences(text) if not s.startswith("#")]
    said: list[str] = []
    speaker = ""
    for line in lines:
        begins = _SPEAKER.match(line)
        speaker = begins[0] if begins else speaker
        said.extend(speaker + s for s in split_sentences(line[begins.end() :] if begins else line))
    return said


def _centrality(vectors: Vectors) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How far each sentence is supported by the others (the stationary weight of a walk between them)."""
    alike = np.clip((vectors @ vectors.T).astype(np.float64) - ALIKE, 0, None)
    np.fill_diagonal(alike, 0)
    total = alike.sum(axis=1, keepdims=True)
    steps = np.divide(alike, total, out=np.full_like(alike, 1 / len(vectors)), where=total > 0)
    weight = np.full(len(vectors), 1 / len(vectors))
    for _ in range(ROUNDS):
        weight = (1 - DAMPING) / len(weight) + DAMPING * (weight @ steps)
    return weight
