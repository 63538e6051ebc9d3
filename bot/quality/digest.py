"""A week of some workflows as its digest tells it: numbers beside those of the week before. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from bot.quality.digest_cost import CostReason
from bot.quality.digest_findings import Act
from bot.quality.finding_sight import Sight
from bot.quality.tallies import Endings, Share, Tally, share_of

NOTHING = Decimal(0)
FEW_RUNS = 5
"""Fewer, with nothing wrong among them, are a quiet week."""


@dataclass(frozen=True, slots=True)
class Measures(Endings):
    """What the runs of a week came to."""

    people: int = 0
    answers_usd: Decimal = NOTHING
    """What the runs themselves cost."""
    cost_usd: Decimal = NOTHING
    """Every call to a model, evaluations included."""
    unpriced: int = 0
    """Calls whose price nobody knows, which count as nothing."""
    half_s: float | None = None
    """Seconds within which half of the runs were done; None where none was."""
    most_s: float | None = None
    """Seconds within which 95 of 100 were done."""

    @classmethod
    def of(cls, tally: Tally, people: int, cost_usd: Decimal = NOTHING, unpriced: int = 0) -> "Measures":
        """From what was counted."""
        return cls(
            **{each.name: getattr(tally, each.name) for each in fields(Endings)},
            people=people,
            answers_usd=tally.cost_usd,
            cost_usd=cost_usd,
            unpriced=unpriced,
            half_s=tally.durations.percentile(0.5),
            most_s=tally.durations.percentile(0.95),
        )

    @property
    def per_run_usd(self) -> Decimal | None:
        """What a run cost; None without one."""
        return self.answers_usd / self.runs if self.runs else None


@dataclass(frozen=True, slots=True)
class WeekLine:
    """One workflow, or all together, in the week and in the one before."""

    name: str
    """Empty for all together."""
    title: str
    now: Measures
    before: Measures = field(default_factory=Measures)
    why_cost: CostReason | None = None
    """What most of the change in cost comes from; None where it is too small to ask."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How a workflow did in some stretch of time."""

    runs: int
    votes_up: int
    votes_down: int
    per_run_usd: Decimal | None

    @property
    def satisfaction(self) -> Share | None:
        """Thumbs up among all thumbs; None without a vote."""
        return share_of(self.votes_up, self.votes_up + self.votes_down)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What somebody did about a finding, and what came of it."""

    finding_id: str
    workflow: str
    act: Act
    by: str
    at: datetime
    result: str = ""
    """The change, the case, or the person it was given to."""
    state: str = ""
    """Of the change: a ChangeStatus; empty when none was proposed."""
    before: Effect | None = None
    after: Effect | None = None
    """Since it took effect; None where it has not."""


@dataclass(frozen=True, slots=True)
class TopicLine:
    """Something that several people asked."""

    workflow: str
    label: str
    questions: int
    before: int
    uncovered: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document and the answers it grounded."""

    title: str
    answers: int
    votes_down: int = 0


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """What the month will have cost."""

    title: str
    """Of the workflow; empty for all together."""
    spent: Decimal
    expected: Decimal
    low: Decimal
    high: Decimal
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of the digest: what it shows, packed, and Slack's id of it."""

    data: str
    file_id: str = ""
    is_native: bool = False
    """Whether Slack draws it from the numbers."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that the message says, except the findings, which change as people decide about them."""

    recipient: str
    week: str
    zone: str
    since: datetime
    until: datetime
    total: WeekLine
    workflows: tuple[WeekLine, ...] = ()
    """Those that ran in either week, most runs first."""
    silent: int = 0
    """Workflows that did not run."""
    follow_ups: tuple[FollowUp, ...] = ()
    topics: tuple[TopicLine, ...] = ()
    used: tuple[DocumentLine, ...] = ()
    unused: tuple[str, ...] = ()
    unused_count: int = 0
    forecasts: tuple[ForecastLine, ...] = ()
    findings: tuple[str, ...] = ()
    """Ids, in the order in which they are shown."""
    further: tuple[str, ...] = ()
    """Ids of findings of less weight, told when somebody asks."""
    findings_left: int = 0
    """How many there are besides those shown."""
    charts: tuple[Chart, ...] = ()
    is_preview: bool = False
    set_by: str = ""
    """Who has it come to a channel: told when it cannot."""
    is_public: bool = False
    """Whether others read it: it then holds nobody's words."""
    open: tuple[str, ...] = ()
    """The collections that all its readers may read."""

    @property
    def sight(self) -> Sight:
        """What its readers may see of findings."""
        return Sight(not self.is_public, frozenset(self.open))

    @property
    def is_quiet(self) -> bool:
        """Whether there is so little to say that two lines do."""
        now = self.total.now
        wrong = now.failed or now.votes_down or self.findings or self.follow_ups
        return now.runs < FEW_RUNS and not wrong

    @property
    def is_only_failures(self) -> bool:
        """Whether no run that was not cancelled came to an answer."""
        now = self.total.now
        return now.failed > 0 and now.failed + now.cancelled == now.runs


@cache
def _adapter() -> TypeAdapter[Digest]:
    return TypeAdapter(Digest)


def packed(digest: Digest) -> dict[str, Any]:
    """The digest as plain JSON."""
    made: dict[str, Any] = _adapter().dump_python(digest, mode="json")
    return made


def unpacked(data: Mapping[str, Any]) -> Digest:
    """Inverse of `packed`. Raises pydantic's ValidationError."""
    return _adapter().validate_python(data)


def ranked(lines: Iterable[WeekLine]) -> tuple[WeekLine, ...]:
    """Those that ran in either week, most runs first."""
    ran = [each for each in lines if each.now.runs or each.before.runs or each.now.cost_usd]
    return tuple(sorted(ran, key=lambda each: (-each.now.runs, -each.before.runs, each.name)))


def biggest_mover(lines: Sequence[WeekLine]) -> WeekLine | None:
    """The workflow whose cost changed most; None where none did."""
    moved = [each for each in lines if each.now.cost_usd != each.before.cost_usd]
    return max(moved, key=lambda each: abs(each.now.cost_usd - each.before.cost_usd), default=None)
