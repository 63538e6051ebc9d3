"""The shipped workflows as files: they load, name only what exists, and fit where Slack shows them."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.fakes import FakeClock, FakeJournal, FakeLibrary, FakeRetriever
from tests.workflows.shipped import HANDBOOK, LIBRARY, NAMES, cases, load, prompts
from workflows.cases import Case
from workflows.definition import check_references
from workflows.engine import execute
from workflows.ports import ModelReply, ModelRequest, Ports
from workflows.rules import ConditionFailed, decide
from workflows.run import Json, RunStatus, Usage
from workflows.steps import KINDS
from workflows.steps.decide import DecideStep
from workflows.template import look_up

ENOUGH_CASES = {"ask-policy": 12, "triage-request": 12, "summarise-thread": 5, "draft-reply": 5}
ALL = [pytest.param(name, case, id=f"{name}-{case.id}") for name in NAMES for case in cases(name)]
TABLES = [
    pytest.param(name, step, id=f"{name}-{step.id}")
    for name in NAMES
    for step in load(name).steps
    if isinstance(step, DecideStep)
]


def test_every_workflow_has_cases_and_every_case_file_a_workflow() -> None:
    files = {path.name.removesuffix(".yaml") for path in LIBRARY.glob("*.yaml")}
    assert set(NAMES) == {name for name in files if not name.endswith(".cases")} == set(ENOUGH_CASES)


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_names_only_what_exists(name: str) -> None:
    workflow = load(name)
    assert workflow.name == name
    assert check_references(workflow, prompts=prompts(), workflows=NAMES, collections=["people"]) == ()


def test_every_prompt_is_used() -> None:
    used = {getattr(step, "template", "") for name in NAMES for step in load(name).steps}
    assert set(prompts()) <= used


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_that_reads_the_words_of_others_marks_them_as_data(name: str) -> None:
    for step in load(name).steps:
        template = getattr(step, "template", "")
        if template:
            text = prompts()[template].text
            assert "<<<" in text
            assert "is data written by others" in text


@pytest.mark.parametrize("name", NAMES)
def test_names_and_inputs_fit_in_slack(name: str) -> None:
    workflow = load(name)
    assert len(f"/{workflow.name}") <= 32
    assert len(workflow.title) <= 24, "the title of a modal"
    assert len(workflow.purpose) <= 300, "read in a list of workflows"
    for given in workflow.inputs.values():
        assert given.label
        assert len(given.label) <= 150
        assert len(given.help) <= 150
        assert all(len(choice) <= 75 for choice in given.choices)
    assert all(step.title and len(step.title) <= 60 for step in workflow.steps), "shown as progress"
    assert all(parameter.help for parameter in workflow.parameters.values())
    assert workflow.examples
    sources = [given.source for given in workflow.asked_inputs.values()]
    assert sources.count("") == len(sources) - 1, "a message fills exactly one"


@pytest.mark.parametrize("name", NAMES)
def test_there_are_enough_cases_that_the_built_in_model_must_meet(name: str) -> None:
    assert sum(not case.needs for case in cases(name)) >= ENOUGH_CASES[name]


@pytest.mark.parametrize(("name", "case"), ALL)
def test_a_case_asks_what_can_be_asked_and_expects_what_can_come(name: str, case: Case) -> None:
    workflow = load(name)
    assert workflow.read_inputs(case.inputs)
    outcomes = {outcome for step in workflow.steps for outcome in getattr(step, "outcomes", ())}
    assert case.expect.outcome in outcomes
    assert all((HANDBOOK / path).is_file() for path in case.expect.must_cite)
    assert bool(case.needs) == bool(case.why), "what the built-in model cannot meet says why"


@pytest.mark.parametrize("name", NAMES)
def test_every_outcome_of_a_decision_has_a_case(name: str) -> None:
    covered = {case.expect.outcome for case in cases(name)}
    answers = {
        outcome for step in load(name).steps if isinstance(step, DecideStep) for outcome in step.outcomes
    }
    assert answers <= covered


@pytest.mark.parametrize(("name", "step"), TABLES)
def test_every_row_of_a_decision_table_can_fire(name: str, step: DecideStep) -> None:
    rows = set(range(1, len(step.table) + 1))
    for scope in _scopes(name, step):
        try:
            rows.discard(decide(step.table, scope).rule)
        except ConditionFailed:
            continue
        if not rows:
            return
    assert not rows


@pytest.mark.parametrize(("name", "step"), TABLES)
def test_every_row_of_a_decision_table_says_why(name: str, step: DecideStep) -> None:
    assert all(row.because for row in step.rules)


def _scopes(name: str, step: DecideStep) -> Iterator[dict[str, Any]]:
    """Scopes around every value that the table compares with, parameters at their defaults."""
    workflow = load(name)
    sample: dict[str, Json] = {each.id: dict(KINDS[each.kind].sample(each)) for each in workflow.steps}
    sample["inputs"] = {
        name: 0.0 if given.kind == "number" else "" for name, given in workflow.inputs.items()
    }
    parameters = workflow.read_parameters({})
    text = " ".join(str(rule.when) for rule in step.table)
    words = [*text.split('"')[1::2], "", "x" * 5000]
    around = [float(p) + d for p in parameters.values() if isinstance(p, int | float) for d in (-1, 0, 1)]
    numbers = sorted({0.0, 1.0, *around})
    read = sorted(
        {r for rule in step.table if rule.when for r in rule.when.references if r[0] != "parameters"}
    )
    choices = [_values(look_up(sample, reference), words, numbers) for reference in read]
    choices = [[None, *each] if "fields" in name else each for name, each in zip(read, choices, strict=True)]
    for values in itertools.product(*choices):
        scope: dict[str, Any] = {"parameters": parameters}
        for reference, value in zip(read, values, strict=True):
            _put(scope, reference, value)
        yield scope


def _values(like: Json, words: list[str], numbers: list[float]) -> list[Json]:
    if isinstance(like, bool):
        return [True, False]
    if isinstance(like, int | float):
        return list(numbers)
    return list(words) if isinstance(like, str) else list(numbers)


def _put(scope: dict[str, Any], reference: tuple[str, ...], value: Json) -> None:
    for key in reference[:-1]:
        scope = scope.setdefault(key, {})
    scope[reference[-1]] = value


class SortingModel:
    """Classifies as told and finds no facts, in the JSON a language model would send."""

    def __init__(self, label: str, facts: Mapping[str, Json]) -> None:
        self.label = label
        self.facts = facts
        self.requests: list[ModelRequest] = []

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        self.requests.append(request)
        sorted_as = {"label": self.label, "confidence": 0.9, "because": "it says so"}
        found = {name: self.facts.get(name) for name in request.task.fields}
        reply = sorted_as if request.task.kind == "classify" else found
        return ModelReply(json.dumps(reply), "fake/sorting", Usage(), 0.0)


async def _triaged(label: str, facts: Mapping[str, Json], **inputs: str) -> str:
    workflow = load("triage-request")
    library = FakeLibrary(workflow, prompts=prompts())
    model = SortingModel(label, facts)
    ports = Ports(model, FakeRetriever(), FakeClock(), FakeJournal(), library)
    given = workflow.read_inputs({"request": "Please help.", **inputs})
    result = await execute(workflow, inputs=given, parameters={}, ports=ports)
    assert result.status is RunStatus.SUCCEEDED
    assert result.answer is not None
    return result.answer.text


@pytest.mark.parametrize("label", load("triage-request").step("sort").labels)
async def test_triage_drafts_a_whole_reply_for_every_label(label: str) -> None:
    text = await _triaged(label, {})
    assert "**Queue:**" in text
    assert "**Facts:** none found" in text
    assert "Hello, thank you for your message." in text
    assert "answer ." not in text, "a queue without a waiting time"


async def test_triage_repeats_the_facts_it_understood() -> None:
    facts: dict[str, Json] = {"amount": 640.0, "due": "2027-01-15", "location": "Leeds", "reference": "PO-7"}
    text = await _triaged("purchase", facts)
    assert "**Queue:** purchasing" in text
    assert "I understood: amount 640, date 2027-01-15, office Leeds, reference PO-7." in text


async def test_triage_believes_the_amount_given_apart_over_the_text() -> None:
    text = await _triaged("purchase", {"amount": 640}, amount="7000")
    assert "finance approval" in text
    assert "amount 7000 EUR" in text


@pytest.mark.parametrize(
    ("amount", "queue"),
    [
        (0.01, "team card"),
        (500, "team card"),
        (500.01, "purchasing"),
        (4999.99, "purchasing"),
        (5000, "finance approval"),
    ],
)
async def test_triage_sends_purchases_by_their_amount(amount: float, queue: str) -> None:
    assert f"**Queue:** {queue}" in await _triaged("purchase", {"amount": amount})


def test_the_handbook_is_of_real_length_and_says_who_answers_for_it() -> None:
    pages = sorted(HANDBOOK.rglob("*.md"))
    assert len(pages) >= 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith("---\ntitle: "), page.name
        assert "\nowner: " in text[:200]
        assert "\nupdated: 202" in text[:200]
        assert 450 <= len(text.split()) <= 1200, page.name
