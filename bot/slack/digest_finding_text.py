"""Every sentence about a finding of the weekly digest, and what became of it. Values are escaped here."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.quality.digest_findings import COLLECTION, Act, Decision, Finding, FindingKind, FindingStatus
from bot.quality.digest_words import more_or_less
from bot.quality.figures import counted, dollars, elapsed, percent
from bot.quality.finding_sight import WITHHELD
from bot.quality.week_insights import CauseKind, Measure
from bot.slack.digest_text import DID
from bot.slack.elements import escape, mention, moment, one_line
from bot.slack.feedback_text import REASONS
from bot.slack.refusals import sentence

BUTTONS: Mapping[Act, str] = {
    Act.FIX: "Draft a fix",
    Act.CASE: "Add case",
    Act.KNOWLEDGE: "Add knowledge",
    Act.ASSIGN: "Assign to",
    Act.DISMISS: "Not a problem",
}
TAKE_BACK = "Let it wait again"

QUESTION, ANSWER = 240, 300
"""Characters of them that are shown."""

Facts = Mapping[str, Any]


def heading(finding: Finding) -> str:
    """What is found, without anybody's words."""
    if is_forgotten(finding):
        return gone()
    return _HEADINGS[finding.kind](finding.facts)


def told(finding: Finding, title: str) -> str:
    """A finding in a few lines, as far as its readers may see it."""
    if is_forgotten(finding):
        return gone()
    about = f" · {escape(title)}" if title else ""
    lines = [f"*{heading(finding)}*{about}", *_back(finding)]
    lines += _DETAILS[finding.kind](finding.facts)
    return "\n".join(line for line in lines if line)


def is_forgotten(finding: Finding) -> bool:
    """Whether retention has left no more of it than how bad it was."""
    return set(finding.facts) <= {"severity"}


def short(finding: Finding) -> str:
    """A finding in the middle of a sentence."""
    said = heading(finding)
    return f"“{said}”"


def where(finding: Finding, titles: Mapping[str, str]) -> str:
    """The title of its workflow, or the collection it is about."""
    if finding.workflow.startswith(COLLECTION):
        return f"documents of {finding.workflow.removeprefix(COLLECTION)}"
    return titles.get(finding.workflow, f"/{finding.workflow}" if finding.workflow else "")


def _failures(facts: Facts) -> str:
    return f"{counted(int(facts['count']), 'run')} of {int(facts['runs']):,} failed in the same way"


def _failure_details(facts: Facts) -> list[str]:
    if not facts.get("error"):
        return []
    return [f"> {sentence(str(facts['error']), _strings(facts.get('facts') or {}))}"]


def _worst(facts: Facts) -> str:
    down, up = int(facts["votes_down"]), int(facts["votes_up"])
    liked = f", up by {up:,}" if up else ""
    return f"An answer was voted down by {counted(down, 'person', 'people')}{liked}"


def _worst_details(facts: Facts) -> list[str]:
    reasons = [REASONS[each].lower() for each in facts.get("reasons", ()) if each in REASONS]
    lines = [f"Because {'; '.join(reasons)}." if reasons else ""]
    if not facts.get("question"):
        return lines
    asked = [f"Asked: “{one_line(str(facts['question']), QUESTION)}”"]
    if facts.get(WITHHELD):
        return [*asked, "_Its answer comes from documents that you may not read._", *lines]
    asked.append(f"Answered: “{one_line(str(facts['answer']), ANSWER)}”")
    said = [f"Should have said: “{one_line(str(each), ANSWER)}”" for each in facts.get("words", ())]
    return [*asked, *lines, *said[:1]]


def _gap(facts: Facts) -> str:
    return f"{counted(int(facts['questions']), 'question')} that the knowledge does not cover"


def _gap_details(facts: Facts) -> list[str]:
    people = counted(int(facts["people"]), "person", "people")
    given = int(facts.get("escalated", 0))
    handed = f", {given:,} handed to a person" if given else ""
    label = facts.get("label") or facts.get("hint")
    about = f": *{one_line(str(label), 90)}*" if label else "."
    lines = [f"Asked by {people}{handed}{about}"]
    if facts.get("examples"):
        lines.append(" · ".join(f"“{one_line(str(each), 90)}”" for each in facts["examples"][:3]))
    return lines


def _anomaly(facts: Facts) -> str:
    measure, value, usual = Measure(facts["measure"]), float(facts["value"]), float(facts["usual"])
    shown = _VALUES[measure]
    up = value >= usual
    return f"{_MEASURES[measure][0 if up else 1]}: {shown(value)}, usually {shown(usual)}"


_MEASURES: Mapping[Measure, tuple[str, str]] = {
    Measure.COST: ("A run costs more than usual", "A run costs less than usual"),
    Measure.LATENCY: ("Answers are slower than usual", "Answers are faster than usual"),
    Measure.VOLUME: ("It was asked more than usual", "It was asked less than usual"),
    Measure.VOTES: ("More votes went down than usual", "Fewer votes went down than usual"),
}
_VALUES: Mapping[Measure, Callable[[float], str]] = {
    Measure.COST: lambda value: dollars(Decimal(str(value))),
    Measure.LATENCY: lambda value: f"95 of 100 within {elapsed(value)}",
    Measure.VOLUME: lambda value: counted(round(value), "run"),
    Measure.VOTES: percent,
}


def _anomaly_details(facts: Facts) -> list[str]:
    causes = [_cause(each) for each in facts.get("causes", ())]
    if not causes:
        weeks = counted(int(facts["weeks"]), "week")
        return [f"Compared with {weeks} before. Nothing that it is made of changed just before it."]
    return [f"Just before: {'; '.join(causes)}."]


def _cause(cause: Facts) -> str:
    at = moment(datetime.fromisoformat(str(cause["at"])))
    if not cause["what"]:
        return f"a change of a document that not everybody who reads this may read, {at}"
    what = escape(str(cause["what"]))
    by = f" by {mention(str(cause['by']))}" if cause.get("by") else ""
    return f"{_CAUSES[CauseKind(cause['kind'])]} `{what}`{by}, {at}"


_CAUSES: Mapping[CauseKind, str] = {
    CauseKind.RELEASE: "a release of",
    CauseKind.ROLLBACK: "a way back of",
    CauseKind.DOCUMENT: "a change of the document",
    CauseKind.MODEL: "another model,",
    CauseKind.PRICE: "another price of",
}


def _forecast(facts: Facts) -> str:
    return f"The month will cost more than its limit of {dollars(Decimal(facts['limit']))}"


def _forecast_details(facts: Facts) -> list[str]:
    spent, expected, low, high = (Decimal(facts[name]) for name in ("spent", "expected", "low", "high"))
    return [
        f"{dollars(spent)} is spent; about {dollars(expected)} at its end "
        f"(between {dollars(low)} and {dollars(high)}). `/spanwise budget` shows and adds to it."
    ]


def _stale(facts: Facts) -> str:
    return f"An old document stands behind {counted(int(facts['answers']), 'answer')}"


def _stale_details(facts: Facts) -> list[str]:
    named, age = str(facts.get("title") or ""), int(facts["age_days"])
    title = f"*{one_line(named, 90)}*" if named else "A document that you may not read"
    down = int(facts["votes_down"])
    voted = f", {down:,} of them voted down" if down else ""
    owner = f", kept by {one_line(str(facts['owner']), 60)}" if facts.get("owner") else ""
    return [f"{title} was last changed {_age(age)} ago{voted}{owner}."]


def _age(age_days: int) -> str:
    if age_days < 730:
        return counted(max(age_days // 30, 1), "month")
    return counted(age_days // 365, "year")


_HEADINGS: Mapping[FindingKind, Callable[[Facts], str]] = {
    FindingKind.FAILURES: _failures,
    FindingKind.WORST: _worst,
    FindingKind.GAP: _gap,
    FindingKind.ANOMALY: _anomaly,
    FindingKind.FORECAST: _forecast,
    FindingKind.STALE: _stale,
}
_DETAILS: Mapping[FindingKind, Callable[[Facts], list[str]]] = {
    FindingKind.FAILURES: _failure_details,
    FindingKind.WORST: _worst_details,
    FindingKind.GAP: _gap_details,
    FindingKind.ANOMALY: _anomaly_details,
    FindingKind.FORECAST: _forecast_details,
    FindingKind.STALE: _stale_details,
}


def _back(finding: Finding) -> list[str]:
    """Why something that was settled is shown again."""
    decision = finding.decision
    if finding.status is not FindingStatus.OPEN or decision is None:
        return []
    who, when = mention(decision.by), moment(decision.at)
    if decision.act is Act.DISMISS:
        worse = more_or_less(finding.severity, decision.severity).partition(" than ")[0]
        return [f"_{who} said it was not a problem, {when}; since then it is {worse}._"]
    return [f"_{who} {DID[decision.act]}, {when}; it is still there._"]


def settled(decision: Decision) -> str:
    """In place of the buttons."""
    who, result = mention(decision.by), escape(decision.result)
    words = {
        Act.FIX: f":pencil2: {who} drafts a fix",
        Act.CASE: f":white_check_mark: {who} added the case `{result}`",
        Act.KNOWLEDGE: f":books: {who} wrote knowledge for it",
        Act.ASSIGN: f":point_right: {who} gave it to {mention(decision.result)}",
        Act.DISMISS: f":ballot_box_with_check: {who}: not a problem",
    }
    return f"{words[decision.act]} · {moment(decision.at)}"


REVISE_TITLE = "Update a document"
REVISE_HINT = "Somebody else approves it; until then answers stand on the text as it was."


def on_revision(finding: Finding) -> str:
    """Above the text of an old document."""
    place = escape(f"{finding.workflow.removeprefix(COLLECTION)}/{finding.facts.get('path', '')}")
    return f"{told(finding, '')}\nWrite what holds today, and take out what no longer does: `{place}`."


def too_long_to_revise(title: str) -> str:
    """A document that no form holds."""
    return (
        f"*{one_line(title, 90)}* is too long for a form. Change its file and bring it in with "
        "`python -m bot knowledge add`, or take the page out and write it anew with *Add knowledge*."
    )


def given(by: str) -> str:
    """To whom a finding is given."""
    return f"{mention(by)} asks you to look into something that the weekly digest found."


def gone() -> str:
    """A finding that was forgotten."""
    return "This was deleted, as the retention of its workflow asks."


def case_added(key: str, workflow: str) -> str:
    """After the form of a case."""
    return (
        f"The case `{escape(key)}` is kept. From now on every change of `{escape(workflow)}` is tested "
        "against it; it may fail until one mends it."
    )


def reason(finding: Finding) -> str:
    """What a change that is begun from a finding says as its reason; plain text."""
    return f"The weekly digest found: {heading(finding)}."


def no_collections() -> str:
    """To who may write no documents."""
    return "You may write documents in no collection. Whoever may can, or an owner gives you the role."


def was_given(person: str) -> str:
    """After Assign."""
    return f"{mention(person)} has it in the direct messages with me."


def _strings(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in facts.items()}
