"""From a correction to what a case can expect, and to a document: guesses that an owner corrects."""

import pytest

from bot.quality.expecting import PHRASE_CHARACTERS, file_name, named_in, phrase_of

ANSWER = "You may carry over **five days** [1]. They lapse on 31 March."


@pytest.mark.parametrize(
    ("correction", "phrase"),
    [
        ("You can carry over ten days, until 31 March.", "ten days"),
        ("Ten days.", "Ten days"),
        ("Twelve days since October, see Annual leave.", "Twelve days"),
        ("You may carry over five days", ""),
        ("It lapses. It is 12.50 euros a day in London; see Travel policy.", "lapses"),
        ("It is 12.50 euros a day; see the policy.", "12.50 euros a day"),
        ("Ask the people team.", "Ask the people team"),
        ("  \n ", ""),
        ("", ""),
    ],
)
def test_the_first_words_that_the_answer_lacks(correction: str, phrase: str) -> None:
    assert phrase_of(correction, ANSWER) == phrase


def test_a_phrase_stands_in_the_correction_and_is_short() -> None:
    long = "Nobody knows everything about " + " ".join(f"word{n}" for n in range(200))
    found = phrase_of(long, ANSWER)
    assert found and found in long and len(found) <= PHRASE_CHARACTERS


def test_documents_that_a_correction_names() -> None:
    documents = [("annual-leave.md", "Annual leave"), ("travel.md", "Travel policy"), ("it.md", "IT")]
    assert named_in("see annual  LEAVE, and travel.md", documents) == ("annual-leave.md", "travel.md")
    assert named_in("it is wrong", documents) == ()


def test_file_names_are_paths() -> None:
    assert file_name("Carry-over of leave!") == "carry-over-of-leave.md"
    assert file_name("…") == "note.md"
    assert file_name("../" * 9 + "x" * 500) == "x" * 60 + ".md"
