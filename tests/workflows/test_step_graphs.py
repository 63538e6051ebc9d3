"""Random graphs of steps: what must hold of every execution, whatever its shape."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import FakeJournal
from tests.workflows.engine_desk import Desk, workflow_of
from workflows.run import RunResult, StepRun, StepStatus
from workflows.workflow import Workflow


@dataclass(frozen=True)
class Shape:
    """One random step."""

    needs: tuple[int, ...] | None
    reads: tuple[int, ...]
    is_skipped: bool
    join: str


@st.composite
def graphs(draw: st.DrawFn) -> Workflow:
    count = draw(st.integers(1, 9))
    shapes = []
    for number in range(count):
        earlier = (
            st.lists(st.integers(0, number - 1), max_size=3, unique=True).map(tuple)
            if number
            else st.just(())
        )
        shapes.append(
            Shape(
                draw(st.none() | earlier),
                draw(earlier),
                draw(st.integers(0, 3)) == 0,
                draw(st.sampled_from(["all", "all", "any"])),
            )
        )
    return workflow_of(*(_row(number, shape) for number, shape in enumerate(shapes)), answer="done")


def _row(number: int, shape: Shape) -> str:
    needs = "" if shape.needs is None else f", needs: [{', '.join(f's{each}' for each in shape.needs)}]"
    when = ", when: 1 > 2" if shape.is_skipped else ""
    text = "".join(f"{{{{ s{each}.text }}}}" for each in shape.reads)
    return f'id: s{number}, kind: template, text: "{number}{text}", join: {shape.join}{needs}{when}'


def run(workflow: Workflow, journaled: list[StepRun] | None = None) -> tuple[RunResult, Desk]:
    desk = Desk(journal=FakeJournal({step.step_id: step for step in journaled or []}))
    return asyncio.run(desk.execute(workflow)), desk


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_every_step_once_behind_what_it_needs_and_skipped_when_it_must_be(workflow: Workflow) -> None:
    result, desk = run(workflow)
    recorded = [step.step_id for step in desk.journal.recorded]
    assert sorted(recorded) == sorted(step.id for step in workflow.steps)
    assert len(desk.performed) == len(set(desk.performed))
    status = {step.step_id: step.status for step in result.steps}
    for step in workflow.steps:
        edges = workflow.edges[step.id]
        assert all(recorded.index(name) < recorded.index(step.id) for name in edges.all)
        gone = [name for name in edges.uses if status[name] is StepStatus.SKIPPED]
        must_skip = step.when is not None or (
            bool(gone) and (step.join == "all" or len(gone) == len(edges.uses))
        )
        assert (status[step.id] is StepStatus.SKIPPED) == must_skip
        assert (step.id in desk.performed) == (not must_skip)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.data())
def test_resuming_from_any_prefix_gives_the_same(workflow: Workflow, data: st.DataObject) -> None:
    whole, first = run(workflow)
    recorded = first.journal.recorded
    kept = recorded[: data.draw(st.integers(0, len(recorded)))]
    result, desk = run(workflow, kept)
    assert result.answer == whole.answer
    assert {step.step_id: (step.status, step.output) for step in result.steps} == {
        step.step_id: (step.status, step.output) for step in whole.steps
    }
    assert not {step.step_id for step in kept} & set(desk.performed)
    assert len(desk.journal.recorded) == len(recorded) - len(kept)
