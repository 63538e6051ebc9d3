"""`evaluate` and `replay` as a CI job and an operator type them: what they show and how they end."""

import json
import re
from pathlib import Path

import pytest
from terminal import Ran, Terminal

from bot.quality.evaluation import EvaluationReport

GREET = """\
name: greet-team
title: Greet the team
purpose: Says hello to a team by its name, and sees whether it is a large one.
inputs:
  team: {kind: text, label: Team}
  people: {kind: integer, label: People, required: false, default: 3}
steps:
  - id: size
    kind: decide
    rules:
      - {when: "inputs.people > 10", then: large, because: "More than ten."}
      - {otherwise: small, because: "At most ten."}
  - {id: hello, kind: template, text: "Hello, {{ inputs.team }}!"}
answer:
  large: "{{ hello.text }} So many of you."
  otherwise: "{{ hello.text }}"
"""
CASES = """\
- {id: by-name, inputs: {team: Leeds}, expect: {exact: "Hello, Leeds!", outcome: small}}
- {id: many, inputs: {team: Porto, people: 12}, expect: {outcome: large, pattern: "Hello*many of you?"}}
- {id: reader, inputs: {team: Leeds}, needs: writing_model, expect: {rubric: "Is kind."}}
"""


@pytest.fixture
def terminal(first_run: tuple[Terminal, Ran], tmp_path: Path) -> Terminal:
    made, _ = first_run
    (tmp_path / "greet-team.yaml").write_text(GREET, encoding="utf-8")
    (tmp_path / "greet-team.cases.yaml").write_text(CASES, encoding="utf-8")
    added = made("workflow", "add", tmp_path / "greet-team.yaml")
    assert added.code == 0 and "held to 3 cases" in added.out, added.err
    return made


def test_all_pass(terminal: Terminal) -> None:
    ran = terminal("evaluate", "greet-team")
    assert ran.code == 0, ran.out + ran.err
    assert re.search(r"^by-name +pass", ran.out, re.MULTILINE)
    assert "2 of 2 cases pass." in ran.out
    assert "1 case was not judged by a rubric: that needs a model that writes." in ran.out
    assert re.search(r"^95 of 100 answered within .* Took .* and \$0\.$", ran.out, re.MULTILINE)


def test_without_cases_nothing_is_said_to_have_taken_long(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "greet-all.yaml"
    file.write_text(GREET.replace("name: greet-team", "name: greet-all"), encoding="utf-8")
    assert terminal("workflow", "add", file).code == 0
    ran = terminal("evaluate", "greet-all")
    assert ran.code == 0 and "There are no golden cases yet." in ran.out
    assert "–" not in ran.out and "95 of 100" not in ran.out


def test_one_fails_and_the_report_is_written(terminal: Terminal, tmp_path: Path) -> None:
    wrong = CASES.replace("Hello, Leeds!", "Good day, Leeds!")
    (tmp_path / "greet-team.cases.yaml").write_text(wrong, encoding="utf-8")
    terminal("workflow", "add", tmp_path / "greet-team.yaml")
    ran = terminal("evaluate", "greet-team", "--json", tmp_path / "report.json")
    assert ran.code == 1 and re.search(r"^by-name +FAIL .*another text", ran.out, re.MULTILINE)
    report = EvaluationReport.from_json(json.loads((tmp_path / "report.json").read_text()))
    assert [row.id for row in report.failing] == ["by-name"] and report.asked_by == "terminal"


def test_a_proposed_content_is_compared_with_what_is_live(terminal: Terminal, tmp_path: Path) -> None:
    proposed = tmp_path / "proposed.yaml"
    proposed.write_text(GREET.replace("So many of you.", "Good luck."), encoding="utf-8")
    ran = terminal("evaluate", "greet-team", "--with", f"workflow:greet-team={proposed}")
    assert ran.code == 1, ran.out + ran.err
    assert re.search(r"^many +pass +FAIL .*does not fit", ran.out, re.MULTILINE)
    assert "got worse and none better; that can well be chance (p = 1)." in ran.out
    same = tmp_path / "same.yaml"
    same.write_text(GREET.replace("At most ten.", "Ten or fewer."), encoding="utf-8")
    assert terminal("evaluate", "greet-team", "--with", f"workflow:greet-team={same}").code == 0


def test_what_goes_to_another_program_is_the_report_alone(terminal: Terminal) -> None:
    ran = terminal("evaluate", "greet-team", "--json", "-")
    assert ran.code == 0 and json.loads(ran.out)["workflow"] == "greet-team"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evaluate", "greet-teem"), "Did you mean greet-team?"),
        (("evaluate", "greet-team", "--label", "draft"), "--label should be production or candidate"),
        (("evaluate", "greet-team", "--with", "prompt=x"), "--with should be KIND:NAME=FILE"),
        (("evaluate", "greet-team", "--with", "prompt:a=/nowhere"), "there is no file that can be read"),
        (("evaluate", "greet-team", "--with", "rules:greet-team/size={empty}"), ""),
        (("evaluate", "ask-policy", "--with", "prompt:ask-policy.anser={text}"), "mean ask-policy.answer?"),
        (("evaluate", "greet-team", "--with", "prompt:draft-reply.nothere={text}"), "There is no prompt"),
        (("evaluate", "greet-team", "--with", "models:foo={models}"), "Did you mean models?"),
        (("evaluate", "greet-team", "--with", "workflow:greet={workflow}"), "name must stay greet"),
        (("evaluate", "greet-team", "--label", "candidate"), "There is no candidate of"),
        (("evaluate", "greet-team", "--with", "parameters:greet-team={text}"), "as JSON: {"),
        (("replay", "r_nope"), "There is no run “r_nope”"),
    ],
)
def test_what_cannot_be_done_is_neither_a_pass_nor_a_failing_case(
    terminal: Terminal, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("rules: []\n", encoding="utf-8")
    texts = {"text": "Hello.\n", "models": "default: {model: spanwise/quote}\n", "workflow": GREET}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = {name: tmp_path / name for name in texts} | {"empty": empty}
    ran = terminal(*(word.format(**files) for word in words))
    assert ran.code == 2 and said in ran.err and ran.err.strip(), ran.out + ran.err
    assert "i_" not in ran.err, "a person can put it right"


def test_a_cases_file_with_mistakes_is_not_taken(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "greet-team.cases.yaml").write_text("- {id: a, inputs: {}, expect: {}}\n", encoding="utf-8")
    for word in ("check", "add"):
        ran = terminal("workflow", word, tmp_path / "greet-team.yaml")
        assert ran.code == 1 and "greet-team.cases.yaml:1:" in ran.err and "expects nothing" in ran.err


def test_a_run_is_asked_again_beside_its_answer(first_run: tuple[Terminal, Ran]) -> None:
    terminal, asked = first_run
    run_id = re.search(r"run (r_\w+)", asked.out)
    assert run_id
    ran = terminal("replay", run_id[1])
    assert ran.code == 0, ran.err
    then, now = ran.out.split("\nNow, v")
    assert "Then, v1" in then and "five days" in then and "five days" in now
    assert "Both say the same. Changed in between: nothing" in now
