from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.definition import InvalidWorkflow, check_references, load_workflow
from workflows.steps import KINDS
from workflows.template import parse_prompt

ASK = """\
name: ask
title: Ask
purpose: Answers questions.
inputs:
  question: {kind: text, label: Your question, max_length: 2000, from: message}
  tone: {kind: choice, choices: [friendly, formal], required: false}
parameters:
  page: {kind: integer, default: 6, min: 1, max: 20, help: How many}
  min_support: {kind: number, default: 0.4, min: 0, max: 1}
steps:
  - {id: find, kind: retrieve, collection: hr, query: "{{ inputs.question }}", limit: "{{ parameters.page }}"}
  - id: route
    kind: decide
    rules:
      - {when: "find.support < parameters.min_support", then: not_covered, because: Too far off}
      - {otherwise: covered}
  - id: answer
    kind: prompt
    when: route.outcome == "covered"
    task: answer
    template: ask.answer
    passages: find
    question: "{{ inputs.question }}"
  - {id: check, kind: check, needs: [answer], of: answer, checks: [cites_sources, grounded, {max_words: 250}],
     on_fail: {retry: 1, then: not_covered}}
answer:
  covered: "{{ answer.text }}"
  not_covered: I could not find this.
"""


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidWorkflow) as caught:
        load_workflow(text)
    return [str(problem) for problem in caught.value.problems]


def test_it_loads() -> None:
    workflow = load_workflow(ASK)
    assert [step.id for step in workflow.steps] == ["find", "route", "answer", "check"]
    assert workflow.edges["answer"].uses == {"find", "route"}
    assert workflow.spoken == {"answer"}
    assert workflow.feeding["covered"] == {"find", "answer"}
    assert workflow.feeding["not_covered"] == frozenset()


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("title: Ask", "titel: Ask", 2, "`title`"),
        ("purpose: Answers questions.\n", "", 1, "is missing"),
        ("name: ask\n", "name: Ask Policy\n", 1, "small letters"),
        ("name: ask\n", "name: 12\n", 1, "must be text"),
        ("label: Your question", "lable: Your question", 5, "did you mean `label`"),
        ("kind: text,", "kind: txt,", 5, "must be 'text'"),
        ("max_length: 2000", "max_length: many", 5, "whole number"),
        ("from: message", "from: mail", 5, "must be"),
        ("choices: [friendly, formal], ", "", 6, "choices"),
        ("default: 6", "default: 60", 8, "must be 20 or less"),
        ("default: 6, min: 1", "default: 6, min: 30", 8, "above its"),
        ("kind: retrieve", "kind: retreive", 11, "does not exist"),
        ("kind: retrieve, ", "", 11, "needs a `kind`"),
        ("collection: hr", "collection: Hr!", 11, "small letters"),
        ("collection: hr, ", "", 11, "is missing"),
        ('{{ inputs.question }}", limit', '{{ inputs.qestion }}", limit', 11, "did you mean `question`"),
        ('{{ inputs.question }}", limit', '{{ input.question }}", limit', 11, "did you mean `inputs`"),
        ('{{ inputs.question }}", limit', '{{ inputs.question | upper }}", limit', 11, "plain name"),
        ('{{ inputs.question }}", limit', '{{ inputs }}", limit', 11, "needs the name of one"),
        (
            'limit: "{{ parameters.page }}"',
            'limit: "{{ parameters.pagse }}"',
            11,
            "did you mean `page`",
        ),
        ('limit: "{{ parameters.page }}"', "limit: six", 11, "must be a number"),
        ('limit: "{{ parameters.page }}"', "limit: 6, timeout_s: -1", 11, "more than 0"),
        ('limit: "{{ parameters.page }}"', "limit: 6, retry: 9", 11, "5 or less"),
        ('limit: "{{ parameters.page }}"', "needs: [nobody]", 11, "there is no step `nobody`"),
        ('limit: "{{ parameters.page }}"', "needs: [check]", 11, "wait for each other"),
        ("id: find", "id: inputs", 11, "another meaning"),
        ("id: route", "id: find", 12, "two steps `find`"),
        ("find.support <", "find.suport <", 15, "did you mean `support`"),
        ("find.support <", "fnd.support <", 15, "did you mean `find`"),
        ("find.support <", "find.support <<", 15, "not a condition"),
        ("find.support <", "'a' <", 15, "different kinds"),
        ("find.support < parameters.min_support", "find.count", 15, "neither true nor false"),
        ("find.support < parameters.min_support", "inputs.tone.size() > 2", 15, "`inputs.tone != null &&`"),
        ("find.support < parameters.min_support", "find.count < 1 && find.count > 1", 15, "never hold"),
        ("find.support < parameters.min_support", "inputs.tone == 'formel'", 15, "did you mean `formal`"),
        (", then: not_covered, because", ", because", 15, "`when` and `then`"),
        ("      - {otherwise: covered}\n", "", 14, "must end with one `otherwise`"),
        ('route.outcome == "covered"', 'route.outcome == "coverd"', 19, "did you mean `covered`"),
        ("passages: find", "passages: route", 22, "not a retrieve step"),
        ("passages: find", "passages: [find, nobody]", 22, "there is no `nobody`"),
        ("    task: answer\n", "    task: sing\n", 20, "must be 'answer'"),
        ("    template: ask.answer\n", "", 17, "is missing"),
        ("of: answer", "of: find", 24, "not a prompt step"),
        ("grounded, {max", "grounde, {max", 24, "did you mean `grounded`"),
        ("{max_words: 250}", "max_words", 24, "needs a limit"),
        ("then: not_covered}}", "then: not_coverd}}", 25, "did you mean `not_covered`"),
        ('  covered: "{{ answer.text }}"', '  covered: "{{ answer.txt }}"', 27, "did you mean `text`"),
        ("  not_covered: I", "  nothing: I", 28, "no decide or check step"),
        ("  not_covered: I could not find this.\n", "", 26, "without an answer"),
        ("  not_covered: I", "  not_covered: 5 #", 28, "must be text"),
        ("answer:\n  covered", "answers:\n  covered", 26, "did you mean `answer`"),
    ],
)
def test_one_thing_wrong(old: str, new: str, line: int, part: str) -> None:
    assert old in ASK
    text = ASK.replace(old, new, 1)
    if part == "":
        assert load_workflow(text)
        return
    found = problems(text)
    assert any(each.startswith(f"line {line},") and part in each for each in found), found


def test_all_problems_at_once() -> None:
    text = ASK.replace("title: Ask", "titel: Ask").replace("find.support <", "find.suport <")
    text = text.replace("of: answer", "off: answer").replace("answer.text", "answer.txt")
    found = "\n".join(problems(text))
    for part in ("`title`", "`support`", "`of`", "line 27"):
        assert part in found, found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "5",
        "name: [",
        "steps: 3",
        "steps: []",
        "steps: [3]",
        "steps: [[]]",
        "steps: [{id: [x]}]",
        "answer: []",
        "inputs: 3",
        "inputs: {a: 3}",
        "a: &b c",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert problems(text)


def test_an_answer_may_be_plain_text() -> None:
    head, _, _ = ASK.partition("answer:\n  covered")
    workflow = load_workflow(head + 'answer: "{{ answer.text }}"\n')
    assert list(workflow.answer) == [""]


def test_otherwise_makes_an_answer_certain() -> None:
    text = ASK.replace("not_covered: I could", "otherwise: I could")
    assert load_workflow(text).answer["otherwise"].source == "I could not find this."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  not_covered: I could", "  otherwise: I could"),
        (
            "answer:\n  covered",
            "  - {id: last, kind: decide, rules: [{when: check.outcome == 'refused', then: not_covered},"
            " {otherwise: covered}]}\nanswer:\n  covered",
        ),
    ],
)
def test_the_outcome_of_a_failed_check_may_lead_elsewhere(old: str, new: str) -> None:
    assert load_workflow(ASK.replace("then: not_covered}}", "then: refused}}").replace(old, new, 1))


def test_layout_does_not_change_the_hash() -> None:
    same = ASK.replace("title: Ask", 'title:   "Ask"   # a remark')
    other = ASK.replace("title: Ask", "title: Asks")
    assert load_workflow(same).content_hash == load_workflow(ASK).content_hash
    assert load_workflow(other).content_hash != load_workflow(ASK).content_hash


def test_who_reads_a_checked_step_waits_for_its_check() -> None:
    text = ASK.replace(
        "answer:\n  covered",
        '  - {id: letter, kind: template, needs: [answer], text: "{{ answer.text }}"}\nanswer:\n  covered',
    )
    assert load_workflow(text).edges["letter"].after == {"check"}


def test_two_checks_of_one_step_are_refused() -> None:
    text = ASK.replace(
        "answer:\n  covered",
        "  - {id: again, kind: check, of: answer, checks: [not_empty]}\nanswer:\n  covered",
    )
    assert any("checked twice" in each for each in problems(text))


def test_references() -> None:
    workflow = load_workflow(ASK)
    prompts = {"ask.answer": parse_prompt("ask.answer", "{{ question }} {{ passages }}")}
    assert check_references(workflow, prompts=prompts, workflows=[]) == ()
    assert (
        check_references(workflow, prompts=prompts, workflows=[], collections=["hr"], aliases=["default"])
        == ()
    )
    found = check_references(
        workflow,
        prompts={"ask.anser": prompts["ask.answer"]},
        workflows=[],
        collections=["hrs"],
        aliases=["defalt"],
    )
    assert [(each.line, each.message.rpartition("; ")[2]) for each in found] == [
        (11, "did you mean `hrs`?"),
        (17, "did you mean `defalt`?"),
        (21, "did you mean `ask.anser`?"),
    ]


def test_a_prompt_may_use_only_what_its_step_gives() -> None:
    prompts = {"ask.answer": parse_prompt("ask.answer", "{{ question }} {{ passages }} {{ tone }}")}
    (found,) = check_references(load_workflow(ASK), prompts=prompts, workflows=[])
    assert "uses `tone`" in found.message


def test_a_called_workflow_must_exist() -> None:
    head = "name: a\ntitle: A\npurpose: P\nsteps:\n"
    text = head + "  - {id: x, kind: call, workflow: asq}\nanswer: '{{ x.text }}'\n"
    (found,) = check_references(load_workflow(text), prompts={}, workflows=["ask"])
    assert (found.line, found.path) == (5, "steps.0.workflow")
    assert "did you mean `ask`" in found.message


@given(st.integers(0, len(ASK)), st.integers(0, 40), st.text(alphabet="ab:-[]{}\"'\n #,&*!|>x1", max_size=12))
def test_any_damage_is_read_or_refused_with_places(start: int, length: int, put: str) -> None:
    text = ASK[:start] + put + ASK[start + length :]
    try:
        load_workflow(text)
    except InvalidWorkflow as error:
        assert error.problems
        assert all(1 <= problem.line <= text.count("\n") + 2 for problem in error.problems)


_scraps = st.recursive(
    st.sampled_from(["find", "{{ a.b }}", "a.b > 1", "prompt", "", "NO"])
    | st.integers()
    | st.booleans()
    | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "when",
                    "needs",
                    "rules",
                    "then",
                    "text",
                    "limit",
                    "schema",
                    "fields",
                    "labels",
                    "items",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(sorted(KINDS)), _scraps)
def test_any_step_is_read_or_refused(kind: str, scrap: object) -> None:
    import json

    step = {**(scrap if isinstance(scrap, dict) else {"x": scrap}), "kind": kind}
    text = f"name: a\ntitle: A\npurpose: P\nsteps: [{json.dumps(step)}]\nanswer: hello\n"
    try:
        load_workflow(text)
    except InvalidWorkflow as error:
        assert error.problems


def test_the_contract_is_what_ships() -> None:
    library = Path(__file__).parents[2] / "workflows" / "library"
    for path in library.glob("*.yaml"):
        if not path.name.endswith(".cases.yaml"):
            assert load_workflow(path.read_text(encoding="utf-8")).name == path.stem
