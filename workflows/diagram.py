"""A workflow as a Mermaid flowchart."""

from collections.abc import Iterator

from workflows.graph import ancestors
from workflows.steps.base import StepDefinition
from workflows.steps.check import CheckStep
from workflows.workflow import Workflow

_SHAPES = {"decide": ("{{", "}}"), "check": ("{{", "}}"), "retrieve": ("[(", ")]"), "call": ("[[", "]]")}
MAX_LABEL = 70


def mermaid(workflow: Workflow) -> str:
    """The flowchart: steps, what they wait for, and the outcomes that end in an answer."""
    lines = ["flowchart TD", f"  start([{_quoted(', '.join(workflow.inputs) or 'start')}])"]
    for step in workflow.order:
        opening, closing = _SHAPES.get(step.kind, ("[", "]"))
        lines.append(f"  s_{step.id}{opening}{_quoted(f'{step.title or step.id} ({step.kind})')}{closing}")
        lines += _arrows(workflow, step)
    lines += _answers(workflow)
    return "\n".join(lines) + "\n"


def _arrows(workflow: Workflow, step: StepDefinition) -> Iterator[str]:
    """Arrows into a step. One that another way implies is left out, unless its condition reads from there."""
    before = workflow.edges[step.id].all
    asked = {reference[0] for reference in step.when.references} if step.when else set()
    implied = {name for other in before for name in ancestors(other, workflow.edges)}
    direct = [
        each.id
        for each in workflow.order
        if each.id in before and (each.id not in implied or each.id in asked)
    ]
    for name in direct or [""]:
        label = (
            f"|{_quoted(step.when.source)}|"
            if step.when and (name in asked or not asked & set(direct))
            else ""
        )
        yield f"  {f's_{name}' if name else 'start'} -->{label} s_{step.id}"


def _answers(workflow: Workflow) -> Iterator[str]:
    """One end for each entry of the answer, from the steps that decide on it last."""
    for entry, template in workflow.answer.items():
        end = f"answer_{entry or 'only'}"
        yield f"  {end}([{_quoted(f'answer: {entry}' if entry else 'answer')}])"
        deciding = [step for step in workflow.order if entry in getattr(step, "outcomes", ())]
        for step in deciding:
            yield from (f"  {arrow} {end}" for arrow in _last_arrows(workflow, step, entry))
        if not deciding:
            last = sorted({root for root, *_ in template.references} & set(workflow.edges))
            yield from (f"  s_{name} --> {end}" for name in last)


def _last_arrows(workflow: Workflow, decision: StepDefinition, outcome: str) -> list[str]:
    """From the decision, or from where its outcome leads: the check of what is then written, if any."""
    further = [step.id for step in workflow.order if _goes_on(step, decision, outcome)]
    if not further:
        return [f"s_{decision.id} -->|{_quoted(outcome)}|"]
    checks = [step for step in workflow.order if isinstance(step, CheckStep)]
    last = [check.id for check in checks if check.id in further or check.of in further]
    return [f"s_{name} -->|passed|" for name in last] or [f"s_{name} -->" for name in further]


def _goes_on(step: StepDefinition, decision: StepDefinition, outcome: str) -> bool:
    """Whether the step is one that only that outcome of the decision leads to."""
    return step.when is not None and (
        (decision.id, "outcome") in step.when.references and f'"{outcome}"' in step.when.source
    )


def _quoted(text: str) -> str:
    """Text in Mermaid's quotes, with what would end or style them written as entities."""
    flat = " ".join(text.split())
    short = flat if len(flat) <= MAX_LABEL else f"{flat[: MAX_LABEL - 1]}…"
    safe = short.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return f'"{safe}"'
