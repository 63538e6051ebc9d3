"""The arrows of a workflow's flowchart: from what a step waits for, and into the answers. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.graph import ancestors
from workflows.plain_words import in_words, outcome_in_words
from workflows.steps.base import StepDefinition
from workflows.steps.check import CheckStep
from workflows.table_names import names_for
from workflows.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Arrow:
    """One way on."""

    source: str
    """A step's id; "" where the workflow starts."""
    target: str = ""
    """A step's id; "" when it ends in an answer."""
    label: str = ""
    """When this way is taken, in words."""
    outcome: str = ""
    """What the source must have come to."""
    entry: str | None = None
    """The entry of `answer` that it ends in."""
    is_text: bool = False
    """It brings the answer its text, and decides nothing."""


def end_of(entry: str) -> str:
    """The name of an answer's node."""
    return f"answer_{entry or 'only'}"


def arrows(workflow: Workflow) -> tuple[Arrow, ...]:
    """Every arrow once, those into steps first."""
    found = [arrow for step in workflow.order for arrow in _into(workflow, step)]
    return tuple(dict.fromkeys([*found, *_endings(workflow)]))


def _into(workflow: Workflow, step: StepDefinition) -> Iterator[Arrow]:
    """Arrows into a step. One that another way implies is left out, unless its condition reads from there."""
    before = workflow.edges[step.id].all
    asked = {reference[0] for reference in step.when.references} if step.when else set()
    implied = {name for other in before for name in ancestors(other, workflow.edges)}
    if any(workflow.step(name).when == step.when for name in before - implied):
        # the step before it is done on the same condition, so the way there says it already
        asked = set()
    direct = [
        each.id
        for each in workflow.order
        if each.id in before and (each.id not in implied or each.id in asked)
    ]
    for name in direct or [""]:
        is_said = name and workflow.step(name).when == step.when
        says = not is_said and (name in asked or not asked & set(direct))
        yield Arrow(name, step.id, _condition(workflow, step, name) if says else "")


def _condition(workflow: Workflow, step: StepDefinition, source: str) -> str:
    """When the step is done: only the outcome's name where it is that of the step the arrow comes from."""
    if step.when is None:
        return ""
    text = step.when.source.strip()
    outcomes = getattr(workflow.step(source), "outcomes", ()) if source else ()
    for outcome in outcomes:
        if text.replace("'", '"') in (f'{source}.outcome == "{outcome}"', f'{source}.outcome=="{outcome}"'):
            return outcome_in_words(outcome)
    return in_words(text, names_for(workflow, step.id))


def _endings(workflow: Workflow) -> Iterator[Arrow]:
    """From what decides on an answer last, and from the steps that give its text."""
    for entry, template in workflow.answer.items():
        deciding = [step for step in workflow.order if entry in getattr(step, "outcomes", ())]
        into = [arrow for step in deciding for arrow in _last(workflow, step, entry)]
        yield from into
        texts = {root for root, *_ in template.references} & set(workflow.edges)
        passed = {name for arrow in into for name in (arrow.source, *ancestors(arrow.source, workflow.edges))}
        given = [step.id for step in workflow.order if step.id in texts - passed]
        yield from (Arrow(name, entry=entry, is_text=bool(into)) for name in given)
        if not into and not given:
            yield from (Arrow(name, entry=entry) for name in _unfollowed(workflow))


def _unfollowed(workflow: Workflow) -> list[str]:
    """The steps that nothing waits for: an answer that reads none of them comes after all."""
    waited = {name for step in workflow.order for name in workflow.edges[step.id].all}
    return [step.id for step in workflow.order if step.id not in waited]


def _last(workflow: Workflow, decision: StepDefinition, outcome: str) -> list[Arrow]:
    """From the decision, or from where its outcome leads: the check of what is then written, if any."""
    further = [step.id for step in workflow.order if _goes_on(step, decision, outcome)]
    if not further:
        return [Arrow(decision.id, "", outcome_in_words(outcome), outcome, outcome)]
    checks = [step for step in workflow.order if isinstance(step, CheckStep)]
    last = [check.id for check in checks if check.id in further or check.of in further]
    return [Arrow(name, "", "passed", "passed", outcome) for name in last] or [
        Arrow(name, entry=outcome) for name in further
    ]


def _goes_on(step: StepDefinition, decision: StepDefinition, outcome: str) -> bool:
    """Whether the step is one that only that outcome of the decision leads to."""
    return step.when is not None and (
        (decision.id, "outcome") in step.when.references and f'"{outcome}"' in step.when.source
    )
