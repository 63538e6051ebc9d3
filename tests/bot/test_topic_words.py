"""What topics are called, and what is kept from readers who may not see the questions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.quality.topic_words import LONGEST, PEOPLE, question_of, quoted, representative, shared_words
from knowledge.embedding import DIMENSION, Vectors, unit

WORDS = st.text(st.characters(categories=("L", "N", "Z", "P")), max_size=300)


def around(*angles: float) -> Vectors:
    """Vectors so far from one direction."""
    made = np.zeros((len(angles), DIMENSION), dtype=np.float32)
    made[:, 0] = 1.0
    for place, angle in enumerate(angles):
        made[place, place + 1] = angle
    return unit(made)


def test_the_shortest_near_the_middle_is_the_name() -> None:
    texts = [
        "Hello, may I carry over leave? Thanks!",
        "May I carry  over leave?",
        "What of leave from last year?",
    ]
    named = representative(texts, around(0.1, 0.1, 0.9))
    # the first differs from the name in a greeting only
    assert named == ["May I carry over leave?", "What of leave from last year?"]


def test_the_same_words_are_said_once() -> None:
    assert representative(["Leave?", "leave?", "LEAVE?"], around(0.9, 0.9, 0.9)) == ["Leave?"]
    assert representative([], np.zeros((0, DIMENSION), dtype=np.float32)) == []


def test_examples_differ_in_what_they_ask_and_not_in_what_stands_around_it() -> None:
    texts = [
        "Is there a sabbatical after ten years? Thanks!",
        "Is there a sabbatical after ten years? Asking for my team.",
        "Hello, is there a sabbatical after ten years? I looked everywhere and could not find it.",
        "How long can a sabbatical be?",
        "Is there a sabbatical in Leeds after ten years? Thanks!",
        "Sabbatical, please tell me all of it",
    ]
    named = representative(texts, around(*(0.8 for _ in texts)), most=9)
    assert named == [texts[3], texts[0], texts[5]]


@given(WORDS)
def test_a_quote_is_one_line_of_bounded_length(text: str) -> None:
    line = quoted(text)
    assert len(line) <= LONGEST
    assert line == " ".join(line.split())


def test_a_question_is_what_was_typed_into_the_inputs() -> None:
    assert question_of({"earlier": "", "question": "May I?", "days": 3}) == "May I? 3"
    assert question_of({"text": "x" * 99}, 10) == "x" * 10


def test_words_are_shared_by_several_people() -> None:
    asked = [
        (f"U{number}", f"May {name} carry over leave?") for number, name in enumerate(("Ana", "Ben", "Cy"))
    ]
    asked += [("Ana", "secret secret secret")] * 9
    assert shared_words(asked, ["May I bring a dog?", "What may a hotel cost?"]) in (
        "carry, leave, over",
        "leave, carry, over",
    )


@given(st.lists(st.tuples(st.sampled_from(["U1", "U2"]), WORDS), max_size=12))
def test_what_fewer_people_say_is_never_shown(asked: list[tuple[str, str]]) -> None:
    assert len({person for person, _ in asked}) < PEOPLE
    assert shared_words(asked, []) == ""
