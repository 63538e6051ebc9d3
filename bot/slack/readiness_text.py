"""The lines of the readiness card and of the comparison below it. Values are escaped here."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from bot.quality.pilots import Comparison, Finding, Measure, Verdict
from bot.quality.readiness import (
    BudgetEvidence,
    CasesEvidence,
    CostEvidence,
    Evidence,
    Holder,
    KnowledgeEvidence,
    LineName,
    Supply,
)
from bot.slack.elements import escape, mention, moment, one_line
from bot.slack.stage_text import people_words
from bot.slack.text import age, dollars, elapsed

TITLES: dict[LineName, str] = {
    LineName.OWNER: "Owner",
    LineName.DEPUTY: "Deputy",
    LineName.PURPOSE: "Purpose",
    LineName.CASES: "Cases",
    LineName.COST: "Cost",
    LineName.KNOWLEDGE: "Knowledge",
    LineName.OUTSIDE: "Outside the knowledge",
    LineName.BUDGET: "Budget",
    LineName.APPROVAL: "Approval",
}

BUTTONS: dict[Supply, str] = {
    Supply.NAME_OWNER: "Name a person",
    Supply.ADD_CASE: "Add a case",
    Supply.RUN_CASES: "Run the cases",
    Supply.SET_VOLUME: "Set expected volume",
    Supply.ADD_KNOWLEDGE: "Add a document",
    Supply.SET_BUDGET: "Set a budget",
    Supply.ASK_APPROVAL: "Ask for approval",
}
"""What a button that supplies a line says."""

_MEASURES = {
    Measure.VOTES: "Thumbs up",
    Measure.FAILURES: "Failed runs",
    Measure.SCORES: "Checks and judges",
    Measure.COST: "Cost of a run",
    Measure.SECONDS: "Time to the answer",
}


def purpose_line(purpose: str) -> str:
    """What it is for."""
    return one_line(purpose, 300) if purpose.strip() else "Nobody has said what it is for."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def owner_line(holders: Iterable[Holder]) -> str:
    """Who answers for it."""
    active = list(dict.fromkeys(holder.person for holder in holders if holder.is_active))
    gone = list(dict.fromkeys(holder.person for holder in holders if not holder.is_active))
    left = f" {people_words(gone)} left." if gone else ""
    if not active:
        return f"Nobody who is still here answers for it.{left}"
    return f"{mention(active[0])} answers for it.{left}"


def deputy_line(holders: Iterable[Holder]) -> str:
    """Who does when the owner is away."""
    active = list(dict.fromkeys(holder.person for holder in holders if holder.is_active))
    return (
        f"{people_words(active[1:4])} can step in."
        if active[1:]
        else "Nobody can step in when the owner is away."
    )


def cases_line(cases: CasesEvidence) -> str:
    """The cases and how they came out."""
    if not cases.total:
        return "There is no case it is held to."
    count = _many(cases.total, "case")
    if cases.ran_at is None:
        return f"{count}, never run on this candidate."
    failing = ", ".join(f"`{escape(each)}`" for each in cases.failing[:3])
    more = f" and {len(cases.failing) - 3} more" if len(cases.failing) > 3 else ""
    failed = f" Failing: {failing}{more}." if failing else ""
    late = "" if cases.is_current else " Something changed since: run them again."
    cut = "" if cases.is_complete else " The run was cut short."
    unjudged = cases.total - cases.judged
    left = (
        f" {_many(unjudged, 'case')} could not be judged with the models there are." if unjudged > 0 else ""
    )
    said = f"{cases.passed} of {cases.judged} pass, run {moment(cases.ran_at)}."
    return f"{said}{failed}{left if cases.is_current else ''}{late}{cut}"


def cost_line(cost: CostEvidence) -> str:
    """What a run costs, and a month."""
    if not cost.runs:
        return "No run yet that says what one costs."
    where = f"over {_many(cost.runs, 'run' if cost.source == 'runs' else 'case')}"
    spread = (
        f", eight of ten between {dollars(cost.low)} and {dollars(cost.high)}" if cost.high > cost.low else ""
    )
    said = f"{dollars(cost.mean)} a run {where}{spread}."
    if not cost.monthly_runs:
        return f"{said} Nobody has said how many runs a month to expect."
    return f"{said} At {cost.monthly_runs:,} runs a month: {_month(cost)}."


def _month(cost: CostEvidence) -> str:
    if cost.month_low == cost.month_high:
        return _whole(cost.month)
    return f"{_whole(cost.month)}, likely between {_whole(cost.month_low)} and {_whole(cost.month_high)}"


def _whole(amount: Decimal) -> str:
    return f"${amount:,.0f}" if amount >= 100 else dollars(amount)


def knowledge_line(used: Iterable[KnowledgeEvidence], now: datetime) -> str:
    """Which documents it draws on."""
    said = [_collection(each, now) for each in used]
    return " ".join(said) if said else "It reads no documents."


def _collection(each: KnowledgeEvidence, now: datetime) -> str:
    name = f"`{escape(each.collection)}`"
    if not each.documents or each.oldest_at is None:
        return f"{name} holds no document. `/spanwise help` says how to add one."
    owners = ", ".join(mention(owner) for owner in each.owners[:3])
    more = f" and {len(each.owners) - 3} more" if len(each.owners) > 3 else ""
    owned = f", kept by {owners}{more}" if owners else ""
    orphans = f", {each.without_owner} without an owner" if each.without_owner else ""
    count = _many(each.documents, "document")
    return f"{name}: {count}{owned}{orphans}, the oldest {age(each.oldest_at, now)}."


def outside_line(evidence: Evidence) -> str:
    """What it does when the documents are silent."""
    cases = evidence.cases
    if not evidence.knowledge:
        return "It reads no documents, so nothing is outside them."
    if not cases.outside:
        return "No case asks it something that its documents do not cover."
    if not cases.outside_judged:
        return f"{cases.outside} cases ask what its documents do not cover; they were not run yet."
    return f"It says that it does not know in {cases.outside_passed} of {cases.outside_judged} such cases."


def approval_line(evidence: Evidence) -> str:
    """Who said yes to exactly this."""
    if not evidence.approvals:
        return "Nobody has approved these versions yet; their authors cannot. It takes two people to promote."
    given = ", ".join(f"{mention(each.person)} {moment(each.at)}" for each in evidence.approvals)
    return f"Approved by {given}."


def budget_line(budgets: Iterable[BudgetEvidence]) -> str:
    """What may be spent."""
    said = [
        f"{dollars(each.limit_usd)} a {each.period} for {'it' if each.is_of_workflow else 'everything'}"
        for each in budgets
    ]
    return (
        f"{', '.join(said)}."
        if said
        else "None set: nothing caps what it may cost. `/spanwise budget` sets one."
    )


def comparison_lines(comparison: Comparison, *, is_drawn: bool) -> str:
    """Candidate against production, measure by measure, in plain words."""
    new, old = comparison.candidate.runs, comparison.production.runs
    counts = f"{_many(new, 'run')} on the candidate, {old} on production."
    shown = [each for each in comparison.findings if (each.production, each.candidate) != (None, None)]
    lines = [f"*The pilot so far*: {counts}", *map(_finding, shown)]
    if not is_drawn:
        lines.append("_Its people were chosen, not drawn: a difference can also come from who they are._")
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    new, old = _value(finding, finding.candidate), _value(finding, finding.production)
    verdicts = {
        Verdict.BETTER: "better, by more than chance",
        Verdict.WORSE: ":warning: worse, by more than chance",
        Verdict.ALIKE: "no more than chance",
        Verdict.TOO_FEW: "too few to say",
    }
    chance = f" (p = {finding.chance:.2g})" if finding.verdict is not Verdict.TOO_FEW else ""
    return f"• {_MEASURES[finding.measure]}: {new} against {old}, {verdicts[finding.verdict]}{chance}"


def _value(finding: Finding, value: float | None) -> str:
    if value is None:
        return "none"
    if finding.measure is Measure.COST:
        return dollars(Decimal(str(value)))
    return elapsed(value) if finding.measure is Measure.SECONDS else f"{value:.0%}"
