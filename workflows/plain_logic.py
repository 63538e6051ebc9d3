"""What a workflow does, step by step, in plain sentences made from its definition. No markup, no model."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.plain_conditions import said
from workflows.plain_words import in_words, outcome_in_words
from workflows.run import Json
from workflows.steps.base import AskingStep, StepDefinition
from workflows.steps.call import CallStep
from workflows.steps.check import CHECKS, CheckStep
from workflows.steps.classify import ClassifyStep
from workflows.steps.collect import CollectStep
from workflows.steps.decide import DecideStep
from workflows.steps.extract import ExtractStep
from workflows.steps.prompt import PromptStep
from workflows.steps.retrieve import RetrieveStep
from workflows.table_names import KnownName, names_for
from workflows.template import Reference, Template, as_text
from workflows.workflow import Workflow


@dataclass(frozen=True, slots=True)
class PlainRule:
    """One row of a decision table in words."""

    when: str
    """Empty in the last row, which holds when no other does."""
    outcome: str
    because: str


@dataclass(frozen=True, slots=True)
class PlainStep:
    """One step in words."""

    number: int
    """From 1, as in the diagram."""
    title: str
    does: str
    only_when: str = ""
    rules: tuple[PlainRule, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    """Names that the rules use, with what each holds."""
    asks_model: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says the parts of one workflow, with the parameters at their values of today."""

    workflow: Workflow
    parameters: Mapping[str, Json]

    def number(self, step_id: str) -> int:
        """A step's number."""
        return next(place for place, step in enumerate(self.workflow.order, 1) if step.id == step_id)

    def value(self, value: Template | int | float) -> str:
        """A number that may be written as a template."""
        return self.template(value) if isinstance(value, Template) else as_text(value)

    def template(self, template: Template) -> str:
        """What fills a template: inputs by their labels, parameters by their values, steps by number."""
        parts = [part if isinstance(part, str) else self._reference(part) for part in template.parts]
        return " and ".join(" ".join(part.split()) for part in parts if part.strip())

    def _reference(self, reference: Reference) -> str:
        root, *rest = reference
        if root == "inputs" and rest:
            setting = self.workflow.inputs.get(rest[0])
            return f"“{(setting.label if setting else '') or rest[0].replace('_', ' ')}”"
        if root == "parameters" and rest:
            return as_text(self.parameters.get(rest[0]))
        return f"what step {self.number(root)} gave"

    def steps(self, names: tuple[str, ...]) -> str:
        """Several steps by number."""
        numbers = sorted(self.number(name) for name in names)
        return ("step " if len(numbers) == 1 else "steps ") + " and ".join(map(str, numbers))


def logic(workflow: Workflow, parameters: Mapping[str, Json]) -> tuple[PlainStep, ...]:
    """Every step in words, in the order in which they are done."""
    speaker = Speaker(workflow, parameters)
    return tuple(_plain(speaker, number, step) for number, step in enumerate(workflow.order, 1))


def _plain(speaker: Speaker, number: int, step: StepDefinition) -> PlainStep:
    names = names_for(speaker.workflow, step.id)
    again = f" When that fails it is tried again, at most {_times(step.retry)}." if step.retry else ""
    return PlainStep(
        number,
        step.title or step.id,
        _DOES[step.kind](speaker, step) + again,
        _only_when(speaker, step, names),
        tuple(_rules(step, names)),
        tuple(_used(speaker, step, names)),
        isinstance(step, AskingStep),
    )


def _only_when(speaker: Speaker, step: StepDefinition, names: tuple[KnownName, ...]) -> str:
    """The condition, named by the step that decides where it only asks for an outcome."""
    if step.when is None:
        return ""
    text = step.when.source.strip()
    for reference in step.when.references:
        source, *rest = reference
        if rest == ["outcome"] and text.startswith(f"{source}.outcome =="):
            outcome = text.partition("==")[2].strip().strip("\"'")
            if outcome.replace("_", "").isalnum():
                return f"step {speaker.number(source)} comes to “{outcome_in_words(outcome)}”"
    return in_words(text, names)


def _rules(step: StepDefinition, names: tuple[KnownName, ...]) -> Iterator[PlainRule]:
    for rule in step.table if isinstance(step, DecideStep) else ():
        when = in_words(rule.when.source, names) if rule.when else ""
        yield PlainRule(when, outcome_in_words(rule.then), rule.because)


def _used(speaker: Speaker, step: StepDefinition, names: tuple[KnownName, ...]) -> Iterator[tuple[str, str]]:
    """What stands behind the names of the rules; a parameter with its value of today."""
    rules = step.table if isinstance(step, DecideStep) else ()
    read = {reference for rule in rules if rule.when for reference in rule.when.references}
    for name in names:
        if name.reference not in read:
            continue
        word = said(name.reference, names)
        if name.reference[0] == "parameters":
            yield word, f"{as_text(speaker.parameters.get(name.reference[1]))} today"
        elif name.about:
            source = name.reference[0]
            of = "" if source == "inputs" else f" (step {speaker.number(source)})"
            yield word, f"{name.about[0].lower()}{name.about[1:].rstrip('.')}{of}"


def _retrieve(speaker: Speaker, step: RetrieveStep) -> str:
    most, query = speaker.value(step.limit), speaker.template(step.query)
    return f"Looks in the collection “{step.collection}” for up to {most} passages that fit {query}."


def _prompt(speaker: Speaker, step: PromptStep) -> str:
    what = {"answer": "answer the question", "summarise": "summarise the text", "write": "write the text"}
    sources = (
        f", using only what {speaker.steps(step.sources)} found and naming its sources"
        if step.sources
        else ""
    )
    return f"Asks an AI model to {what[step.task]}{sources}. The prompt “{step.template}” tells it how."


def _classify(speaker: Speaker, step: ClassifyStep) -> str:
    labels = ", ".join(outcome_in_words(label) for label in step.labels)
    return f"Asks an AI model what kind of text {speaker.template(step.text)} is: {labels}; or none of them."


def _extract(speaker: Speaker, step: ExtractStep) -> str:
    facts = ", ".join(name.replace("_", " ") for name in step.fields)
    text = speaker.template(step.text)
    return f"Asks an AI model to pick out of {text}: {facts}. What is not there stays empty."


def _decide(_: Speaker, step: DecideStep) -> str:
    if len(step.table) == 1:
        return f"Always comes to “{outcome_in_words(step.table[0].then)}”."
    count = len(step.table)
    return f"Goes through {count} rules from the top; the first that holds decides. No AI model is asked."


def _check(speaker: Speaker, step: CheckStep) -> str:
    wanted = "; ".join(CHECKS[spec.name][1].format(limit=spec.limit) for spec in step.checks)
    if step.on_fail is None:
        after = "If not, there is no answer, and the run is shown as failed."
    else:
        end = f"the outcome is “{outcome_in_words(step.on_fail.then)}”"
        times = f"it is written again, at most {_times(step.on_fail.retry)}; if that does not help, "
        after = f"If not, {times if step.on_fail.retry else ''}{end}."
    return f"Checks that what step {speaker.number(step.of)} wrote {wanted}. {after}"


def _template(_: Speaker, _step: StepDefinition) -> str:
    return "Fills in a prepared text with what the steps before it gave. No AI model is asked."


def _call(speaker: Speaker, step: CallStep) -> str:
    given = " and ".join(speaker.template(each) for each in step.inputs.values())
    return f"Runs the workflow /{step.workflow}" + (f" with {given}." if given else ".")


def _collect(_: Speaker, _step: CollectStep) -> str:
    return "Gathers what the steps before it gave."


_DOES: Mapping[str, Callable[[Speaker, Any], str]] = {
    "retrieve": _retrieve,
    "prompt": _prompt,
    "classify": _classify,
    "extract": _extract,
    "decide": _decide,
    "check": _check,
    "template": _template,
    "call": _call,
    "collect": _collect,
}


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
