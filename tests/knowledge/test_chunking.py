import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunking import HARD_LIMIT, LIMIT, cut, header_of, parse_blocks

PAGE = """# Leave

Everyone has leave
that was wrapped here.

## Carry over

You may carry over five days.

- One more in Leeds
- Two more in Toronto

| City | Days |
| --- | --- |
| Leeds | 6 |

```
# not a heading

| not | a table |
```
"""


def test_chunks_follow_headings_and_keep_structure() -> None:
    chunks = cut(PAGE, document_id="d")
    assert [chunk.headings for chunk in chunks[:2]] == [("Leave",), ("Leave", "Carry over")]
    assert chunks[0].text == "Everyone has leave that was wrapped here."
    assert "- One more in Leeds\n- Two more in Toronto" in chunks[1].text
    assert "| City | Days |\n| --- | --- |\n| Leeds | 6 |" in chunks[1].text
    assert "# not a heading" in chunks[1].text
    assert chunks[1].location == "Carry over"
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))


def test_a_long_table_repeats_its_header_and_numbers_its_rows() -> None:
    table = "| City | Rate |\n| --- | --- |\n" + "\n".join(
        f"| City {n} | {n} EUR a night |" for n in range(80)
    )
    chunks = cut(f"# Rates\n\n{table}", document_id="d")
    assert len(chunks) > 1
    assert all(chunk.text.startswith("| City | Rate |\n| --- | --- |\n") for chunk in chunks)
    assert chunks[0].location.startswith("Rates, rows 2-")
    rows = [line for chunk in chunks for line in chunk.text.splitlines()[2:]]
    assert len(rows) == 80


@pytest.mark.parametrize("header", ["| City | Note |\n| --- | --- |\n", f"| {'City ' * 900}|\n| --- |\n", ""])
def test_a_row_that_is_longer_than_any_chunk_loses_nothing(header: str) -> None:
    words = [f"word{n}" for n in range(1_200)]
    table = f"{header}| Leeds | {' '.join(words)} |\n| Lisbon | last |"
    chunks = cut(f"# Rates\n\n{table}", document_id="d")
    if header.startswith("| City | Note"):
        assert all(chunk.text.startswith(header) for chunk in chunks)
        assert [chunk.location for chunk in chunks[:4]] == ["Rates, rows 2-2"] * 3 + ["Rates, rows 3-3"]
    text = " ".join(chunk.text for chunk in chunks).split()
    assert [word for word in text if word.startswith("word")] == words
    assert "last" in text
    assert text.count("City") == (table.count("City") if len(header) > HARD_LIMIT else text.count("Note"))


def test_ids_move_with_text_not_with_place() -> None:
    before = {chunk.text: chunk.id for chunk in cut(PAGE, document_id="d")}
    after = {chunk.text: chunk.id for chunk in cut(f"# New\n\nA first section.\n\n{PAGE}", document_id="d")}
    assert before.items() <= after.items()
    assert not set(before.values()) & {chunk.id for chunk in cut(PAGE, document_id="other")}


def test_repeated_text_has_ids_of_its_own() -> None:
    chunks = cut("# A\n\nSame words.\n\n# A\n\nSame words.\n", document_id="d")
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@pytest.mark.parametrize("mark", ["<!-- page 2 -->", "<!-- Slide number: 2 -->", "<!-- sheet Rates -->"])
def test_marks_become_places(mark: str) -> None:
    chunks = cut(f"first\n\n{mark}\n\nsecond", document_id="d")
    assert chunks[1].location in {"page 2", "slide 2", "sheet Rates"}
    assert mark not in chunks[1].text


@pytest.mark.parametrize("start", ["# a", "<!-- sheet"])
def test_blanks_within_a_line_take_no_time(start: str) -> None:
    begun = time.process_time()
    cut(f"{start}{' ' * 3_000}b\n\ntext", document_id="d")
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("line", "heading"),
    [("## a  b ##", "a  b"), ("# C#", "C"), ("# a # b #  ", "a # b"), ("###   a", "a"), ("# #", "")],
)
def test_headings_are_read_without_what_closes_them(line: str, heading: str) -> None:
    assert cut(f"{line}\n\ntext", document_id="d")[0].headings == ((heading,) if heading else ())


def test_header_names_each_title_once() -> None:
    assert header_of("Leave", ("Leave", "Carry over")) == "Leave > Carry over"


@given(st.text(max_size=3000))
def test_any_text_is_cut_within_bounds(text: str) -> None:
    chunks = cut(text, document_id="d")
    assert all(len(chunk.text) <= HARD_LIMIT for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@given(st.lists(st.text("abc .", min_size=1, max_size=400), max_size=20))
def test_no_word_of_prose_is_lost(paragraphs: list[str]) -> None:
    text = "\n\n".join(paragraphs)
    kept = "".join(chunk.text for chunk in cut(text, document_id="d"))
    assert "".join(kept.split()) == "".join(text.split())
    assert all(len(chunk.text) <= LIMIT for chunk in cut(text, document_id="d"))


def test_blocks_know_tables() -> None:
    assert [block.is_table for block in parse_blocks("text\n| a | b |\n| 1 | 2 |\nafter")] == [
        False,
        True,
        False,
    ]
