"""What a week of runs tells the owner of a workflow, as values. Pure. Texts are of people: escape them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.quality.complaint import Reason


@dataclass(frozen=True, slots=True)
class Example:
    """One question as somebody asked it, on one line and cut short; only ever for readers who may see it."""

    run_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions that ask nearly the same."""

    id: str
    """The same week after week, so that a decision about it is remembered."""
    workflow: str
    label: str
    """A short question in its middle; for readers who may not see the questions, words that several people
    used, or nothing."""
    questions: int
    people: int
    before: int
    """Questions in the same time just before."""
    uncovered: int
    """Questions the knowledge did not cover."""
    votes_down: int
    examples: tuple[Example, ...] = ()
    """At most three; none for readers who may not see the runs."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A topic that the knowledge did not cover, by the questions that got no answer."""

    topic_id: str
    workflow: str
    label: str
    questions: int
    people: int
    escalated: int
    """Of the questions, those handed to a person."""
    examples: tuple[Example, ...] = ()
    newest_run_id: str = ""
    """The run from which a case can be made, by whoever may see it."""


@dataclass(frozen=True, slots=True)
class WorstAnswer:
    """An answer that votes stand against."""

    run_id: str
    workflow: str
    question: str
    answer: str
    votes_down: int
    votes_up: int
    reasons: tuple[Reason, ...]
    """Each once, the commonest first."""
    words: tuple[str, ...]
    """What people wrote should have been said."""
    asked_at: datetime
    drawn: tuple[str, ...] = ()
    """The collections that the answer was made from."""


@dataclass(frozen=True, slots=True)
class DocumentUse:
    """A live document and the answers that it grounded."""

    document_id: str
    collection: str
    path: str
    title: str
    owner: str
    updated_at: datetime
    answers: int
    votes_down: int
    """Of those answers, the ones voted down."""


@dataclass(frozen=True, slots=True)
class StaleDocument:
    """An old document that answers stand on, the most harmful first."""

    document: DocumentUse
    age_days: int
    harm: float
    """Answers grounded x years of age x (1 + share of them voted down)."""


class Measure(StrEnum):
    """What can be unusual about a week."""

    COST = "cost"
    """Dollars of an answer."""
    LATENCY = "latency"
    """Seconds of a run, at the 95th percentile."""
    VOLUME = "volume"
    """Runs."""
    VOTES = "votes"
    """Share of the votes that went down."""


class CauseKind(StrEnum):
    """What was changed just before."""

    RELEASE = "release"
    """A workflow, prompt, rules or parameters."""
    ROLLBACK = "rollback"
    DOCUMENT = "document"
    MODEL = "model"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Cause:
    """A change shortly before something became unusual; that it is the reason is likely, not certain."""

    kind: CauseKind
    what: str
    """Its target: `prompt:ask-policy.answer`, `people/leave/annual-leave.md`, a model."""
    at: datetime
    by: str
    change_id: str = ""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A measure far from what it was in the weeks before."""

    workflow: str
    measure: Measure
    value: float
    """Dollars, seconds, runs or a share from 0 to 1."""
    usual: float
    """The median of the weeks before, in the same unit."""
    z: float
    """Robust standard deviations from usual; positive is more."""
    weeks: int
    """How many weeks were looked at."""
    causes: tuple[Cause, ...] = ()
    """The likeliest first."""
    run_id: str = ""
    """The run that shows it best; empty where none does more than others."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a calendar month (UTC) will have cost when it ends."""

    workflow: str
    """Empty for all of them together."""
    month: datetime
    """Its first moment."""
    spent: Decimal
    """Up to the moment of the forecast."""
    expected: Decimal
    low: Decimal
    high: Decimal
    """Eight of ten months end between `low` and `high`."""
    limit: Decimal | None = None
    """The monthly budget of the workflow, where it has one, with what was added to it."""
    budget_id: str = ""
    """Of that budget."""


@dataclass(frozen=True, slots=True)
class WeekInsights:
    """Everything found for some workflows from `since` up to `until`, the most telling of each first."""

    since: datetime
    until: datetime
    topics: tuple[Topic, ...] = ()
    gaps: tuple[Gap, ...] = ()
    worst: tuple[WorstAnswer, ...] = ()
    documents_used: tuple[DocumentUse, ...] = ()
    documents_unused: tuple[DocumentUse, ...] = ()
    """Live all that time and in no answer."""
    stale: tuple[StaleDocument, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    """All together first, when there are several."""
    documents: int = 0
    """Live documents that the workflows read, of which the lists above name some."""
