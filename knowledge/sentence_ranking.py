"""The sentences of passages that best answer a question."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.answer_cues import AnswerKind, answer_kind, holds_kind
from knowledge.document import Passage
from knowledge.embedding import Embedder, Encoding
from knowledge.sentences import split_sentences
from knowledge.words import content_words

PASSAGES_READ = 5

COSINE, PASSAGE, TOKENS, WORDS, NEIGHBOURS, KIND = 0.5, 1.0, 1.0, 0.2, 0.5, 0.1
"""Weights, set on one half of a question set and checked on the other (docs/models.md has the figures)."""
TOTAL = COSINE + PASSAGE + TOKENS + WORDS + NEIGHBOURS + KIND


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence as it stands in a passage, and how well it fits the question."""

    text: str
    passage_index: int
    """Position in the passages given, from 0."""
    position: int
    """Position among the sentences of its passage, from 0."""
    score: float
    """From 0 to 1, comparable between questions only roughly."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    passage_index: int
    position: int
    words: frozenset[str]


def best_sentences(
    question: str, passages: Sequence[Passage], *, limit: int, embedder: Embedder
) -> tuple[ScoredSentence, ...]:
    """Best first, from the first five passages. Raises DamagedModel.

    A sentence is judged by its meaning, by each word of the question at its nearest word, by the rare words
    it and its neighbours share with the question, by its passage, and by holding the kind of thing asked for.
    """
    candidates = [
        _Candidate(text, index, position, frozenset(content_words(text)))
        for index, passage in enumerate(passages[:PASSAGES_READ])
        for position, text in enumerate(split_sentences(passage.text))
        if not text.startswith("#")
    ]
    if not candidates:
        return ()
    asked = embedder.encode_query(question)
    encodings = embedder.encode_tokens([candidate.text for candidate in candidates])
    near = np.array([_nearness(asked, encoding) for encoding in encodings])
    shared = _shared(frozenset(content_words(question)), candidates)
    relevance = np.array([passages[candidate.passage_index].score for candidate in candidates])
    fits = np.array([_fit(question, candidate.text) for candidate in candidates])
    score = (
        near @ [COSINE, TOKENS] + shared @ [WORDS, NEIGHBOURS] + PASSAGE * relevance + KIND * fits
    ) / TOTAL
    order = np.argsort(-score, kind="stable")[:limit]
    return tuple(
        ScoredSentence(found.text, found.passage_index, found.position, float(score[i]))
        for i in order
        for found in (candidates[i],)
    )


def _nearness(asked: Encoding, encoding: Encoding) -> tuple[float, float]:
    cosine = float(encoding.vector @ asked.vector)
    if not len(asked.tokens) or not len(encoding.tokens):
        return cosine, 0.0
    return cosine, float((asked.tokens @ encoding.tokens.T).max(axis=1).mean())


def _shared(
    asked: frozenset[str], candidates: Sequence[_Candidate]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Share of the question's rare words in each sentence, and in it with its neighbours."""
    counts = Counter(word for candidate in candidates for word in candidate.words)
    rarity = {w: math.log(1 + (len(candidates) - counts[w] + 0.5) / (counts[w] + 0.5)) for w in asked}
    total = sum(rarity.values()) or 1.0
    rows = []
    for i, candidate in enumerate(candidates):
        beside = [
            other.words
            for other in candidates[max(0, i - 1) : i + 2]
            if other.passage_index == candidate.passage_index
        ]
        around = frozenset().union(*beside)
        rows.append([sum(rarity[w] for w in asked & words) / total for words in (candidate.words, around)])
    return np.array(rows)


def _fit(question: str, sentence: str) -> float:
    if answer_kind(question) is AnswerKind.OPEN:
        return 0.5
    return float(holds_kind(question, sentence))
