import json
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knowledge
from knowledge.embedding import Embedder
from knowledge.near_misses import NOT_ASKED, Cues, prose_share, read_by_cues, read_cues
from knowledge.token_store import Text, sentence_starts

BODY = (
    "The office in Lisbon opened in 2019. Its heating is never on before October. "
    "Visitors register at the desk with Ana Costa, who keeps 12 badges."
)
PASSAGE = Text("1", "Offices", BODY)


def cues(question: str, embedder: Embedder, passage: Text = PASSAGE) -> Cues:
    """As the product has them, with every word equally rare."""
    asked, read = embedder.encode_tokens([question, f"{passage.header}\n{passage.body}"])
    starts = sentence_starts(passage)
    sentences = [sum(start <= offset for start in starts) for offset, _ in read.offsets]
    return read_cues(
        question,
        asked,
        passage,
        asked.tokens @ read.tokens.T,
        np.array(sentences, dtype=np.uint8),
        token_weight=np.ones(len(asked.token_ids), dtype=np.float32),
        rarity=lambda _: 0.5,
        nearest=0.7,
    )


@pytest.mark.parametrize(
    ("answered", "missed", "cue"),
    [
        ("When did the office in Lisbon open?", "When did the office in Porto open?", "missing"),
        ("When did the office in Lisbon open?", "When did the office in Porto open?", "-name_worst"),
        ("What opened in 2019?", "What opened in 2017?", "lost_numbers"),
        ("Why is the heating never on?", "Which heating prevents accidents?", "lost_negations"),
        ("When is the heating on before winter?", "When is the heating on after winter?", "opposites"),
        ("Who keeps the badges?", "Who steals the badges?", "-sentence_worst"),
        ("Who keeps the badges?", "Who keeps the parrots?", "-in_passage"),
        ("Who keeps badges?", "Who keeps the least badges?", "negations"),
    ],
)
def test_a_changed_word_shows(answered: str, missed: str, cue: str, embedder: Embedder) -> None:
    name, sign = cue.lstrip("-"), -1 if cue.startswith("-") else 1
    assert sign * getattr(cues(missed, embedder), name) > sign * getattr(cues(answered, embedder), name)


def test_the_word_that_says_what_is_asked_for_need_not_be_repeated(embedder: Embedder) -> None:
    assert cues("In which year did the office open?", embedder).missing == 0
    assert cues("Which of the years did the office open?", embedder).missing == 0
    assert cues("Did the office open this year?", embedder).missing == 0.5


def test_what_is_not_asked_speaks_neither_way(embedder: Embedder) -> None:
    seen = cues("what is the desk?", embedder)
    assert (seen.name_worst, seen.lost_numbers, seen.negations, seen.opposites) == (NOT_ASKED, 0, 0, 0)
    assert seen.plain_words == 1


def test_a_near_miss_reads_worse_than_an_answer(embedder: Embedder) -> None:
    def read(question: str) -> float:
        return read_by_cues(cues(question, embedder))

    assert read("When did the office in Lisbon open?") > read("When did the office in Berlin close?")
    assert read("Who keeps 12 badges?") > read("Who lost 30 badges?")


@pytest.mark.parametrize("body", ["", "| a | b |\n|---|---|", "```\n```", "?"])
def test_a_passage_without_sentences_is_read_as_a_whole(body: str, embedder: Embedder) -> None:
    assert np.isfinite(read_by_cues(cues("When did the office open?", embedder, Text("1", "Offices", body))))


@given(st.text(max_size=60).filter(lambda text: any(character.isalnum() for character in text)))
def test_any_question_has_a_finite_reading(embedder: Embedder, question: str) -> None:
    assert np.isfinite(astuple(cues(question, embedder))).all()


def test_every_cue_has_a_weight_and_no_weight_is_without_one() -> None:
    path = Path(knowledge.__file__).parent / "embedding_data" / "near_miss_weights.json"
    fitted = json.loads(path.read_text(encoding="utf-8"))
    assert set(fitted["weights"]) == {field.name for field in fields(Cues)}
    assert all(fitted["weights"].values())


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0),
        ("You may carry over five days of leave until March.", 1),
        ("# Annual leave of staff\n\nYou may carry over five days of leave until March.", 10 / 15),
        ("- You may carry over five days of leave until March.\n" * 9, 0),
        ("Open by appointment only. Please ring twice. " * 4, 0),
        ("You may carry over five days of leave until March.\n\n- five days\n- until March", 10 / 16),
        ("You may carry over five days of leave until March. " * 9, 1),
    ],
)
def test_only_running_prose_can_be_read_closely(text: str, share: float) -> None:
    assert prose_share(text) == pytest.approx(share)
