"""Citations of one place stand on one line."""

from datetime import UTC, datetime

from knowledge.document import Citation, Passage, by_place


def passage(
    chunk: str, document: str = "d1", headings: tuple[str, ...] = ("Carry over",), version: int = 1
) -> Passage:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Passage(chunk, document, "people", "Leave", headings, "", "text", version, "", at, 0.5)


def test_marks_of_one_place_are_put_together_in_the_order_of_the_text() -> None:
    cited = [
        passage("a"),
        passage("b", headings=("Sickness",)),
        passage("c"),
        passage("d", document="d2"),
        passage("e", version=2),
    ]
    places = by_place(Citation(number, each) for number, each in enumerate(cited, 1))
    assert [(marks, each.chunk_id) for marks, each in places] == [
        ("[1][3]", "a"),
        ("[2]", "b"),
        ("[4]", "d"),
        ("[5]", "e"),
    ]
