"""`workflow check` and `workflow add`: a workflow with its prompts and cases, every problem at once."""

from pathlib import Path

import pytest
from terminal import Ran, Terminal

WORKFLOW = """\
name: hotel-check
title: Check a hotel price
purpose: Says what a hotel room may cost in a city, from the handbook.
inputs:
  city: {kind: text, label: City, max_length: 60}
steps:
  - {id: find, kind: retrieve, title: Reading, collection: people, limit: 4,
     query: "A room in {{ inputs.city }}"}
  - {id: rule, kind: prompt, title: Quoting, task: answer, template: hotel-check.rule, passages: find,
     question: "What may a room in {{ inputs.city }} cost?"}
answer: "{{ rule.text }}"
"""
PROMPT = "---\nvariables: [question, passages]\n---\nAnswer from {{ passages }}:\n{{ question }}\n"
PLACE = "prompts/hotel-check.rule.md:1:1: "


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "var")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A workflow that is in order, with its prompt."""
    file = tmp_path / "hotel-check.yaml"
    file.write_text(WORKFLOW)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "hotel-check.rule.md").write_text(PROMPT)
    return file


def refused(terminal: Terminal, file: Path) -> Ran:
    """How both commands end, which is alike."""
    checked, added = terminal("workflow", "check", file), terminal("workflow", "add", file)
    assert (checked.code, checked.out, checked.err) == (added.code, added.out, added.err)
    assert (checked.code, checked.out) == (1, "")
    return checked


def test_a_workflow_with_its_prompt_is_in_order(terminal: Terminal, file: Path) -> None:
    assert terminal("workflow", "check", file).out.strip() == "hotel-check.yaml is in order"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (PROMPT.replace("question }}", "bogus }}").encode(), "bogus: is not declared in `variables`"),
        (b"", "is empty"),
        (PROMPT.encode("utf-16"), "this is no text; save it as UTF-8"),
        (None, "this is a folder; name a file"),
    ],
    ids=["unknown name", "empty", "utf-16", "folder"],
)
def test_a_prompt_that_cannot_be_used_is_a_line_with_its_place(
    terminal: Terminal, file: Path, written: bytes | None, said: str
) -> None:
    prompt = file.parent / "prompts" / "hotel-check.rule.md"
    prompt.unlink()
    prompt.mkdir() if written is None else prompt.write_bytes(written)
    lines = refused(terminal, file).err.splitlines()
    assert lines[0].startswith(f"{PLACE}{said}"), lines
    assert len([line for line in lines if "this is" in line or "empty" in line]) <= 1


def test_problems_of_workflow_prompt_and_cases_come_together(terminal: Terminal, file: Path) -> None:
    (file.parent / "prompts" / "hotel-check.rule.md").write_text("")
    (file.parent / "hotel-check.cases.yaml").write_text("- {id: leeds, expcet: {}}\n")
    err = refused(terminal, file).err
    assert PLACE in err and "hotel-check.cases.yaml:1:" in err
    file.write_text(WORKFLOW.replace("limit: 4", "limti: 4"))
    err = refused(terminal, file).err
    assert PLACE in err and "hotel-check.yaml:7:" in err and "limti" in err


def test_a_prompt_that_wants_what_its_step_does_not_give_is_refused(terminal: Terminal, file: Path) -> None:
    (file.parent / "prompts" / "hotel-check.rule.md").write_text("Answer {{ question }} in {{ bogus }}.")
    err = refused(terminal, file).err
    assert "hotel-check.yaml:9:" in err and "its prompt uses `bogus`" in err


def test_an_alias_that_is_not_set_up_is_refused_before_it_is_released(terminal: Terminal, file: Path) -> None:
    file.write_text(WORKFLOW.replace("passages: find,", "passages: find, model: defualt,"))
    added = terminal("workflow", "add", file)
    assert (added.code, added.out) == (1, "")
    assert "hotel-check.yaml:9:" in added.err and "alias `defualt`; did you mean `default`?" in added.err
    assert "hotel-check" not in terminal("workflow", "list").out
    (file.parent / "models.yaml").write_text(
        "default: {model: spanwise/quote}\ndefualt: {model: spanwise/quote}\n"
    )
    added = terminal("workflow", "add", file, SPANWISE_MODELS=str(file.parent / "models.yaml"))
    assert added.out.strip() == "hotel-check: released", added.err


def test_a_workflow_that_it_executes_must_be_there(terminal: Terminal, file: Path) -> None:
    calling = (
        '  - {id: ask, kind: call, workflow: ask-polcy, inputs: {question: "{{ inputs.city }}"}}\nanswer:'
    )
    file.write_text(WORKFLOW.replace("answer:", calling, 1))
    added = terminal("workflow", "add", file)
    assert (added.code, added.out) == (1, "")
    assert "there is no workflow `ask-polcy`; did you mean `ask-policy`?" in added.err
    file.write_text(file.read_text().replace("ask-polcy", "ask-policy"))
    assert terminal("workflow", "add", file).out.strip() == "hotel-check: released"


def test_a_collection_that_is_not_there_yet_is_a_warning(terminal: Terminal, file: Path) -> None:
    assert terminal("workflow", "add", file).err == "", "the shipped handbook comes with the first run"
    file.write_text(WORKFLOW.replace("collection: people", "collection: peolpe"))
    added = terminal("workflow", "add", file)
    assert (added.code, added.out.strip()) == (0, "hotel-check: released")
    assert "hotel-check.yaml:7:" in added.err
    assert "there is no collection `peolpe`; did you mean `people`?" in added.err
