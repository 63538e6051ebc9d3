"""Conditions tried at load with values a run could have: what would fail or never hold is said at once."""

import re
from collections.abc import Iterator, Mapping

from workflows.inputs import Input, Parameter
from workflows.reader import Path
from workflows.rule_checks import Constant, Finding, comparisons, findings
from workflows.rules import Condition, ConditionFailed
from workflows.run import Json
from workflows.steps import KINDS
from workflows.steps.base import StepDefinition
from workflows.steps.check import CheckStep
from workflows.steps.classify import ClassifyStep
from workflows.steps.decide import DecideStep
from workflows.steps.extract import ExtractStep
from workflows.template import Reference, look_up, nearest
from workflows.workflow import Workflow

_SAMPLES: Mapping[str, Json] = {
    "text": "text",
    "number": 1.0,
    "integer": 1,
    "date": "2026-01-01",
    "boolean": True,
}
_FINDINGS: Mapping[str, str] = {
    "duplicate": "is the same as rule {1}, so it never fires",
    "impossible": "can never hold",
    "unreachable": "never fires: whenever it holds, an earlier rule does (rule {1} when {example})",
}


def condition_problems(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    """Path and message of every condition that cannot do what it is there for."""
    usual, bare = _scope(workflow, bare=False), _scope(workflow, bare=True)
    known = _known_values(workflow)
    for position, step in enumerate(workflow.steps):
        path: Path = ("steps", position)
        for place, condition in _conditions(step):
            message = _fails(condition, usual, bare) or _never(condition, known)
            if message:
                yield (*path, *place), message
        if isinstance(step, DecideStep):
            for finding in findings(step.table):
                if finding.kind in _FINDINGS and finding.rules[0] < len(step.table):
                    yield (*path, "rules", finding.rules[0] - 1), _sentence(finding)


def _sentence(finding: Finding) -> str:
    return _FINDINGS[finding.kind].format(*finding.rules, example=finding.example)


def _conditions(step: StepDefinition) -> Iterator[tuple[Path, Condition]]:
    if step.when is not None:
        yield ("when",), step.when
    for position, rule in enumerate(step.table if isinstance(step, DecideStep) else ()):
        if rule.when is not None:
            yield ("rules", position, "when"), rule.when


def _scope(workflow: Workflow, *, bare: bool) -> dict[str, Json]:
    """Values of every name: the usual ones, or with everything missing that may be."""
    scope: dict[str, Json] = {
        "inputs": {name: _sample_of(each, bare) for name, each in workflow.inputs.items()},
        "parameters": workflow.read_parameters({}),
    }
    for step in workflow.steps:
        kind = KINDS[step.kind]
        scope[step.id] = dict(kind.bare(step) if bare and kind.bare else kind.sample(step))
    return scope


def _sample_of(setting: Input | Parameter, bare: bool) -> Json:
    if bare and setting.default is None and isinstance(setting, Input) and not setting.required:
        return None
    if setting.choices:
        return setting.choices[0]
    return _SAMPLES[setting.kind]


def _fails(condition: Condition, usual: Mapping[str, Json], bare: Mapping[str, Json]) -> str:
    """Why the condition cannot be decided; "" when it can."""
    for scope in (usual, bare):
        try:
            condition.holds(scope)
        except ConditionFailed as error:
            missing = [".".join(name) for name in condition.references if look_up(scope, name) is None]
            if scope is bare and missing:
                return f"fails when there is no `{missing[0]}`: put `{missing[0]} != null &&` before it"
            if "kind" in error.facts["why"] or "neither" in error.facts["why"]:
                return f"cannot be decided: {error.facts['why']}"
    return ""


def _never(condition: Condition, known: Mapping[Reference, tuple[str, ...]]) -> str:
    """A comparison with a word that the name can never be; "" when there is none."""
    for left, _, right in comparisons(condition) or _simple(condition):
        for name, other in ((left, right), (right, left)):
            if isinstance(name, Constant) or not isinstance(other, Constant) or name not in known:
                continue
            if isinstance(other.value, str) and other.value not in known[name]:
                return f'`{".".join(name)}` is never "{other.value}"{nearest(other.value, known[name])}'
    return ""


def _simple(condition: Condition) -> Iterator[tuple[Reference | Constant, str, Reference | Constant]]:
    """`name == "word"` wherever it stands in a condition that is more than comparisons."""
    for match in re.finditer(r"([a-z_][\w.]*)\s*[!=]=\s*\"([^\"\\]*)\"", condition.source):
        yield tuple(match[1].split(".")), "==", Constant(match[2])


def _known_values(workflow: Workflow) -> dict[Reference, tuple[str, ...]]:
    """Names that hold one of a few words, with the words."""
    found: dict[Reference, tuple[str, ...]] = {
        (root, name): tuple(each.choices)
        for root, declared in (("inputs", workflow.inputs), ("parameters", workflow.parameters))
        for name, each in declared.items()
        if each.choices
    }
    for step in workflow.steps:
        if isinstance(step, DecideStep | CheckStep):
            found[step.id, "outcome"] = step.outcomes
        elif isinstance(step, ClassifyStep):
            found[step.id, "label"] = (*step.labels, "")
        elif isinstance(step, ExtractStep):
            fields = ((name, row) for name, row in step.fields.items() if row.choices)
            found |= {(step.id, "fields", name): tuple(row.choices) for name, row in fields}
    return found
