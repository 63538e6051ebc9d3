"""What a workflow file says about itself: names must exist, order be possible, an answer always come."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workflows.graph import ancestors, cycle, edges
from workflows.reader import Path, Problem, YamlDocument
from workflows.run import Json
from workflows.steps import KINDS
from workflows.steps.base import StepDefinition, references
from workflows.steps.check import CheckStep
from workflows.steps.decide import DecideStep
from workflows.steps.prompt import PromptStep
from workflows.steps.retrieve import RetrieveStep
from workflows.template import Reference, Template, nearest

ONLY = ""
"""Key of the answer of a workflow that has only one."""


def name_problems(
    document: YamlDocument,
    content: Mapping[str, Json],
    steps: Sequence[StepDefinition | None],
    answer: Mapping[str, Template],
) -> Iterator[Problem]:
    """Everything wrong with names, order and outcomes. Steps that could not be read are None."""
    samples = _samples(content, steps)
    whole = [step for step in steps if step is not None]
    yield from _duplicates(document, steps)
    for position, step in enumerate(steps):
        if step is not None:
            for path, message in _in_step(step, samples, whole):
                yield document.problem(("steps", position, *path), message)
    for outcome, template in answer.items():
        for reference in template.references:
            message = _unknown(reference, samples)
            if message:
                yield document.problem(("answer", outcome) if outcome else ("answer",), message)
    if None not in steps and whole:
        ring = cycle(edges(whole))
        if ring:
            yield document.problem(
                _at(steps, ring[0]), f"steps wait for each other: {' -> '.join((*ring, ring[0]))}"
            )
        else:
            yield from (document.problem(path, message) for path, message in _outcomes(whole, answer))
            yield from (document.problem(path, message) for path, message in _lost_failures(whole, answer))


def _at(steps: Sequence[StepDefinition | None], name: str) -> Path:
    return ("steps", next(i for i, step in enumerate(steps) if step and step.id == name))


def _duplicates(document: YamlDocument, steps: Sequence[StepDefinition | None]) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, step in enumerate(steps):
        if step and step.id in seen:
            yield document.problem(("steps", position, "id"), f"there are two steps `{step.id}`")
        if step:
            seen.add(step.id)


def _samples(content: Mapping[str, Json], steps: Sequence[StepDefinition | None]) -> dict[str, Any]:
    """What each name holds; None where a part could not be read and anything may be in it."""
    found: dict[str, Any] = {}
    listed = content.get("steps")
    for position, step in enumerate(steps):
        raw = listed[position] if isinstance(listed, list) else None
        if step is not None:
            found[step.id] = KINDS[step.kind].sample(step)
        elif isinstance(raw, dict) and isinstance(raw.get("id"), str):
            found[str(raw["id"])] = None
    for root in ("inputs", "parameters"):
        declared = content.get(root, {})
        found[root] = dict.fromkeys(declared, "") if isinstance(declared, dict) else None
    return found


def _unknown(reference: Reference, samples: Mapping[str, Any]) -> str:
    """Why a dotted name means nothing; "" when it means something."""
    root, *keys = reference
    if root not in samples:
        return f"`{'.'.join(reference)}`: there is no `{root}`{nearest(root, samples)}"
    here = samples[root]
    if here is not None and not keys and root in ("inputs", "parameters"):
        return f"`{root}` needs the name of one, like `{root}.{next(iter(here), 'name')}`"
    for depth, key in enumerate(keys, 1):
        if not isinstance(here, Mapping) or (depth > 1 and not here):
            return ""
        if key not in here:
            return (
                f"`{'.'.join(reference)}`: `{'.'.join(reference[:depth])}` has no `{key}`{nearest(key, here)}"
            )
        here = here[key]
    return ""


def _in_step(
    step: StepDefinition, samples: Mapping[str, Any], steps: Sequence[StepDefinition]
) -> Iterator[tuple[Path, str]]:
    for position, name in enumerate(step.needs or ()):
        if name not in samples or name in ("inputs", "parameters"):
            yield (
                ("needs", position),
                f"there is no step `{name}`{nearest(name, [each.id for each in steps])}",
            )
    for path, reference in references(step):
        message = _unknown(reference, samples)
        if reference[0] == step.id:
            message = f"`{'.'.join(reference)}`: a step cannot read its own output"
        if message:
            yield path, message
    by_id = {each.id: each for each in steps}
    if isinstance(step, CheckStep) and isinstance(by_id.get(step.of), StepDefinition):
        if not isinstance(by_id[step.of], PromptStep):
            yield ("of",), f"`{step.of}` is not a prompt step"
        if any(isinstance(each, CheckStep) and each.of == step.of and each is not step for each in steps):
            yield ("of",), f"`{step.of}` is checked twice; put all checks into one step"
    if isinstance(step, PromptStep):
        for name in step.sources:
            if name in by_id and not isinstance(by_id[name], RetrieveStep):
                yield ("passages",), f"`{name}` is not a retrieve step"


def _outcomes(steps: Sequence[StepDefinition], answer: Mapping[str, Template]) -> Iterator[tuple[Path, str]]:
    """Whether every entry of `answer` can be taken, and one is taken always."""
    if ONLY in answer or not answer:
        return
    deciding = [step for step in steps if isinstance(step, DecideStep | CheckStep)]
    possible = {outcome for step in deciding for outcome in step.outcomes}
    for entry in answer:
        if entry != "otherwise" and entry not in possible:
            yield (
                ("answer", entry),
                f"no decide or check step has the outcome `{entry}`{nearest(entry, possible)}",
            )
    if "otherwise" in answer:
        return
    order = edges(steps)
    by_id = {step.id: step for step in steps}
    for step in deciding:
        always = all(by_id[name].when is None for name in ({step.id} | ancestors(step.id, order)))
        if isinstance(step, DecideStep) and always and set(step.outcomes) <= set(answer):
            return
    yield (
        ("answer",),
        "may end without an answer: add `otherwise`, or an entry for each outcome of the first decision",
    )


def _lost_failures(
    steps: Sequence[StepDefinition], answer: Mapping[str, Template]
) -> Iterator[tuple[Path, str]]:
    """Checks whose failing leads nowhere: `answer` does not know the outcome, and no decision reads it."""
    if ONLY in answer or not answer or "otherwise" in answer:
        return
    order = edges(steps)
    read = {name for step in steps if isinstance(step, DecideStep) for name in order[step.id].uses}
    for position, step in enumerate(steps):
        then = step.on_fail.then if isinstance(step, CheckStep) and step.on_fail else ""
        if then and then not in answer and step.id not in read:
            path = ("steps", position, "on_fail", "then")
            yield path, f"`answer` has no entry `{then}`{nearest(then, answer)}"
