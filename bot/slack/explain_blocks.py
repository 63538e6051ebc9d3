"""Explanations as blocks: pure functions of values, with the picture where there is one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.services.discretion import passages_of
from bot.services.explained import RunExplained, WorkflowExplained
from bot.slack import elements as el
from bot.slack import explain_text as run_text
from bot.slack import explain_workflow_text as workflow_text
from bot.slack import text
from bot.slack.blocks import asked_text
from bot.slack.budget_text import cost
from bot.slack.elements import Outgoing
from bot.slack.explain_text import Names
from bot.slack.forms import DONE
from bot.slack.richtext import Block, rich_text
from workflows.diagram import Trail, mermaid, trail_of
from workflows.plain_limits import limits, signs
from workflows.plain_logic import logic
from workflows.run import StepRun

EXPLAIN_WORKFLOW = "workflow-explain"
"""Action id."""
STEPS, PASSAGES, CALLS = 30, 8, 40


@dataclass(frozen=True, slots=True)
class Picture:
    """What an explanation shows as an image."""

    source: str
    """Mermaid; empty when there is nothing to draw."""
    alt: str
    title: str
    legend: str


@dataclass(frozen=True, slots=True)
class Shown:
    """How far the picture is."""

    file: str = ""
    """Slack's id of the uploaded image."""
    has_failed: bool = False


def picture_of_run(explained: RunExplained) -> Picture:
    """The workflow with the way that the run took."""
    workflow, run = explained.workflow, explained.base.run
    if workflow is None:
        return Picture("", "", "", "")
    costs = costs_of(explained)
    notes = {step.step_id: run_text.step_note(step, costs.get(step.step_id)) for step in explained.base.steps}
    trail: Trail = trail_of(workflow, explained.base.steps, run.answer, notes)
    return Picture(
        mermaid(workflow, trail),
        run_text.alt_of_run(workflow, trail),
        f"{workflow.name}-{run.id}",
        run_text.legend_of_run(),
    )


def picture_of_workflow(explained: WorkflowExplained) -> Picture:
    """The workflow as a flowchart."""
    source = mermaid(explained.workflow)
    return Picture(
        source,
        workflow_text.alt_of_workflow(explained.workflow),
        f"{explained.name}-v{explained.version}",
        workflow_text.legend_of_workflow("-.->" in source),
    )


def costs_of(explained: RunExplained) -> Mapping[str, Decimal]:
    """Dollars by step; what a workflow inside a step spent counts for that step."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for call in explained.base.calls:
        sums[call.step_id.partition("/")[0]] += call.cost_usd
    return sums


def run_blocks(explained: RunExplained, names: Names, picture: Picture, shown: Shown) -> list[Block]:
    """Everything about a run."""
    base = explained.base
    question = asked_text(base.run.inputs)
    how = el.button(run_text.HOW_IT_WORKS, EXPLAIN_WORKFLOW, base.run.workflow)
    return [
        el.section(run_text.run_head(explained, names)),
        *([el.section(text.quote(question, 500))] if question else []),
        *([el.section(run_text.withheld())] if explained.is_withheld else []),
        *_picture(picture, shown),
        el.header(run_text.STEPS),
        *steps_blocks(explained),
        el.actions(how),
        *versions_blocks(explained, names),
        *passages_blocks(explained, names),
        *_calls(explained),
        *answer_blocks(explained),
    ]


def workflow_blocks(
    explained: WorkflowExplained, names: Names, picture: Picture, shown: Shown, now: datetime
) -> list[Block]:
    """Everything about a workflow."""
    values = explained.values
    steps = logic(explained.workflow, values)
    return [
        el.section(workflow_text.workflow_head(explained)),
        el.context(
            workflow_text.standing(explained, names),
            workflow_text.ownership(explained, names),
        ),
        *_picture(picture, shown),
        el.header(workflow_text.WORKS),
        *(el.section(workflow_text.plain_step(step)) for step in steps[:STEPS]),
        *_cut(len(steps) - STEPS),
        *_listed(
            workflow_text.TUNED,
            [workflow_text.parameter_line(each, names) for each in explained.parameters],
        ),
        *_listed(
            workflow_text.KNOWS,
            [workflow_text.knowledge_lines(each, names, now) for each in explained.knowledge],
        ),
        *_listed(workflow_text.LIMITS, [workflow_text.sentences(limits(explained.workflow, values))]),
        *_listed(workflow_text.SIGNS, [workflow_text.sentences(signs(explained.workflow))]),
        el.section(f"{workflow_text.usual(explained)}\n{workflow_text.tested(explained)}"),
    ]


def explain_view(title: str, blocks: Sequence[Block]) -> Block:
    """The modal around an explanation."""
    return el.modal(title, blocks, callback_id=DONE)


def explain_message(title: str, blocks: Sequence[Block]) -> Outgoing:
    """The same as a message, for where no modal can be opened. It pings nobody."""
    return Outgoing(title, tuple(blocks))


def people_of_run(explained: RunExplained) -> set[str]:
    """Everyone whose name the explanation shows."""
    owners = {str(each.get("owner", "")) for each in passages_of(explained.base)}
    return {explained.base.run.actor.id, *owners, *(each.changed_by for each in explained.versions)}


def people_of_workflow(explained: WorkflowExplained) -> set[str]:
    """Everyone whose name the explanation shows."""
    documents = (each for used in explained.knowledge for each in used.documents)
    return {
        explained.released_by,
        *explained.owners,
        *explained.ask,
        *(each.set_by for each in explained.parameters),
        *(each.owner for each in list(documents)),
    }


def _picture(picture: Picture, shown: Shown) -> list[Block]:
    if not picture.source:
        return []
    if shown.file:
        image: Block = {"type": "image", "slack_file": {"id": shown.file}, "alt_text": picture.alt}
        return [image, el.context(picture.legend)]
    return [el.context(run_text.not_drawn() if shown.has_failed else run_text.drawing())]


def steps_blocks(explained: RunExplained) -> list[Block]:
    """Each step with its time, its cost and what it came to."""
    base, costs = explained.base, costs_of(explained)
    lines = [
        run_text.step_line(number, step, base.titles.get(step.step_id, step.step_id), costs.get(step.step_id))
        for number, step in _numbered(explained)
    ]
    if not lines:
        return [el.section("No step was finished.")]
    return [*(el.section(line) for line in lines[:STEPS]), *_cut(len(lines) - STEPS)]


def _numbered(explained: RunExplained) -> list[tuple[str, StepRun]]:
    """Steps with the numbers of the diagram; those of a workflow inside a step below it."""
    order = [step.id for step in explained.workflow.order] if explained.workflow else []
    number = {name: place for place, name in enumerate(order, 1)}
    last = len(order) + 1
    steps = sorted(explained.base.steps, key=lambda step: number.get(step.step_id.partition("/")[0], last))
    return [(str(number.get(step.step_id, "–")), step) for step in steps]


def versions_blocks(explained: RunExplained, names: Names) -> list[Block]:
    """The versions that were used, beside what is live."""
    if not explained.versions:
        return [el.header(run_text.USED), el.section("No versions are recorded for this run.")]
    lines = [run_text.versions_summary(explained.versions)]
    lines += [run_text.version_line(each, names) for each in explained.versions]
    tuned = run_text.parameters_used(explained.parameters)
    return [
        el.header(run_text.USED),
        el.section("\n".join(lines)),
        *([el.context(tuned)] if tuned else []),
    ]


def passages_blocks(explained: RunExplained, names: Names) -> list[Block]:
    """The passages that were read."""
    found = list(passages_of(explained.base))
    if not found:
        return []
    lines = []
    for each in found[:PASSAGES]:
        headings = each.get("headings")
        trail = [str(each.get("title", "")), *(map(str, headings) if isinstance(headings, list) else [])]
        owner = str(each.get("owner", ""))
        by = f" · owner {run_text.who(owner, names)}" if owner else " · no owner"
        version = each.get("version", "?")
        document = str(each.get("document_id", ""))
        today = explained.documents_now.get(document) if document else version
        title = " › ".join(dict.fromkeys(el.escape(part) for part in trail if part))
        head = f"*{title}*{by} · {run_text.passage_age(version, today)}"
        lines.append(f"{head}\n{text.quote_document(str(each.get('text', '')), 500)}")
    return [
        el.header(run_text.READ),
        *(el.section(line) for line in lines),
        *_cut(len(found) - PASSAGES),
    ]


def _calls(explained: RunExplained) -> list[Block]:
    calls = explained.base.calls
    if not calls:
        return [el.header(run_text.CALLED), el.section("None.")]
    titles = explained.base.titles
    lines = [
        f"• {el.escape(titles.get(call.step_id, call.step_id))} · {el.escape(call.model)} · {call.purpose} · "
        f"{call.input_tokens} + {call.output_tokens} tokens · {cost(call.cost_usd, is_priced=call.priced)} · "
        f"{text.elapsed(call.seconds)} · {el.escape(call.outcome)}"
        for call in calls[:CALLS]
    ]
    total = sum((call.cost_usd for call in calls), start=Decimal(0))
    return [
        el.header(run_text.CALLED),
        el.section("\n".join(lines)),
        *_cut(len(calls) - CALLS),
        el.context(f"In all {text.dollars(total)}"),
    ]


def answer_blocks(explained: RunExplained) -> list[Block]:
    """The whole answer."""
    answer = explained.base.run.answer
    if answer is None or not answer.text.strip():
        return []
    return [el.header(run_text.ANSWERED), *rich_text(answer.text)]


def _listed(heading: str, lines: Iterable[str]) -> list[Block]:
    found = list(lines)
    return [el.header(heading), *(el.section(line) for line in found)] if found else []


def _cut(rest: int) -> list[Block]:
    return [el.context(run_text.cut(rest))] if rest > 0 else []
