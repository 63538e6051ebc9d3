"""What changed between two texts, and the part of it that is shown."""

from hypothesis import given
from hypothesis import strategies as st

from bot.governance.differences import GAP, changed_parts, differences, is_cut
from workflows.versions import Piece

OLD = "Be brief.\nUse the passages.\nCite them.\nNever guess.\nSay NOT_COVERED.\nStop.\n"
NEW = "Be brief.\nUse the passages.\nCite all of them.\nNever guess.\nSay NOT_COVERED.\nStop.\nThanks.\n"


def test_words_within_a_line() -> None:
    pieces = differences("You may carry over five days.", "You may carry over ten days a year.")
    assert [(each.change, each.text) for each in pieces] == [
        ("same", "You may carry over "),
        ("removed", "five"),
        ("added", "ten"),
        ("same", " days"),
        ("added", " a year"),
        ("same", "."),
    ]


def test_reworded_lines_and_lines_that_came() -> None:
    assert differences(OLD, NEW) == (
        Piece("same", "Be brief.\nUse the passages.\nCite"),
        Piece("added", " all of"),
        Piece("same", " them.\nNever guess.\nSay NOT_COVERED.\nStop.\n"),
        Piece("added", "Thanks.\n"),
    )
    assert differences(OLD, OLD) == (Piece("same", OLD),)


def test_long_stretches_without_change_are_left_out() -> None:
    old = "\n".join(str(number) for number in range(1000))
    pieces = differences(old, old.replace("500", "fivehundred"))
    shown = changed_parts(pieces, around=10)
    assert [each.text for each in shown if each.change != "same"] == ["500", "fivehundred"]
    assert sum(len(each.text) for each in shown) < 60 and GAP in shown[0].text
    assert is_cut(pieces, shown) and not is_cut(pieces, pieces)


@given(st.text(max_size=80), st.text(max_size=80))
def test_both_sides_can_be_read_off(old: str, new: str) -> None:
    pieces = differences(old, new)
    assert "".join(each.text for each in pieces if each.change != "added") == old
    assert "".join(each.text for each in pieces if each.change != "removed") == new


_lines = st.lists(st.text(alphabet="abc ", min_size=1, max_size=5), max_size=8).map("\n".join)


@given(_lines, _lines)
def test_both_sides_can_be_read_off_lines_and_shown_within_a_limit(old: str, new: str) -> None:
    pieces = differences(old, new)
    assert "".join(each.text for each in pieces if each.change != "added") == old
    assert "".join(each.text for each in pieces if each.change != "removed") == new
    assert sum(len(each.text) for each in changed_parts(pieces, limit=20)) <= 22
