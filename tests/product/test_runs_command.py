"""`python -m bot runs` and `retention` as an operator types them."""

import csv
import json
from pathlib import Path

import pytest
from terminal import Ran, Terminal

from bot.services.run_files import COLUMNS

QUESTION = "How many days of leave can I carry over?"
"""What the first run asked."""

pytestmark = pytest.mark.xdist_group("product")


@pytest.fixture
def terminal(first_run: tuple[Terminal, Ran]) -> Terminal:
    return first_run[0]


def test_a_table_of_runs_with_filters(terminal: Terminal) -> None:
    ran = terminal("runs", "ask-policy", "answered", "carry over")
    assert ran.code == 0, ran.err
    assert QUESTION in ran.out and "answered" in ran.out and "r_" in ran.out
    assert "There are none." in terminal("runs", "failed", "until", "2001-01-01").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("faild",), "Did you mean failed?"),
        (("ask-polici",), "Did you mean ask-policy?"),
        (("since", "christmas"), "is no time"),
        (("--format", "xlsx"), "should be csv or jsonl"),
    ],
)
def test_what_cannot_be_looked_for_is_said(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    ran = terminal("runs", *words)
    assert ran.code != 0 and said in ran.err


def test_files_hold_every_run_and_are_on_record(terminal: Terminal, tmp_path: Path) -> None:
    whole = tmp_path / "runs.csv"
    ran = terminal("runs", "ask-policy", "--format", "csv", "--out", whole)
    assert ran.code == 0 and "is on record" in ran.err
    with whole.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == COLUMNS and rows[0]["asked"] == QUESTION and rows[0]["content"] == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"], "nothing else is left there"
    lined = terminal("runs", "ask-policy", "--format", "jsonl")
    first = json.loads(lined.out.splitlines()[0])
    assert first["run"] == rows[0]["run"] and first["steps"][0]["kind"] == "retrieve"
    assert "runs.exported" in terminal("audit", "export", "--action", "runs").out


def test_nothing_is_left_where_a_file_cannot_be_written(terminal: Terminal, tmp_path: Path) -> None:
    ran = terminal("runs", "nobody-wrote-this", "--format", "csv", "--out", tmp_path / "runs.csv")
    assert ran.code == 1 and list(tmp_path.iterdir()) == []


def test_retention_is_set_and_carried_out(terminal: Terminal) -> None:
    assert "ask-policy for ever, as everywhere here" in terminal("retention").out
    assert "is kept 90 days" in terminal("retention", "ask-policy", "90", "days").out
    assert "Nothing is due." in terminal("retention", "--now").out, "every run is younger"
    assert "is no time" in terminal("retention", "ask-policy", "soon").err
    terminal("retention", "ask-policy", "default")
    assert "ask-policy 30 days, as everywhere" in terminal("retention", SPANWISE_RETENTION_DAYS="30").out


def test_a_copy_of_the_database_is_restored_elsewhere(terminal: Terminal, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    ran = terminal("backup", copy)
    assert ran.code == 0 and "whole and checked" in ran.out, ran.err
    again = terminal("backup", copy)
    assert again.code == 1 and "another name" in again.err
    elsewhere = Terminal(tmp_path / "var", dict(terminal.settings))
    elsewhere.data_dir.mkdir()
    copy.rename(elsewhere.data_dir / "spanwise.db")
    assert elsewhere("migrate").code == 0
    verified = elsewhere("audit", "verify")
    assert verified.code == 0, verified.out
    assert QUESTION in elsewhere("runs", "ask-policy").out
