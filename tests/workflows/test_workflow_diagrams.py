"""Flowcharts: of shipped workflows, of runs through them, and whether anything valid can be drawn."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.diagrams import draw
from tests.fakes import FakeLibrary, FakeModel
from tests.workflows.engine_desk import Desk
from tests.workflows.shipped import NAMES, load, prompts
from workflows.arrows import arrows, end_of
from workflows.definition import load_workflow
from workflows.diagram import DOES, Mark, Trail, mermaid, trail_of
from workflows.ports import ModelReply, ModelRequest
from workflows.run import StepStatus
from workflows.steps import KINDS
from workflows.workflow import Workflow

GOLDEN = Path(__file__).parents[1] / "golden"
DONE, SKIPPED, FAILED = StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED
INPUTS = {
    "ask-policy": {"question": "How many days may be carried over?"},
    "draft-reply": {"message": "Can I carry days over?"},
    "summarise-thread": {"thread": "Ana: where do we put the sensors? " * 40},
    "triage-request": {"request": "Please order two probes for 1,840 EUR"},
}


FACTS = ("amount", "currency", "due", "location", "reference", "email")
REPLIES = {
    "classify": json.dumps({"label": "purchase", "confidence": 0.9, "because": "It orders something."}),
    "extract": json.dumps({**dict.fromkeys(FACTS), "amount": 1840}),
}


class AnyModel(FakeModel):
    """Replies in the form that is asked for; steps ask in any order."""

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        kind = request.task.kind if request.task else ""
        reply = FakeModel(REPLIES.get(kind, "Five days may be carried over [1]."))
        return await reply.complete(request, on_text)


def assert_golden(name: str, text: str) -> None:
    """It is what it was when somebody last looked at it; UPDATE_GOLDEN=1 writes it anew."""
    path = GOLDEN / f"{name}.mmd"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


def reached(workflow: Workflow, trail: Trail) -> set[str]:
    """The nodes that the bold arrows lead to from the start."""
    taken = [way for way in arrows(workflow) if trail.took(way)]
    found, before = {""}, set[str]()
    while found != before:
        before = set(found)
        found |= {way.target or end_of(way.entry or "") for way in taken if way.source in found}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_diagram_of_a_shipped_workflow_is_as_somebody_looked_at_it(name: str) -> None:
    assert_golden(f"diagram-{name}", mermaid(load(name)))


def test_every_kind_of_step_is_named_in_plain_words() -> None:
    assert set(DOES) == set(KINDS)


@pytest.mark.parametrize("name", NAMES)
async def test_a_run_is_drawn_as_one_way_from_the_start_to_its_answer(name: str) -> None:
    workflow = load(name)
    desk = Desk(AnyModel(), library=FakeLibrary(prompts=prompts()))
    result = await desk.execute(workflow, INPUTS[name])
    trail = trail_of(workflow, result.steps, result.answer, {})
    assert trail.entry is not None, result.failure
    there = reached(workflow, trail)
    assert end_of(trail.entry) in there
    ran = {step.step_id for step in result.steps if step.status is DONE}
    assert ran <= there, "no step that was done stands alone"
    ends = {end_of(entry) for entry in workflow.answer}
    assert there & ends == {end_of(trail.entry)}, "and no other answer is reached"


def test_the_way_of_a_question_that_the_passages_do_not_answer() -> None:
    marks = {
        "find": Mark(DONE, note="0.1 s"),
        "route": Mark(DONE, "covered"),
        "answer": Mark(DONE, note="1.2 s · $0.0021"),
        "verdict": Mark(DONE, "not_covered"),
        "check": Mark(SKIPPED),
        "nearest": Mark(DONE),
    }
    source = mermaid(load("ask-policy"), Trail(marks, "not_covered"))
    assert_golden("diagram-ask-policy-not-covered", source)
    assert "1.2 s · $0.0021" in source and "not needed" in source


def test_a_run_that_failed_shows_where_and_what_was_not_reached() -> None:
    trail = Trail({"find": Mark(DONE), "route": Mark(DONE, "covered"), "answer": Mark(FAILED, note="9.0 s")})
    source = mermaid(load("ask-policy"), trail)
    assert re.search(r"s_answer\[.*failed · 9.0 s.*:::broken", source)
    assert source.count("not reached") == 3
    assert "endingTaken" in source.split("\n")[1] and source.count(":::endingTaken") == 1


def test_two_steps_on_one_condition_in_a_row_say_it_once() -> None:
    source = mermaid(load("draft-reply"))
    assert (
        "s_check --> s_letter" in source and "s_verdict" not in source.split("s_letter", 2)[1].split("\n")[0]
    )
    assert len([line for line in source.splitlines() if line.endswith(" s_letter")]) == 1


TITLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=0, max_size=60)
HOSTILE = st.sampled_from(
    ['end', '"]); click x "javascript:1"', "a`b` **c**", "<script>alert(1)</script>", "%% comment", "1. list",
     "#quot;", "]]]]", "subgraph", "- x\n- y", "#123;", "$$x^2$$", "fa:fa-car", "::icon(x)", "@{ shape: x }"]
)  # fmt: skip


@st.composite
def workflow_texts(draw_: st.DrawFn) -> Workflow:
    """A valid workflow of up to eight steps with any titles, conditions and waits."""
    rows: list[str] = []
    deciding: list[str] = []
    titles = st.one_of(HOSTILE, TITLE)
    for number in range(draw_(st.integers(1, 8))):
        title = json.dumps("".join(c for c in draw_(titles) if c.isprintable()) or "step", ensure_ascii=False)
        needs = draw_(st.sampled_from(["", ", needs: []", *(f", needs: [s{n}]" for n in range(number))]))
        when = ""
        if deciding and draw_(st.booleans()):
            when = f", when: '{draw_(st.sampled_from(deciding))}.outcome == \"high\"'"
        if draw_(st.booleans()):
            rules = '{when: "inputs.q == null", then: high}, {otherwise: low}'
            rows.append(f"{{id: s{number}, kind: decide, title: {title}, rules: [{rules}]{needs}{when}}}")
            deciding.append(f"s{number}")
        else:
            rows.append(f"{{id: s{number}, kind: template, title: {title}, text: x{needs}{when}}}")
    answer = "{high: yes, low: no, otherwise: perhaps}" if deciding else "done"
    steps = "".join(f"  - {row}\n" for row in rows)
    head = "name: w\ntitle: T\npurpose: P\ninputs:\n  q: {kind: text, required: false}\nsteps:\n"
    return load_workflow(f"{head}{steps}answer: {answer}\n")


def ends_of(source: str) -> Iterator[tuple[str, str]]:
    for line in source.splitlines():
        if found := re.fullmatch(r"  (\w+) -\.?->(?:\|\".*\"\|)? (\w+)", line):
            yield found[1], found[2]


@settings(max_examples=150, deadline=None)
@given(workflow=workflow_texts())
def test_whatever_a_title_says_every_line_is_one_node_arrow_or_style(workflow: Workflow) -> None:
    source = mermaid(workflow)
    nodes = set(re.findall(r'^  (\w+)[\[({]+".*"[\])}]+:::\w+$', source, re.MULTILINE))
    assert {f"s_{step.id}" for step in workflow.steps} <= nodes
    arrows_seen = list(ends_of(source))
    assert len(arrows_seen) == len(arrows(workflow))
    assert {end for pair in arrows_seen for end in pair} <= nodes
    assert source.count("\n") == 1 + len(nodes) + len(arrows_seen) + 5
    trail = Trail({step.id: Mark(DONE, "high") for step in workflow.steps}, next(iter(workflow.answer)))
    assert mermaid(workflow, trail).count("linkStyle") == len(arrows_seen)


PATIENCE_S = 300
"""The product's half minute can be too short where many processes share the processors."""


@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(workflow=workflow_texts())
async def test_whatever_is_valid_can_be_drawn(workflow: Workflow) -> None:
    trail = Trail(
        {step.id: Mark(DONE, "high", "1.0 s") for step in workflow.steps}, next(iter(workflow.answer))
    )
    assert (await draw(mermaid(workflow, trail), PATIENCE_S)).startswith(b"\x89PNG")


STRANGE = (
    "end",
    '"]); click x "javascript:1"',
    "<script>alert(1)</script>",
    "1. list",
    "a`b` **c** $$x$$",
    "#quot; #123; &amp;",
    "fa:fa-car @{ shape: x }",
)


@pytest.mark.slow
async def test_hostile_titles_are_drawn_as_they_stand() -> None:
    steps = "".join(
        f"  - {{id: s{number}, kind: template, title: {json.dumps(title)}, text: x}}\n"
        for number, title in enumerate(STRANGE)
    )
    workflow = load_workflow(f"name: w\ntitle: T\npurpose: P\nsteps:\n{steps}answer: done\n")
    source = mermaid(workflow)
    assert "s_s6 --> answer_only" in source, "an answer that reads no step comes after the last"
    assert not re.search(r"javascript:1|<script|\$\$|fa:fa", source)
    drawn = await draw(source, PATIENCE_S)
    assert drawn.startswith(b"\x89PNG")
    if folder := os.environ.get("SCREENSHOTS"):
        (Path(folder) / "diagram-hostile.png").write_bytes(drawn)
