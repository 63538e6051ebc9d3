"""The sentences of an explanation of a run, and those that both explanations share."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.services.explained import RunExplained, VersionUsed
from bot.slack.budget_text import cost as cost_words
from bot.slack.elements import escape, moment, one_line
from bot.slack.refusals import sentence
from bot.slack.state_text import state_words
from bot.slack.text import dollars, elapsed
from workflows.diagram import Trail
from workflows.plain_words import outcome_in_words
from workflows.run import StepRun, StepStatus
from workflows.template import as_text
from workflows.workflow import Workflow

Names = Mapping[str, str]

RUN_TITLE, WORKFLOW_TITLE = "How this came about", "How this works"
"""Titles of the two modals; Slack allows 24 characters."""

STEPS = "What happened, step by step"
READ, CALLED, USED, ANSWERED = "Passages read", "Calls to models", "Versions used", "The answer"
HOW_IT_WORKS = "How this workflow works"
"""Of the button that leads from a run to its workflow."""

AT_ONCE_S = 0.05
ALT_CHARACTERS = 1900
"""Slack takes 2000."""

_OFFICES: Mapping[str, str] = {
    "library": "the product as it ships",
    "settings": "the file of model profiles",
    "terminal": "an operator at the terminal",
    "spanwise": "Spanwise itself",
}
_KINDS: Mapping[str, str] = {
    "workflow": "Workflow",
    "prompt": "Prompt",
    "parameters": "Parameters of",
    "rules": "Rules of",
    "models": "Model profiles",
    "knowledge": "Collection",
}


def who(person: str, names: Names) -> str:
    """A person, a group or one of those who act without being one."""
    if person in _OFFICES:
        return _OFFICES[person]
    if person.startswith("S") and person not in names:
        return f"the group {escape(person)}"
    return escape(names.get(person, person))


def seconds(taken: float) -> str:
    """How long a step took; most take no time that anybody would notice."""
    return "under 0.1 s" if taken < AT_ONCE_S else elapsed(taken)


def step_note(step: StepRun, cost: Decimal | None) -> str:
    """On a step of the diagram: its time and, where a model was called, its cost."""
    if step.status is StepStatus.SKIPPED:
        return ""
    taken = seconds((step.finished_at - step.started_at).total_seconds())
    return taken if cost is None else f"{taken} · {dollars(cost)}"


def withheld() -> str:
    """In the place of an answer and its passages."""
    return (
        ":lock: The answer and the passages are not shown: they come from documents that you may not read. "
        "Ask an admin for the collection, or the person who asked."
    )


def drawing() -> str:
    """In the place of a picture that is still made."""
    return ":hourglass_flowing_sand: Drawing the picture…"


def not_drawn() -> str:
    """In the place of a picture that could not be made."""
    return "The picture could not be drawn this time; everything it shows is in the text below."


def legend_of_run() -> str:
    """Under the picture of a run."""
    return (
        "Bold is the way this run took, with the time of each step and the cost where a model was called. "
        "Grey and dashed was not needed. Press the picture to see it large."
    )


def alt_of_run(workflow: Workflow, trail: Trail) -> str:
    """The picture of a run in words."""
    done, left = [], []
    for step in workflow.order:
        name, mark = step.title or step.id, trail.marks.get(step.id)
        if mark is None or mark.status is StepStatus.SKIPPED:
            left.append(name)
        else:
            came = f", came to {outcome_in_words(mark.outcome)}" if mark.outcome else ""
            ended = ", failed" if mark.status is StepStatus.FAILED else came
            done.append(f"{name} ({mark.note or 'done'}{ended})")
    end = {None: "It ended without an answer.", "": "It ended in the answer."}.get(
        trail.entry, f"It ended in the answer “{outcome_in_words(trail.entry or '')}”."
    )
    unneeded = f" Not needed: {'; '.join(left)}." if left else ""
    way = "; ".join(done) or "no step"
    return f"Flowchart of {workflow.title}. This run took: {way}. {end}{unneeded}"[:ALT_CHARACTERS]


def run_head(explained: RunExplained, names: Names) -> str:
    """Which run this is."""
    run = explained.base.run
    ended = run.finished_at or run.started_at or run.created_at
    taken = elapsed((ended - (run.started_at or run.created_at)).total_seconds())
    dollars_spent = sum((call.cost_usd for call in explained.base.calls), start=Decimal(0))
    cost = cost_words(dollars_spent, is_priced=run.is_priced)
    label = " · on the candidate that a pilot tries out" if run.label == "candidate" else ""
    return (
        f"*{escape(run.title)}* v{run.version}{label} · asked by {who(run.actor.id, names)}, "
        f"{moment(run.created_at)}\n{state_words(run.ending, run.status)} · {taken} · {cost} · "
        f"run `{escape(run.id)}`"
    )


def step_line(number: str, step: StepRun, title: str, cost: Decimal | None) -> str:
    """What became of one step."""
    if step.status is StepStatus.SKIPPED:
        why = f" _{one_line(step.because, 300)}_" if step.because else ""
        return f"{number}. {escape(title)} · not needed{why}"
    parts = [f"{number}. *{escape(title)}*", step_note(step, cost)]
    if step.status is StepStatus.FAILED:
        parts.append("failed")
    if step.attempts > 1:
        parts.append(f"{step.attempts} attempts")
    if step.model:
        parts.append(f"model {escape(step.model)}")
    lines = [" · ".join(parts)]
    outcome = step.output.get("outcome")
    if isinstance(outcome, str) and outcome:
        because = one_line(step.because, 400) or "no reason given"
        lines.append(f"Came to “{escape(outcome_in_words(outcome))}”: {because}")
    elif step.because:
        lines.append(f"_{one_line(step.because, 400)}_")
    if step.failure:
        lines.append(f":warning: {sentence(step.failure.kind, step.failure.facts)}")
    return "\n".join(lines)


def versions_summary(versions: Sequence[VersionUsed]) -> str:
    """Whether the same would be used today."""
    if all(each.is_live for each in versions):
        return "Everything is as it is live today: asked again now, the same versions would answer."
    changed = sum(not each.is_live for each in versions)
    return f"{changed} of {len(versions)} {'has' if changed == 1 else 'have'} changed since this run."


def version_line(version: VersionUsed, names: Names) -> str:
    """One version, and what is live now."""
    what = _KINDS.get(version.kind, version.kind.capitalize())
    if version.kind != "models":
        what += f" `{escape(version.name)}`"
    was = _numbered(version.kind, version.was)
    if version.is_live:
        return f"• {what} {was}, live today"
    if version.now is None:
        return f"• {what} was {was}, today there is none"
    by = f" by {who(version.changed_by, names)}" if version.changed_by else ""
    when = f", {moment(version.changed_at)}" if version.changed_at else ""
    changed = f" (changed{by}{when})" if by else ""
    today = _numbered(version.kind, version.now)
    return f"• :arrows_counterclockwise: {what} was {was}, today *{today}*{changed}"


def _numbered(kind: str, number: int) -> str:
    return f"revision {number}" if kind == "knowledge" else f"v{number}"


def parameters_used(values: Mapping[str, Any]) -> str:
    """The values that a run was tuned with."""
    listed = " · ".join(f"{escape(name)} {escape(as_text(value))}" for name, value in values.items())
    return f"Parameters: {listed}" if listed else ""


def passage_age(version: object, today: object) -> str:
    """The version of a document that was read, and whether it has changed since."""
    if today is None:
        return f"v{escape(str(version))}, taken out since"
    return f"v{escape(str(version))}" if version == today else f"v{escape(str(version))}, today v{today}"


def explain_what() -> str:
    """`/spanwise explain` by somebody who has not run anything."""
    return (
        "Say what to explain: `/spanwise explain ask-policy` for a workflow, or the id or the link of an "
        "answer. Without anything, it is your newest run, and you have none yet."
    )


def cut(rest: int) -> str:
    """Below a list that is longer than a modal."""
    return f"_and {rest} more_"
