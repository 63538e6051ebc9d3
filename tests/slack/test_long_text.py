"""A long text over several fields comes back as it was."""

from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack.long_text import FIELD, FIELDS, cut, join, normal, units

PARTS = ["a", "b", " ", "{", "}", "\n", "\t", "\u2003", "word ", "\n\n", "😀", "é", "\r\n"]
LINES = st.lists(st.sampled_from(PARTS), max_size=300).map("".join)


@given(LINES, st.integers(2, 60))
@example("x" * 500, 7)
@example("😀" * 30, 3)
@example("\n\n\n a\n\n\n\n b \n", 2)
def test_a_text_comes_back_as_it_was(text: str, limit: int) -> None:
    made = cut(text, limit)
    assert join(made.pieces, made.gaps).text == normal(text)
    assert all(units(piece) <= limit for piece in made.pieces)
    assert all(piece == piece.strip() for piece in made.pieces), "Slack may trim a field"
    assert all(made.pieces) or len(made.pieces) == 1


@given(st.text(max_size=300), st.integers(2, 50))
def test_any_text_at_all(text: str, limit: int) -> None:
    made = cut(text, limit)
    assert join(made.pieces, made.gaps).text == normal(text)


def test_it_is_cut_between_paragraphs_before_lines_before_words() -> None:
    assert cut("one two\n\nthree four", 12).pieces == ("one two", "three four")
    assert cut("one two\nthree four", 12).pieces == ("one two", "three four")
    assert cut("one two three", 8).pieces == ("one two", "three")
    assert cut("abcdefgh", 3).pieces == ("abc", "def", "gh")


def test_where_a_place_of_the_text_stands() -> None:
    made = cut("one two\n\nthree four\n\nfive", 12)
    joined = join(made.pieces, made.gaps)
    assert [joined.piece_at(joined.text.index(word)) for word in ("one", "two", "three", "five")] == [
        0,
        0,
        1,
        2,
    ]


def test_an_emptied_field_leaves_no_hole_and_new_ones_get_a_paragraph() -> None:
    assert join(["a", "", "c"], ["\n", "\n\n"]).text == "a\n\nc"
    assert join(["", "b"], ["\n"]).text == "b"
    assert join(["a", "b", "c"], ["\n"]).text == "a\nb\n\nc"


def test_what_a_form_cannot_hold() -> None:
    line = "word " * 20 + "\n"
    assert cut(line * 150).fits
    assert not cut(line * (FIELD * FIELDS // len(line) + 10)).fits
    assert not cut(("a" * (FIELD - 10) + "\n" * 700) * 3).fits, "gaps take room as well"
