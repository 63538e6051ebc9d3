"""The names that the conditions of one decision table may use, with what each holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflows.graph import ancestors
from workflows.inputs import Input, Parameter
from workflows.run import Json
from workflows.steps import KINDS
from workflows.steps.base import StepDefinition
from workflows.steps.check import CheckStep
from workflows.steps.classify import ClassifyStep
from workflows.steps.decide import DecideStep
from workflows.steps.extract import ExtractStep
from workflows.template import Reference
from workflows.workflow import Workflow

_HIDDEN = frozenset({"model", "notes", "because", "text", "rule", "revisions"})
"""Outputs that no rule should hang on: free text, and what is about the model rather than the answer."""

_ABOUT: Mapping[str, str] = {
    "support": "how well the passages carry an answer, from 0 to 1",
    "count": "how many were found",
    "confidence": "how sure the sorting is, from 0 to 1",
    "label": "what it was sorted as",
    "abstained": "whether no answer was given",
    "passed": "whether every check passed",
    "outcome": "what was decided",
}


@dataclass(frozen=True, slots=True)
class KnownName:
    """One name: a dotted reference, and what it holds."""

    reference: Reference
    kind: str
    """number, text, yes or no, or one of `choices`."""
    choices: tuple[str, ...] = ()
    about: str = ""
    may_be_missing: bool = False
    default: str = ""
    """The number it holds when nobody gave one; empty for none."""

    def __str__(self) -> str:
        return ".".join(self.reference)


def names_for(workflow: Workflow, step_id: str) -> tuple[KnownName, ...]:
    """Inputs, parameters, and what the steps before this one leave."""
    after = {
        step.id
        for step in workflow.steps
        if step.id == step_id or step_id in ancestors(step.id, workflow.edges)
    }
    found = [_declared("inputs", name, each) for name, each in workflow.inputs.items()]
    found += [_declared("parameters", name, each) for name, each in workflow.parameters.items()]
    for step in workflow.steps:
        if step.id not in after:
            found += _outputs(step)
    return tuple(found)


def _declared(root: str, name: str, setting: Input | Parameter) -> KnownName:
    kinds = {"integer": "number", "number": "number", "boolean": "yes or no"}
    may_be_missing = isinstance(setting, Input) and setting.default is None and not setting.required
    about = setting.help or (setting.label if isinstance(setting, Input) else "")
    kind = kinds.get(setting.kind, "text")
    is_number = isinstance(setting, Input) and not setting.required and kind == "number"
    default = f"{setting.default:g}" if is_number and isinstance(setting.default, int | float) else ""
    return KnownName((root, name), kind, tuple(setting.choices), about, may_be_missing, default)


def _outputs(step: StepDefinition) -> Iterator[KnownName]:
    kind = KINDS[step.kind]
    sample = kind.sample(step)
    bare = kind.bare(step) if kind.bare else sample
    for name, value in sample.items():
        if name in _HIDDEN:
            continue
        if isinstance(value, dict) and isinstance(step, ExtractStep):
            yield from _facts(step)
        elif _kind_of(value):
            about = _ABOUT.get(name, "")
            missing = bare.get(name) is None
            yield KnownName((step.id, name), _kind_of(value), _choices(step, name), about, missing)


def _facts(step: ExtractStep) -> Iterator[KnownName]:
    sample = KINDS[step.kind].sample(step)["fields"]
    for name, row in step.fields.items():
        value = sample[name] if isinstance(sample, dict) else ""
        yield KnownName((step.id, "fields", name), _kind_of(value), tuple(row.choices), row.description, True)


def _choices(step: StepDefinition, name: str) -> tuple[str, ...]:
    if name == "outcome" and isinstance(step, DecideStep | CheckStep):
        return step.outcomes
    if name == "label" and isinstance(step, ClassifyStep):
        return tuple(step.labels)
    return ()


def _kind_of(value: Json) -> str:
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else ""
