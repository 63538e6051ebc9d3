"""Files of runs: what goes in comes out, and no cell is a formula."""

import csv
import io
import json
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.services.run_files import COLUMNS, RunRecord, asked_of, heading, lines
from bot.services.table_files import cell_text, csv_lines, safe_cell
from tests.bot.history_rows import NOW

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
risky = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", " ", '"', "'", "“", "\t", " \"'"]),
        st.sampled_from(["=", "+", "-", "@", "\t", "\r", "＝"]),
        words,
    ),
)
cells = words | risky


@given(cells)
def test_a_cell_is_read_back_and_is_no_formula(text: str) -> None:
    cell = safe_cell(text)
    assert cell_text(cell) == text
    seen = cell.lstrip(' "“”„‘’`«»\u00a0')
    assert not seen.startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5))
def test_a_table_is_read_back(rows: list[list[str]]) -> None:
    found = list(csv.reader(io.StringIO(csv_lines(rows), newline="")))
    assert [[cell_text(cell) for cell in row] for row in found] == rows


def record(question: str, answer: str, name: str) -> RunRecord:
    row: Any = SimpleNamespace(
        id="r_1",
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        workflow="ask-policy",
        version=3,
        label="production",
        actor_id="U0ANA",
        actor={"name": name},
        origin={"surface": "command"},
        status="succeeded",
        ending="answered",
        answer={"text": answer, "outcome": "covered", "citations": [], "notes": []},
        inputs={"question": question},
        failure=None,
        pins={},
        follows="",
    )
    return RunRecord(row, "kept")


@given(cells, cells, cells)
def test_runs_are_read_back_from_both_forms(question: str, answer: str, name: str) -> None:
    made = record(question, answer, name)
    text = heading("csv") + lines([made], "csv")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert tuple(row) == COLUMNS
    assert [cell_text(row[key]) for key in ("asked", "answer", "name")] == [question, answer, name]
    (line,) = lines([made], "jsonl").split("\n")[:-1]
    found = json.loads(line)
    assert (found["inputs"], found["answer"], found["name"]) == ({"question": question}, answer, name)


def test_several_inputs_are_named() -> None:
    assert asked_of({"from": "Oslo", "to": "Rome"}) == "from: Oslo\nto: Rome"
    assert asked_of({}) == ""


def test_what_is_withheld_is_in_neither_form() -> None:
    made = record("Why?", "Because of the merger.", "Ana")
    hidden = RunRecord(made.row, "withheld")
    assert "merger" in lines([made], "csv") + lines([made], "jsonl")
    assert "merger" not in lines([hidden], "csv") + lines([hidden], "jsonl")
