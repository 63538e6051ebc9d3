import pytest

from bot.bootstrap import LIBRARY
from workflows.decision_tables import UnknownTable, read_table, rows_of, table_steps, table_text, with_tables
from workflows.definition import InvalidWorkflow, load_workflow
from workflows.rules import decide
from workflows.steps.decide import DecideStep
from workflows.workflow import Workflow

ALL = [path for path in sorted(LIBRARY.glob("*.yaml")) if not path.name.endswith(".cases.yaml")]


@pytest.fixture
def triage() -> Workflow:
    return load_workflow((LIBRARY / "triage-request.yaml").read_text())


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_shipped_table_survives_being_taken_out_and_put_back(path) -> None:
    workflow = load_workflow(path.read_text())
    tables = {step: table_text(rows_of(workflow, step)) for step in table_steps(workflow)}
    assert with_tables(workflow, tables).content_hash == workflow.content_hash


def test_a_changed_table_decides_differently(triage: Workflow) -> None:
    rows = [{"when": "sort.label == 'purchase'", "then": "front_desk", "because": 'Ask first: "why?"\n'}]
    rows.append({"otherwise": "payroll_and_expenses", "because": "Ünused"})
    changed = with_tables(triage, {"route": table_text(rows)})
    step = changed.step("route")
    assert isinstance(step, DecideStep)
    assert decide(step.table, {"sort": {"label": "purchase"}}).outcome == "front_desk"
    assert rows_of(changed, "route") == tuple(rows)
    assert rows_of(triage, "route") != tuple(rows)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("- {when: 'sort.label ==', then: x}\n- {otherwise: y}", "CEL"),
        ("- {when: 'sorted.label == 1', then: x}\n- {otherwise: y}", "sort"),
        ("- {when: 'sort.label == \"a\"', then: front_desk}", "otherwise"),
        ("just words", "list"),
        ("- [1]", "list"),
        ("- &a {when: x}", "anchor"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(triage: Workflow, text: str, word: str) -> None:
    with pytest.raises(InvalidWorkflow) as caught:
        with_tables(triage, {"route": text})
    assert word in caught.value.facts["problems"]


def test_a_step_without_a_table(triage: Workflow) -> None:
    for name in ("sort", "nowhere"):
        with pytest.raises(UnknownTable) as caught:
            rows_of(triage, name)
        assert caught.value.facts["known"] == "route"
        with pytest.raises(UnknownTable):
            with_tables(triage, {name: "[]"})


def test_text_that_is_not_yaml() -> None:
    with pytest.raises(InvalidWorkflow):
        read_table("- {when: [")
