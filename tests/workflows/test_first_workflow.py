"""The ten-minute page: what it tells people to type loads, and its mistakes are reported as it says."""

import re

import pytest

from tests.workflows.shipped import HANDBOOK
from workflows.cases import load_cases
from workflows.definition import InvalidWorkflow, check_references, load_workflow
from workflows.template import parse_prompt

PAGE = (HANDBOOK.parents[2] / "docs" / "first-workflow.md").read_text(encoding="utf-8")
FIRST, SECOND, CASES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(PROMPT,) = re.findall(r"```markdown\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", [FIRST, SECOND])
def test_both_files_load_with_the_prompt_beside_them(text: str) -> None:
    workflow = load_workflow(text)
    prompts = {"hotel-check.rule": parse_prompt("hotel-check.rule", PROMPT)}
    assert check_references(workflow, prompts=prompts, workflows=[], collections=["people"]) == ()


def test_the_mistakes_are_reported_word_for_word() -> None:
    broken = SECOND.replace('book: "{{ inputs.price', 'book: "{{ inputs.prize').replace(
        "kind: check", "kind: chek"
    )
    with pytest.raises(InvalidWorkflow) as caught:
        load_workflow(broken)
    for problem in caught.value.problems:
        line = f"hotel-check.yaml:{problem.line}:{problem.column}: {problem.path}: {problem.message}"
        assert line in PAGE


def test_its_cases_ask_what_the_workflow_takes() -> None:
    workflow = load_workflow(SECOND)
    for case in load_cases(CASES):
        assert workflow.read_inputs(case.inputs)
        assert case.expect.outcome in workflow.answer
        assert all((HANDBOOK / path).is_file() for path in case.expect.must_cite)
