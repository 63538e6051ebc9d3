"""The sentences of passages that best answer a question."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge.document import Passage
from knowledge.embedding import Embedder, Encoding
from knowledge.sentences import split_sentences
from knowledge.words import content_words

PASSAGES_READ = 5

COSINE, PASSAGE, TOKENS, WORDS, NEIGHBOURS, KIND = 0.5, 1.0, 1.0, 0.2, 0.5, 0.1
"""Weights, set on one half of a question set and checked on the other (docs/models.md has the figures)."""
TOTAL = COSINE + PASSAGE + TOKENS + WORDS + NEIGHBOURS + KIND

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_TIME = re.compile(
    rf"\b(?:1\d{{3}}|20\d\d)\b|centur|\b(?:{_MONTH})\b|\b(?:days?|weeks?|months?|years?|hours?)\b"
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|half|third)\b",
    re.I,
)
_NAME = re.compile(r"(?<=[a-z,;(\"] )[A-Z][a-z]+")
_KINDS = (
    (re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|month|day|century)\b"), _TIME),
    (
        re.compile(
            r"\bhow (?:many|much|long|old|far|often|high|large|big)\b|\bwhat (?:percent|number|amount)"
        ),
        _NUMBER,
    ),
    (
        re.compile(r"\bwho(?:m|se)?\b|\bwhere\b|\b(?:what|which) (?:country|city|person|company|office)\b"),
        _NAME,
    ),
)
"""What a question asks for, and what a sentence that gives it must hold."""


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
    fits = np.array([_has_the_kind(question, candidate.text) for candidate in candidates])
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


def _has_the_kind(question: str, sentence: str) -> float:
    lowered = question.lower()
    for asks, holds in _KINDS:
        if asks.search(lowered):
            return 1.0 if holds.search(sentence) else 0.0
    return 0.5
