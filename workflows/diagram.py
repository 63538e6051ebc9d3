"""A workflow as a Mermaid flowchart, with the way that a run took through it when one is given. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workflows.arrows import Arrow, arrows, end_of
from workflows.plain_words import outcome_in_words
from workflows.run import Answer, StepRun, StepStatus
from workflows.steps.base import StepDefinition
from workflows.workflow import Workflow

_SHAPES = {"decide": ("{{", "}}"), "check": ("{{", "}}"), "retrieve": ("[(", ")]"), "call": ("[[", "]]")}
MAX_LABEL = 70

DOES: Mapping[str, str] = {
    "retrieve": "reads knowledge",
    "prompt": "an AI model writes",
    "classify": "an AI model sorts",
    "extract": "an AI model picks out facts",
    "decide": "rules decide",
    "check": "the text is checked",
    "template": "a text is filled in",
    "call": "another workflow runs",
    "collect": "results are gathered",
}
"""What a step of each kind does, in a few words."""

_COLOURS: Mapping[str, tuple[str, str]] = {
    "knowledge": ("#dbeafe", "#1d4ed8"),
    "model": ("#ede9fe", "#6d28d9"),
    "rules": ("#fef3c7", "#b45309"),
    "text": ("#f1f5f9", "#475569"),
    "ending": ("#dcfce7", "#15803d"),
}
"""Group of steps to fill and border. The second line of a step says the same in words."""
_GROUPS: Mapping[str, str] = {
    "retrieve": "knowledge",
    "prompt": "model",
    "classify": "model",
    "extract": "model",
    "decide": "rules",
    "check": "rules",
}
_INK = "#0f172a"
_TAKEN = "stroke:#0f172a,stroke-width:4px"
_LEFT = "stroke:#94a3b8,stroke-width:1px,stroke-dasharray:4 4"


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of one step in a run."""

    status: StepStatus
    outcome: str = ""
    """Of a decision or check: what it came to."""
    note: str = ""
    """Said on the step, such as its time and cost."""


@dataclass(frozen=True, slots=True)
class Trail:
    """The way one run took."""

    marks: Mapping[str, Mark] = field(default_factory=dict)
    """By step; a step without one was never reached."""
    entry: str | None = None
    """The entry of the workflow's `answer` that was given; None when there is no answer."""

    def ran(self, step: str) -> bool:
        """Whether the step was carried out to a result."""
        return step in self.marks and self.marks[step].status is StepStatus.SUCCEEDED

    def took(self, arrow: Arrow) -> bool:
        """Whether the run went this way."""
        if arrow.entry is not None and arrow.entry != self.entry:
            return False
        if arrow.entry is None and self._was_left(arrow.target):
            return False
        if not arrow.source:
            return True
        return self.ran(arrow.source) and arrow.outcome in ("", self.marks[arrow.source].outcome)

    def _was_left(self, step: str) -> bool:
        return step not in self.marks or self.marks[step].status is StepStatus.SKIPPED


def trail_of(
    workflow: Workflow, steps: Iterable[StepRun], answer: Answer | None, notes: Mapping[str, str]
) -> Trail:
    """The way that finished steps show; `notes` is what to say on a step."""
    known = {step.id for step in workflow.steps}
    marks = {
        step.step_id: Mark(step.status, str(step.output.get("outcome", "")), notes.get(step.step_id, ""))
        for step in steps
        if step.step_id in known
    }
    return Trail(marks, _entry(workflow, answer))


def _entry(workflow: Workflow, answer: Answer | None) -> str | None:
    if answer is None:
        return None
    return next((key for key in (answer.outcome, "", "otherwise") if key in workflow.answer), None)


def mermaid(workflow: Workflow, trail: Trail | None = None) -> str:
    """The flowchart: steps, what they wait for, and the outcomes that end in an answer.

    With a trail, the way it took is drawn bold, and what was left out is grey and dashed.
    """
    ways = arrows(workflow)
    given = [each.label or name for name, each in workflow.asked_inputs.items()]
    look = "ending" if trail is None else "endingTaken"
    lines = ["flowchart TD", f"  start([{_quoted('Starts with', *(given[:4] or ['nothing']))}]):::{look}"]
    lines += [f"  {_node(number, step, trail)}" for number, step in enumerate(workflow.order, 1)]
    lines += [f"  {_ending(entry, trail)}" for entry in workflow.answer]
    lines += [f"  {_line(way)}" for way in ways]
    lines += _styles(ways, trail)
    return "\n".join(lines) + "\n"


def _ending(entry: str, trail: Trail | None) -> str:
    name = f"Answer: {outcome_in_words(entry)}" if entry else "Answer"
    look = "ending"
    if trail is not None:
        look = "endingTaken" if trail.entry == entry else "left"
    return f"{end_of(entry)}([{_quoted(name)}]):::{look}"


def _node(number: int, step: StepDefinition, trail: Trail | None) -> str:
    opening, closing = _SHAPES.get(step.kind, ("[", "]"))
    does = DOES[step.kind]
    look = _GROUPS.get(step.kind, "text")
    if trail is not None:
        note, look = _mark(trail.marks.get(step.id), look)
        does = f"{does} · {note}" if note else does
    name = f"{number} · {step.title or step.id}"
    return f"s_{step.id}{opening}{_quoted(name, does)}{closing}:::{look}"


def _mark(mark: Mark | None, look: str) -> tuple[str, str]:
    if mark is None:
        return "not reached", "left"
    if mark.status is StepStatus.SKIPPED:
        return "not needed", "left"
    if mark.status is StepStatus.FAILED:
        return " · ".join(part for part in ("failed", mark.note) if part), "broken"
    return mark.note, f"{look}Taken"


def _line(way: Arrow) -> str:
    label = f"|{_quoted(way.label)}|" if way.label else ""
    source = f"s_{way.source}" if way.source else "start"
    target = f"s_{way.target}" if way.entry is None else end_of(way.entry)
    return f"{source} {'-.->' if way.is_text else '-->'}{label} {target}"


def _styles(ways: Sequence[Arrow], trail: Trail | None) -> Iterator[str]:
    for name, (fill, border) in _COLOURS.items():
        yield f"  classDef {name} fill:{fill},stroke:{border},color:{_INK}"
    if trail is None:
        return
    for name, (fill, _) in _COLOURS.items():
        yield f"  classDef {name}Taken fill:{fill},stroke:{_INK},stroke-width:4px,color:{_INK}"
    yield "  classDef left fill:#ffffff,stroke:#94a3b8,stroke-dasharray:4 4,color:#64748b"
    yield "  classDef broken fill:#fee2e2,stroke:#b91c1c,stroke-width:4px,color:#7f1d1d"
    for number, way in enumerate(ways):
        yield f"  linkStyle {number} {_TAKEN if trail.took(way) else _LEFT}"


def _quoted(first: str, *others: str) -> str:
    """Lines in Mermaid's quotes, the first bold where others follow."""
    head = f"<b>{_safe(first)}</b>" if others else _safe(first)
    return '"' + "<br/>".join([head, *(_safe(line) for line in others if line.strip())]) + '"'


def _safe(text: str) -> str:
    """Text with what would end or style it written as entities."""
    flat = " ".join("".join(char for char in text if char.isprintable() or char.isspace()).split())
    short = flat if len(flat) <= MAX_LABEL else f"{flat[: MAX_LABEL - 1]}…"
    for sign, entity in _ENTITIES.items():
        short = short.replace(sign, entity)
    # an icon or a formula would be drawn; a space of no width tells them apart from text
    return re.sub(r"\$(?=\$)|:(?=\S)", lambda found: f"{found[0]}\u200b", short)


_ENTITIES = {
    "#": "#35;",
    "&": "#amp;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "`": "#96;",
    "*": "#42;",
    "_": "#95;",
}
"""In this order: entities hold the first sign themselves."""
