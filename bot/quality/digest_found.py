"""What a week's insights point out, as findings with the facts that their sentences are made of. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.quality.digest_findings import COLLECTION, Finding, FindingKind, finding_id
from bot.quality.digest_slots import IsoWeek
from bot.quality.week_insights import (
    Anomaly,
    Cause,
    Forecast,
    Gap,
    Measure,
    StaleDocument,
    WeekInsights,
    WorstAnswer,
)

FAILURES = 3
"""Fewer of the same kind are an accident."""
CAUSES = 3
TEXT = 400
"""Characters of a question or an answer that are kept."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Runs of one workflow that ended in the same error."""

    workflow: str
    error: str
    count: int
    runs: int
    """Of that workflow in the week."""
    newest_run_id: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Of the error that ended the newest run."""


def found(
    insights: WeekInsights, failures: Iterable[Failures], week: IsoWeek, *, sees: bool
) -> tuple[Finding, ...]:
    """Everything that an owner may do something about, the worst of each kind first.

    `sees`: whether the insights were made for readers who may see what people asked.
    """
    made: list[tuple[FindingKind, str, str, Mapping[str, Any]]] = [
        *((FindingKind.FAILURES, each.workflow, each.error, _failures(each)) for each in _many(failures)),
        *((FindingKind.WORST, each.workflow, each.run_id, _worst(each)) for each in insights.worst),
        *((FindingKind.GAP, each.workflow, each.topic_id, _gap(each, sees=sees)) for each in insights.gaps),
        *(
            (FindingKind.ANOMALY, each.workflow, _subject(each), _anomaly(each))
            # what has a likely cause can be acted on
            for each in sorted(insights.anomalies, key=lambda one: not one.causes)
        ),
        *(
            (FindingKind.FORECAST, each.workflow, f"{each.month:%Y-%m}", _forecast(each))
            for each in insights.forecasts
            if each.limit is not None and each.expected > each.limit
        ),
        *(
            (
                FindingKind.STALE,
                f"{COLLECTION}{each.document.collection}",
                each.document.document_id,
                _stale(each),
            )
            for each in insights.stale
        ),
    ]
    return tuple(
        Finding(finding_id(workflow, kind, subject), workflow, kind, subject, facts, week)
        for kind, workflow, subject, facts in made
    )


def _many(failures: Iterable[Failures]) -> list[Failures]:
    many = [each for each in failures if each.count >= FAILURES]
    return sorted(many, key=lambda each: (-each.count, each.workflow, each.error))


def _failures(each: Failures) -> Mapping[str, Any]:
    return {
        "severity": each.count,
        "error": each.error,
        "count": each.count,
        "runs": each.runs,
        "run": each.newest_run_id,
        "facts": dict(each.facts),
    }


def _worst(each: WorstAnswer) -> Mapping[str, Any]:
    return {
        "severity": each.votes_down,
        "run": each.run_id,
        "question": each.question[:TEXT],
        "answer": each.answer[:TEXT],
        "votes_down": each.votes_down,
        "votes_up": each.votes_up,
        "reasons": [reason.value for reason in each.reasons],
        "words": [said[:TEXT] for said in each.words[:2]],
        "drawn": list(each.drawn),
    }


def _gap(each: Gap, *, sees: bool) -> Mapping[str, Any]:
    """Without the words, the facts that another digest of the week has kept stay with it."""
    counted = {
        "severity": each.questions,
        "questions": each.questions,
        "people": each.people,
        "escalated": each.escalated,
        "run": each.newest_run_id,
    }
    if not sees:
        return {**counted, "hint": each.label}
    return {
        **counted,
        "label": each.label,
        "examples": [example.text[:TEXT] for example in each.examples],
    }


def _subject(each: Anomaly) -> str:
    return f"{each.measure.value}:{'up' if each.z > 0 else 'down'}"


def _anomaly(each: Anomaly) -> Mapping[str, Any]:
    return {
        "severity": abs(each.z),
        "measure": each.measure.value,
        "value": each.value,
        "usual": each.usual,
        "weeks": each.weeks,
        "causes": [_cause(cause) for cause in each.causes[:CAUSES]],
        "run": each.run_id,
    }


def _is_good(each: Anomaly) -> bool:
    """Cheaper, faster, better liked."""
    return each.z < 0 and each.measure is not Measure.VOLUME


def _cause(each: Cause) -> Mapping[str, Any]:
    return {
        "kind": each.kind.value,
        "what": each.what,
        "at": each.at.isoformat(),
        "by": each.by,
        "change": each.change_id,
    }


def _forecast(each: Forecast) -> Mapping[str, Any]:
    return {
        "severity": float(each.expected / each.limit) if each.limit else 0.0,
        "month": each.month.isoformat(),
        "spent": str(each.spent),
        "expected": str(each.expected),
        "low": str(each.low),
        "high": str(each.high),
        "limit": str(each.limit),
        "budget": each.budget_id,
    }


def _stale(each: StaleDocument) -> Mapping[str, Any]:
    document = each.document
    return {
        "severity": each.harm,
        "title": document.title,
        "collection": document.collection,
        "path": document.path,
        "owner": document.owner,
        "answers": document.answers,
        "votes_down": document.votes_down,
        "age_days": each.age_days,
    }
