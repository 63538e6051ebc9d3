"""A small network that reads the best passage: token vectors of question and passage in, log odds out.

Each token of the question looks for its match twice, in the whole passage and in the sentence that fits best;
what it found is judged token by token, and the verdicts are put together. The vectors are those that search
has already, so that nothing is encoded for it. Fitted by `benchmarks/grounding_reader.py`.
"""

import functools
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from knowledge.embedding import Vectors

PATH = Path(__file__).parent / "embedding_data" / "token_reader.npz"
MEAN = -1.7
"""Log odds on average of the 120 questions that support was fitted to; it learned from more misses."""
STRETCH = 4.0
"""What the learned part of a match is multiplied by, so that it learns as fast as the rest."""

Parameters: TypeAlias = dict[str, Vectors]


def judge(question: Vectors, rarity: Vectors, passage: Vectors, sentences: npt.NDArray[np.uint8]) -> float:
    """Log odds that the passage answers, beside what they are on average; 0 where either has no tokens.

    `question` and `passage` have a row of length 1 for each token, `rarity` is above 0 and at most 1 for each
    of the question's tokens, `sentences` the sentence of each of the passage's, as stored.
    """
    if not len(question) or not len(passage):
        return 0.0
    learned = _learned()
    matches = question @ passage.T
    best = best_sentence(matches, rarity, sentences)
    verdicts = _verdicts(learned, question, rarity, passage, matches, best)
    weight = rarity / rarity.sum()
    nearest, within = matches.max(axis=1), matches[:, best].max(axis=1)
    whole = np.array([weight @ nearest, weight @ within, within.min(), weight.max()])
    seen = np.concatenate([weight @ verdicts, verdicts.max(axis=0), verdicts.min(axis=0), whole])
    return float(seen @ learned["sum"] + learned["sum_bias"][0]) - MEAN


def best_sentence(
    matches: Vectors, rarity: Vectors, sentences: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """Which tokens of the passage stand in the sentence that fits best; the headings count as one."""
    numbers = np.unique(sentences)
    fits = [float(rarity @ matches[:, sentences == number].max(axis=1)) for number in numbers]
    return np.asarray(sentences == numbers[int(np.argmax(fits))])


def _verdicts(
    learned: Parameters,
    question: Vectors,
    rarity: Vectors,
    passage: Vectors,
    matches: Vectors,
    best: npt.NDArray[np.bool_],
) -> Vectors:
    """What each token of the question says about the passage; shape (tokens, 64)."""
    asked, read = question @ learned["view"], passage @ learned["view"]
    wanted = (question @ learned["wants"]) @ (passage @ learned["offers"]).T
    drawn = learned["sharpness"][0] * matches + STRETCH * wanted / np.sqrt(read.shape[1])
    anywhere, there = _softmax(drawn) @ read, _softmax(drawn[:, best]) @ read[best]
    nearest, within = matches.max(axis=1), matches[:, best].max(axis=1)
    figures = np.stack([nearest, within, rarity, nearest - within], axis=1)
    seen = [asked, anywhere, asked * anywhere, there, asked * there, anywhere - there, figures]
    first = np.maximum(np.concatenate(seen, axis=1) @ learned["first"] + learned["first_bias"], 0)
    verdicts: Vectors = np.maximum(first @ learned["second"] + learned["second_bias"], 0)
    return verdicts


def _softmax(values: Vectors) -> Vectors:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Vectors = raised / raised.sum(axis=1, keepdims=True)
    return shares


@functools.cache
def _learned() -> Parameters:
    with np.load(PATH, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}
