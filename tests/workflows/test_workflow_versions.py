import pytest

from workflows.versions import content_hash


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
