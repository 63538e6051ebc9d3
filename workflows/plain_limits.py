"""What a workflow cannot do, and how one would notice that it stopped working: from its definition."""

from collections.abc import Iterator, Mapping

from workflows.plain_logic import Speaker
from workflows.plain_words import outcome_in_words
from workflows.run import Json
from workflows.steps.base import AskingStep
from workflows.steps.check import CheckStep
from workflows.steps.decide import DecideStep
from workflows.steps.retrieve import RetrieveStep
from workflows.workflow import Workflow

LONG_TEXT = 20_000
"""Characters that nobody types by hand: a limit above is not worth a sentence."""


def limits(workflow: Workflow, parameters: Mapping[str, Json]) -> tuple[str, ...]:
    """Known limits, each as one sentence."""
    return tuple(_limits(workflow, Speaker(workflow, parameters)))


def _limits(workflow: Workflow, speaker: Speaker) -> Iterator[str]:
    for step in workflow.order:
        if isinstance(step, RetrieveStep):
            most = speaker.value(step.limit)
            yield f"It knows only what stands in “{step.collection}”: at most {most} passages for one answer."
    if any(isinstance(step, AskingStep) for step in workflow.order):
        yield "An AI model takes part, so an answer can be wrong even where it names its sources: check it."
    else:
        yield "No AI model takes part: the same input gives the same answer."
    for step in workflow.order:
        for spec in step.checks if isinstance(step, CheckStep) else ():
            if spec.name == "max_words":
                yield f"What step {speaker.number(step.id)} lets through has at most {spec.limit} words."
    for name, each in workflow.asked_inputs.items():
        if each.kind == "text" and each.max_length <= LONG_TEXT:
            yield f"“{each.label or name}” may have at most {_spaced(each.max_length)} characters."
    if any(each.source == "earlier" for each in workflow.inputs.values()):
        yield "It remembers what was asked before in the same thread, and nothing else."
    else:
        yield "It remembers nothing of earlier questions."
    yield "It reads, decides and answers: it changes nothing in any other system."


def signs(workflow: Workflow) -> tuple[str, ...]:
    """How it would show that a step no longer does its work, each as one sentence."""
    return tuple(dict.fromkeys(_signs(workflow, Speaker(workflow, {}))))


def _signs(workflow: Workflow, speaker: Speaker) -> Iterator[str]:
    for step in workflow.order:
        number = speaker.number(step.id)
        if isinstance(step, RetrieveStep):
            yield (
                f"Step {number} finds too little: more and more answers say that “{step.collection}” has "
                "nothing on it."
            )
        elif isinstance(step, AskingStep):
            tries = f" after {step.retry + 1} attempts" if step.retry else ""
            yield (
                f"Step {number} gets nothing from the AI model: people see a failure with an incident token"
                f"{tries} in place of an answer."
            )
        elif isinstance(step, CheckStep):
            end = f"end as “{outcome_in_words(step.on_fail.then)}”" if step.on_fail else "fail"
            yield f"Step {number} turns down what was written: more runs {end}."
        elif isinstance(step, DecideStep) and len(step.table) > 1:
            last = outcome_in_words(step.table[-1].then)
            yield f"Step {number} no longer tells cases apart: nearly all come to “{last}”."
    yield "People mark more answers with thumbs down, or stop asking."


def _spaced(count: int) -> str:
    return f"{count:,}".replace(",", " ")
