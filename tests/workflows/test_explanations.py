from pathlib import Path

import jsonschema
import pytest

from tests.workflows.shipped import NAMES, cases, load
from workflows.cases import InvalidCases, load_cases
from workflows.diagram import mermaid
from workflows.explanation import explain_workflow
from workflows.reader import read_yaml
from workflows.schema import schema_text

DOCS = Path(__file__).parents[2] / "docs"
LIBRARY = Path(__file__).parents[2] / "workflows" / "library"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_shipped_workflow_is_current(name: str) -> None:
    page = DOCS / "workflows" / f"{name}.md"
    assert page.read_text(encoding="utf-8").endswith(explain_workflow(load(name), cases(name)))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_every_step_rule_and_answer(name: str) -> None:
    workflow = load(name)
    page = explain_workflow(workflow, cases(name))
    for step in workflow.steps:
        assert f"(`{step.id}`, {step.kind})" in page
        for rule in getattr(step, "table", ()):
            assert f"`{rule.then}`" in page
    assert all(f"`{entry}`" in page for entry in workflow.answer if entry)


@pytest.mark.parametrize("name", NAMES)
def test_a_diagram_has_every_step_and_no_loose_end(name: str) -> None:
    workflow = load(name)
    lines = mermaid(workflow).splitlines()
    arrows = [line.split(" -->") for line in lines if " -->" in line]
    reached = {line.rpartition(" ")[2] for line in lines if " -->" in line}
    assert {f"s_{step.id}" for step in workflow.steps} <= reached
    assert {f"answer_{entry or 'only'}" for entry in workflow.answer} <= reached
    assert all(source.strip() == "start" or source.strip() in reached for source, *_ in arrows)


def test_the_schema_for_editors_is_current() -> None:
    assert (DOCS / "schema" / "workflow.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("name", NAMES)
def test_shipped_workflows_keep_the_schema(name: str) -> None:
    import json

    document = read_yaml((LIBRARY / f"{name}.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(document.value)


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("- {id: a, inputs: {q: x}}", 1, "is missing"),
        ("- {id: a, inputs: {q: x}, expect: {outcom: x}}", 1, "did you mean `outcome`"),
        (
            "- {id: a, inputs: {q: x}, expect: {label: a}}\n- {id: a, inputs: {q: x}, expect: {label: a}}",
            2,
            "two cases",
        ),
        ("- {id: a b, inputs: {q: x}, expect: {}}", 1, "small letters"),
        ("a: 1", 1, "must be a list"),
        ("- &x {}", 1, "anchors"),
    ],
)
def test_bad_cases(text: str, line: int, part: str) -> None:
    with pytest.raises(InvalidCases) as caught:
        load_cases(text)
    assert any(each.line == line and part in each.message for each in caught.value.problems), str(
        caught.value
    )


def test_inputs_of_cases_are_as_typed() -> None:
    (case,) = load_cases("- {id: a, inputs: {n: 5, b: true, t: x}, expect: {fields: {due: 2026-12-01}}}")
    assert case.inputs == {"n": "5", "b": "yes", "t": "x"}
    assert case.expect.fields == {"due": "2026-12-01"}
