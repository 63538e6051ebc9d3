"""The sentences of an explanation of a workflow."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from bot.adapters.store.explain_facts import DocumentUsed
from bot.services.explained import KnowledgeUsed, ParameterNow, WorkflowExplained
from bot.slack.elements import escape, moment
from bot.slack.explain_text import ALT_CHARACTERS, Names, who
from bot.slack.text import age, dollars, elapsed
from workflows.plain_logic import PlainStep
from workflows.plain_words import outcome_in_words
from workflows.template import as_text
from workflows.workflow import Workflow

KNOWS, TUNED = "What it knows", "What may be tuned"
WORKS, LIMITS, SIGNS = "How it works", "Known limits", "How you would notice that it stopped working"
DOCUMENTS = 10


def legend_of_workflow(has_dotted: bool) -> str:
    """Under the picture of a workflow."""
    dotted = " A dotted arrow brings the answer its text." if has_dotted else ""
    return f"The numbers are those of the steps below.{dotted} Press the picture to see it large."


def alt_of_workflow(workflow: Workflow) -> str:
    """The picture of a workflow in words, for those who do not see it."""
    steps = "; ".join(f"{number} {step.title or step.id}" for number, step in enumerate(workflow.order, 1))
    ends = ", ".join(outcome_in_words(entry) for entry in workflow.answer if entry)
    ending = f" It can end in: {ends}." if ends else ""
    return f"Flowchart of {workflow.title} with {len(workflow.order)} steps: {steps}.{ending}"[
        :ALT_CHARACTERS
    ]


def workflow_head(explained: WorkflowExplained) -> str:
    """Which workflow this is, and what it is for."""
    workflow = explained.workflow
    return f"*{escape(workflow.title)}* `/{escape(explained.name)}`\n{escape(workflow.purpose)}"


def standing(explained: WorkflowExplained, names: Names) -> str:
    """Version, stage and who released it."""
    stages = {
        "draft": "a draft, run only by those who may change it",
        "pilot": "in a pilot",
        "production": "in production",
        "retired": "retired: nobody runs it any more",
    }
    said = f"v{explained.version}{', the candidate' if explained.label == 'candidate' else ''}"
    said += f", {stages.get(explained.stage, explained.stage)}"
    if not explained.released_at:
        return said
    return f"{said}, released by {who(explained.released_by, names)}, {moment(explained.released_at)}"


def ownership(explained: WorkflowExplained, names: Names) -> str:
    """Who answers for it."""
    owners = [who(each, names) for each in explained.owners]
    if not owners:
        ask = " or ".join(who(each, names) for each in explained.ask[:3]) or "an admin"
        return f":warning: Nobody owns it yet. Until somebody does, ask {ask}."
    deputy = f" · deputy {', '.join(owners[1:3])}" if owners[1:] else " · no deputy"
    return f"Owner {owners[0]}{deputy}"


def plain_step(step: PlainStep) -> str:
    """What one step does, with its rules."""
    lines = [f"*{step.number}. {escape(step.title)}*", escape(step.does)]
    if step.only_when:
        lines.append(f"_Only when {escape(step.only_when)}._")
    for number, rule in enumerate(step.rules, 1):
        when = f"if {escape(rule.when)}" if rule.when else "otherwise"
        because = f": {escape(rule.because)}" if rule.because else ""
        lines.append(f"{number}. {when} → *{escape(rule.outcome)}*{because}")
    if step.words:
        lines.append("_" + "; ".join(f"{escape(name)}: {escape(what)}" for name, what in step.words) + "._")
    return "\n".join(lines)


def parameter_line(parameter: ParameterNow, names: Names) -> str:
    """One parameter: its value, its bounds, who set it."""
    setting = parameter.setting
    bounds = [f"from {setting.min}"] if setting.min is not None else []
    bounds += [f"to {setting.max}"] if setting.max is not None else []
    bounds += ["one of " + ", ".join(map(escape, setting.choices))] if setting.choices else []
    span = f" ({' '.join(bounds)})" if bounds else ""
    if parameter.set_at:
        was = (
            f"; it comes as {escape(as_text(setting.default))}" if parameter.value != setting.default else ""
        )
        source = f"Set by {who(parameter.set_by, names)}, {moment(parameter.set_at)}{was}."
    else:
        source = "Nobody has changed it."
    said = escape(setting.help.strip())
    about = f": {said[:-1] if said.endswith('.') else said}" if said else ""
    return f"• *{escape(parameter.name)}* is *{escape(as_text(parameter.value))}*{span}{about}. _{source}_"


def knowledge_lines(used: KnowledgeUsed, names: Names, now: datetime) -> str:
    """One collection with its documents, those unchanged for longest first."""
    name = escape(used.collection)
    if not used.is_readable:
        return f"• *{name}*: you may not read this collection, so its documents are not listed."
    if not used.documents:
        return f":warning: *{name}* holds no document: nothing can be found in it."
    orphans = sum(not each.owner for each in used.documents)
    unowned = f", {orphans} without an owner" if orphans else ""
    count = len(used.documents)
    head = (
        f"• *{name}*: {count} {'document' if count == 1 else 'documents'}{unowned}, revision {used.revision}"
    )
    lines = [_document(each, names, now) for each in used.documents[:DOCUMENTS]]
    rest = count - DOCUMENTS
    more = [f"and {rest} more that changed later"] if rest > 0 else []
    order = " The ones unchanged for longest:" if rest > 0 else ""
    return "\n".join([f"{head}.{order}", *lines, *more])


def _document(document: DocumentUsed, names: Names, now: datetime) -> str:
    owner = f"owner {who(document.owner, names)}" if document.owner else "no owner"
    return f"◦ {escape(document.title)} · {owner} · {age(document.updated_at, now)}"


def sentences(found: Iterable[str]) -> str:
    """Several sentences as a list."""
    return "\n".join(f"• {escape(each)}" for each in found)


def usual(explained: WorkflowExplained) -> str:
    """What the newest runs came to, so that a change stands out."""
    seen = explained.activity
    if not seen.runs:
        return "In the last 30 days nobody ran it, so there is nothing to compare with."
    most = "more than " if seen.is_cut else ""
    parts = [
        f"{most}{seen.runs} {'run' if seen.runs == 1 else 'runs'} by {seen.people} "
        f"{'person' if seen.people == 1 else 'people'}",
        f"{seen.failed} failed",
        f"{seen.abstained} said that they did not know",
        f"{seen.up} thumbs up and {seen.down} down",
    ]
    line = f"*Usual, over the last 30 days:* {', '.join(parts)}."
    if seen.seconds:
        half, most_s = _part(seen.seconds, 0.5), _part(seen.seconds, 0.95)
        cost = dollars(_part(seen.costs, 0.5))
        line += (
            f" Half were answered within {elapsed(half)}, 95 of 100 within {elapsed(most_s)}, at {cost} each."
        )
    return f"{line} Last answer: {moment(seen.last_at)}." if seen.last_at else line


def _part(ordered: Sequence[Any], share: float) -> Any:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def tested(explained: WorkflowExplained) -> str:
    """How its cases came out last."""
    found = explained.tested
    if found is None:
        command = f"`python -m bot evaluate {escape(explained.name)}`"
        return f"*Tested:* its cases were not run here yet; {command} runs them."
    when = f", {moment(found.at)}" if found.at else ""
    failing = f" Failing: {', '.join(map(escape, found.failing[:8]))}." if found.failing else ""
    return f"*Tested:* {found.passed} of {found.judged} cases passed{when}.{failing}"
