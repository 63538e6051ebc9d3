"""What people read about stages, pilots and readiness. Values are escaped here."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from bot.adapters.store.stages_log import Standing
from bot.governance.stages import Pilot
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
from bot.slack.elements import escape, is_person, mention, moment, one_line
from bot.slack.text import age, dollars, elapsed

Names = Mapping[str, str]
"""Id of a person or user group to what people call it."""
NOBODY: Names = {}

LINES: dict[str, str] = {
    "owner": "an owner",
    "deputy": "a deputy",
    "purpose": "the purpose",
    "cases": "passing cases",
    "cost": "the forecast",
    "knowledge": "the knowledge",
    "outside": "what happens outside the knowledge",
    "budget": "a budget",
    "approval": "an approval",
}
"""Lines of the card as a sentence names them."""

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
    Supply.ASK_APPROVAL: "Ask for approval",
}
"""What a button that supplies a line says; the other lines say in words what to do."""

_STAGES = {
    "draft": "a draft",
    "pilot": "in pilot",
    "production": "in production",
    "retired": "retired",
}
_KINDS = {"parameters": "parameters of", "rules": "rules", "models": "model profiles"}
_MEASURES = {
    Measure.VOTES: "Thumbs up",
    Measure.FAILURES: "Failed runs",
    Measure.SCORES: "Checks and judges",
    Measure.COST: "Cost of a run",
    Measure.SECONDS: "Time to the answer",
}


def stage_words(stage: str) -> str:
    """Where it stands, after "is"."""
    return _STAGES.get(stage, escape(stage))


def people_words(people: Iterable[str], names: Names = NOBODY) -> str:
    """People as mentions, user groups by their handle: a mention of theirs would call all of them."""
    return ", ".join(
        mention(each) if is_person(each) else f"*{escape(names.get(each, each))}*" for each in people
    )


def pilot_words(pilot: Pilot, names: Names = NOBODY) -> str:
    """Whom a pilot serves."""
    named = people_words([*pilot.people, *pilot.groups], names)
    rest = " of the others" if named else " of the people"
    share = f"{pilot.share} %{rest}" if pilot.share else ""
    whom = " and ".join(part for part in (named, share) if part)
    paused = f" It rests: {paused_words(pilot.paused)}." if pilot.paused else ""
    return f"The candidate serves {whom} since {moment(pilot.since)}.{paused}"


def paused_words(why: str) -> str:
    """Why a pilot rests."""
    known = {
        "votes": "the guard found its votes worse than those of production by more than chance",
        "failures": "the guard found that it fails more often than production by more than chance",
        "by hand": "somebody paused it",
    }
    return known.get(why, f"“{one_line(why, 200)}”")


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
    count = f"{cases.total} case{'s' if cases.total > 1 else ''}"
    if cases.ran_at is None:
        return f"{count}, never run on this candidate."
    failing = ", ".join(f"`{escape(each)}`" for each in cases.failing[:3])
    more = f" and {len(cases.failing) - 3} more" if len(cases.failing) > 3 else ""
    failed = f" Failing: {failing}{more}." if failing else ""
    late = "" if cases.is_current else " Something changed since: run them again."
    cut = "" if cases.is_complete else " The run was cut short."
    return f"{cases.passed} of {cases.judged} pass, run {moment(cases.ran_at)}.{failed}{late}{cut}"


def cost_line(cost: CostEvidence) -> str:
    """What a run costs, and a month."""
    if not cost.runs:
        return "No run yet that says what one costs."
    where = f"over {cost.runs} " + ("runs" if cost.source == "runs" else "cases")
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
    count = f"{each.documents} document{'s' if each.documents > 1 else ''}"
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
    counts = f"{comparison.candidate.runs} runs on the candidate, {comparison.production.runs} on production."
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


def pilot_started(workflow: str, pilot: Pilot, names: Names) -> str:
    """After a pilot began or its people changed."""
    return f"`{escape(workflow)}` is in pilot. {pilot_words(pilot, names)}"


def moved_words(workflow: str, what: str) -> str:
    """After a move that needs no more words."""
    return f"`{escape(workflow)}` {what}."


def retired(workflow: str) -> str:
    """After a workflow was retired."""
    name = escape(workflow)
    return (
        f"`{name}` is retired: nobody runs it any more. Its runs stay, and "
        f"`/spanwise reopen {name}` brings it back."
    )


def guard_paused(workflow: str, facts: Iterable[tuple[str, str]], measure: str) -> str:
    """To the owners, when the guard rested a pilot."""
    name = escape(workflow)
    said = "\n".join(f"• {escape(side)}: {escape(value)}" for side, value in facts)
    return (
        f":warning: I paused the pilot of `{name}`: {paused_words(measure)}. Everybody has "
        f"production again.\n{said}\n`/spanwise promote {name}` shows the rest, with the button to resume."
    )


def card_gone() -> str:
    """A card whose workflow cannot be read any more."""
    return "This card is out of date: its workflow is not there any more, or its cases cannot be read."


def card_title(title: str, *, has_candidate: bool) -> str:
    """Head of the card."""
    return f"Ready for everybody? {title}" if has_candidate else f"How it stands: {title}"


def stands(workflow: str, stage: str, why: str) -> str:
    """Where the workflow is."""
    because = f": “{one_line(why, 200)}”" if why else ""
    return f"`/{escape(workflow)}` is *{stage_words(stage)}*{because}."


def candidate_words(found: list[tuple[str, str, int, int]], reaches: list[str]) -> str:
    """What the candidate changes."""
    if not found:
        return "There is no candidate: nothing differs from production."
    parts = [
        f"{_KINDS.get(kind, kind)} `{escape(name)}` v{new} ({f'production has v{old}' if old else 'new'})"
        for kind, name, old, new in found
    ]
    more = f" and {len(parts) - 8} more" if len(parts) > 8 else ""
    others = ", ".join(f"`/{escape(name)}`" for name in reaches)
    also = f"\n:warning: Promoting it also changes {others}." if reaches else ""
    return f"Candidate: {', '.join(parts[:8])}{more}.{also}"


def purpose_line(purpose: str) -> str:
    """What it is for."""
    return one_line(purpose, 300) if purpose.strip() else "Nobody has said what it is for."


def sure_to_promote(workflow: str) -> dict[str, str]:
    """The question before a promotion."""
    return {
        "title": "Promote?",
        "text": f"Everybody gets the candidate of {workflow} from now on. It can be rolled back.",
        "yes": "Promote",
        "no": "Not yet",
    }


def nothing_stands() -> str:
    """No workflow that concerns this person."""
    return "There is no workflow here that you may run, see or move."


def standing_line(standing: Standing, names: Names) -> str:
    """One workflow of the overview."""
    said = stands(standing.workflow, standing.stage.value, standing.why)
    return f"{said} {pilot_words(standing.pilot, names)}" if standing.pilot else said


def promoted(workflow: str) -> str:
    """After a promotion."""
    name = escape(workflow)
    return f":white_check_mark: `{name}` is in production: everybody gets what the pilot tried out."


def cases_running(workflow: str) -> str:
    """The cases were asked for."""
    return f"The cases of `{escape(workflow)}` run now; the card changes when they are through."


def approval_asked(count: int) -> str:
    """The card went out."""
    return f"I sent the card to {count} {'person' if count == 1 else 'people'} who may approve it."


def approved(workflow: str) -> str:
    """An approval is on record."""
    return f"Noted: you approve this candidate of `{escape(workflow)}`, and no later one."


def card_comes() -> str:
    """The card is on its way."""
    return "The card comes here in a moment."


def how_to(word: str) -> str:
    """A command without what it needs."""
    examples = {
        "promote": "`/spanwise promote ask-policy`",
        "pilot": "`/spanwise pilot ask-policy @ana @leads 20%`, or `pause`, `resume`, `stop` in their place",
        "retire": "`/spanwise retire ask-policy because the new handbook answers this`",
        "reopen": "`/spanwise reopen ask-policy`",
    }
    return f"Say which workflow, as in {examples.get(word, '`/spanwise stages`')}."


def not_a_member() -> str:
    """Under a field with a guest, a bot or somebody who left."""
    return "Choose somebody who is a member of this workspace: not a guest, a bot or a deactivated account."


def not_a_volume() -> str:
    """Under the field of the volume."""
    return "Give a whole number of runs a month, 1 or more."


def nothing_expected() -> str:
    """Under a case that expects nothing."""
    return "Say what the answer must contain, or tick that it must say that it does not know."


def nobody_chosen() -> str:
    """Under a pilot for nobody."""
    return "Choose people, or a share above 0."
