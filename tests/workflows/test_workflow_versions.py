from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.versions import Version, content_hash, line_diff, readable_diff, word_diff

OLD = "Be brief.\nUse the passages.\nCite them.\nNever guess.\nSay NOT_COVERED.\nStop.\n"
NEW = "Be brief.\nUse the passages.\nCite all of them.\nNever guess.\nSay NOT_COVERED.\nStop.\nThanks.\n"


def test_a_version_does_not_change() -> None:
    version = Version("ask", 1, OLD)
    with pytest.raises(FrozenInstanceError):
        version.content = NEW  # type: ignore[misc]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a\nb\n", "a\r\nb", True),
        ("a  \nb", "a\nb\n\n", True),
        ("a\n  b", "a\nb", False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        ("1", 1, False) if False else ({"a": "1"}, {"a": 1}, False),
    ],
)
def test_what_counts_as_the_same(one: object, other: object, same: bool) -> None:
    assert (content_hash(one) == content_hash(other)) is same  # type: ignore[arg-type]


def test_words() -> None:
    pieces = word_diff("You may carry over five days.", "You may carry over ten days a year.")
    assert [(each.change, each.text) for each in pieces] == [
        ("same", "You may carry over "),
        ("removed", "five"),
        ("added", "ten"),
        ("same", " days"),
        ("added", " a year"),
        ("same", "."),
    ]


def test_readable() -> None:
    assert readable_diff(OLD, NEW).splitlines() == [
        "  Be brief.",
        "  Use the passages.",
        "- Cite them.",
        "+ Cite{+ all of+} them.",
        "  Never guess.",
        "  Say NOT_COVERED.",
        "  Stop.",
        "+ Thanks.",
    ]
    assert readable_diff(OLD, OLD) == ""


def test_long_stretches_without_change_are_left_out() -> None:
    old = "\n".join(str(number) for number in range(40))
    assert readable_diff(old, old.replace("20", "zwanzig")).splitlines() == [
        "  ...",
        "  18",
        "  19",
        "- [-20-]",
        "+ {+zwanzig+}",
        "  21",
        "  22",
        "  ...",
    ]


@given(st.text(max_size=80), st.text(max_size=80))
def test_both_sides_can_be_read_off_a_word_diff(old: str, new: str) -> None:
    pieces = word_diff(old, new)
    assert "".join(each.text for each in pieces if each.change != "added") == old
    assert "".join(each.text for each in pieces if each.change != "removed") == new


_lines = st.lists(st.text(alphabet="abc ", min_size=1, max_size=5), max_size=8).map("\n".join)


@given(_lines, _lines)
def test_both_sides_can_be_read_off_a_line_diff(old: str, new: str) -> None:
    pieces = line_diff(old, new)
    assert "\n".join(each.text for each in pieces if each.change != "added") == old
    assert "\n".join(each.text for each in pieces if each.change != "removed") == new
    readable_diff(old, new)
