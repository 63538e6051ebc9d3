import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.embedding import DIMENSION, Embedder, unit
from knowledge.token_reader import best_sentence, judge
from knowledge.token_store import Text, sentence_starts

BODY = (
    "The library of the town was founded in 1843 by the merchant Anna Keller, who gave her own books. "
    "It moved to the old mill in 1902 after a fire had destroyed the roof. "
    "Today it lends about 40,000 books a year, most of them to children."
)
PASSAGE = Text("1", "Town library", BODY)


def odds(question: str, embedder: Embedder) -> float:
    """As the product has them, with every token equally rare."""
    asked, read = embedder.encode_tokens([question, f"{PASSAGE.header}\n{PASSAGE.body}"])
    starts = sentence_starts(PASSAGE)
    sentences = np.array([sum(s <= offset for s in starts) for offset, _ in read.offsets], dtype=np.uint8)
    rarity = np.full(len(asked.token_ids), 0.5, dtype=np.float32)
    return judge(asked.tokens, rarity, read.tokens, sentences)


@pytest.mark.parametrize(
    ("answered", "missed"),
    [
        ("Who founded the library of the town?", "Who destroyed the library of the town?"),
        ("When did the library move to the old mill?", "When did the library leave the old mill?"),
        ("How many books does the library lend a year?", "How many books does the library lose a year?"),
    ],
)
def test_a_near_miss_is_less_likely_answered(answered: str, missed: str, embedder: Embedder) -> None:
    assert odds(missed, embedder) < odds(answered, embedder)


def test_nothing_to_compare_says_nothing() -> None:
    none, some = np.zeros((0, DIMENSION), np.float32), unit(np.ones((3, DIMENSION), np.float32))
    assert judge(none, np.zeros(0, np.float32), some, np.ones(3, np.uint8)) == 0
    assert judge(some, np.ones(3, np.float32), none, np.zeros(0, np.uint8)) == 0


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 60))
def test_the_order_of_tokens_and_sentences_does_not_matter(seed: int, asked: int, read: int) -> None:
    draw = np.random.default_rng(seed)
    question = unit(draw.normal(size=(asked, DIMENSION)).astype(np.float32))
    passage = unit(draw.normal(size=(read, DIMENSION)).astype(np.float32))
    sentences, rarity = draw.integers(0, 4, read).astype(np.uint8), np.full(asked, 0.3, dtype=np.float32)
    mixed, turned = draw.permutation(read), draw.permutation(asked)
    found = judge(question, rarity, passage, sentences)
    assert np.isfinite(found)
    assert judge(question[turned], rarity, passage[mixed], sentences[mixed]) == pytest.approx(found, abs=1e-3)


def test_the_best_sentence_is_the_one_that_matches_what_is_rare() -> None:
    matches = np.array([[0.9, 0.1, 0.2], [0.1, 0.2, 0.8]], dtype=np.float32)
    sentences = np.array([1, 1, 2], dtype=np.uint8)
    assert best_sentence(matches, np.array([1.0, 0.1]), sentences).tolist() == [True, True, False]
    assert best_sentence(matches, np.array([0.1, 1.0]), sentences).tolist() == [False, False, True]
