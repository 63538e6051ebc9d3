"""What a promotion asks: each line with its evidence, whether it is met, and what supplies it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import sqrt
from statistics import fmean, quantiles, stdev

Z = 1.96
"""Standard errors on either side of a mean that hold the true one 95 times of 100."""


class LineName(StrEnum):
    """The questions that strand projects when nobody asked them in time."""

    OWNER = "owner"
    DEPUTY = "deputy"
    PURPOSE = "purpose"
    CASES = "cases"
    COST = "cost"
    KNOWLEDGE = "knowledge"
    OUTSIDE = "outside"
    BUDGET = "budget"
    APPROVAL = "approval"


class Supply(StrEnum):
    """What supplies a missing line."""

    NAME_OWNER = "name-owner"
    ADD_CASE = "add-case"
    RUN_CASES = "run-cases"
    SET_VOLUME = "set-volume"
    ADD_KNOWLEDGE = "add-knowledge"
    SET_BUDGET = "set-budget"
    ASK_APPROVAL = "ask-approval"


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who answers for the workflow."""

    person: str
    is_active: bool
    """Whether Slack knows them as a member today."""
    group: str = ""
    """The user group through which they hold the role."""


@dataclass(frozen=True, slots=True)
class CasesEvidence:
    """The golden cases and how they came out last."""

    total: int
    outside: int = 0
    """Cases that expect it to say that it does not know."""
    judged: int = 0
    passed: int = 0
    outside_passed: int = 0
    outside_judged: int = 0
    ran_at: datetime | None = None
    is_current: bool = False
    """Whether they were run on exactly the versions that would be promoted."""
    is_complete: bool = True
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnowledgeEvidence:
    """One collection that the workflow searches."""

    collection: str
    documents: int
    owners: tuple[str, ...] = ()
    without_owner: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CostEvidence:
    """What a run costs and what a month will."""

    runs: int
    mean: Decimal = Decimal(0)
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    """Eight of ten runs cost between `low` and `high`."""
    monthly_runs: int = 0
    """What somebody expects; 0 when nobody said."""
    month: Decimal = Decimal(0)
    month_low: Decimal = Decimal(0)
    month_high: Decimal = Decimal(0)
    source: str = "runs"
    """`runs` of people, or `cases` when nobody has run it."""


@dataclass(frozen=True, slots=True)
class BudgetEvidence:
    """What may be spent on the workflow, or on everything, in a period."""

    limit_usd: Decimal
    period: str
    is_of_workflow: bool


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody said yes to exactly these versions."""

    person: str
    at: datetime
    fingerprint: str
    """Of what was approved; another candidate needs another approval."""
    groups: tuple[str, ...] = ()
    """User groups the person was in, to see later whether they still may."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the card shows."""

    workflow: str
    title: str
    purpose: str
    holders: tuple[Holder, ...]
    cases: CasesEvidence
    cost: CostEvidence
    knowledge: tuple[KnowledgeEvidence, ...]
    budgets: tuple[BudgetEvidence, ...] = ()
    approvals: tuple[Approval, ...] = ()
    """Of exactly the versions that would be promoted, by others than their authors."""
    approvals_needed: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """One question with its answer."""

    name: LineName
    is_met: bool
    is_needed: bool
    """Whether promotion waits for it."""
    supply: Supply | None = None
    """What supplies it; None when nothing has to."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The card."""

    evidence: Evidence
    lines: tuple[Line, ...]

    @property
    def missing(self) -> tuple[LineName, ...]:
        """The lines that promotion waits for."""
        return tuple(line.name for line in self.lines if line.is_needed and not line.is_met)

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing that promotion waits for."""
        return not self.missing


def assess(evidence: Evidence) -> Readiness:
    """Each line of the card."""
    active = [holder for holder in evidence.holders if holder.is_active]
    people = {holder.person for holder in active}
    lines = (
        _line(LineName.OWNER, bool(people), Supply.NAME_OWNER),
        _line(LineName.DEPUTY, len(people) > 1, Supply.NAME_OWNER, needed=False),
        # a workflow without a purpose does not load, so nothing can supply one here
        Line(LineName.PURPOSE, is_met=bool(evidence.purpose.strip()), is_needed=True),
        _cases(evidence.cases),
        _line(LineName.COST, _has_forecast(evidence.cost), _cost_supply(evidence.cost), needed=False),
        _knowledge(evidence.knowledge),
        _outside(evidence),
        _line(LineName.BUDGET, bool(evidence.budgets), Supply.SET_BUDGET, needed=False),
        _line(LineName.APPROVAL, len(evidence.approvals) >= evidence.approvals_needed, Supply.ASK_APPROVAL),
    )
    return Readiness(evidence, lines)


def _line(name: LineName, is_met: bool, supply: Supply, *, needed: bool = True) -> Line:
    return Line(name, is_met, needed, None if is_met else supply)


def _cases(cases: CasesEvidence) -> Line:
    is_run = cases.is_current and cases.is_complete and cases.judged > 0
    is_met = is_run and cases.passed == cases.judged
    supply = Supply.ADD_CASE if not cases.total else Supply.RUN_CASES
    return _line(LineName.CASES, is_met, supply)


def _outside(evidence: Evidence) -> Line:
    """What happens when the knowledge is silent: nothing to ask of a workflow that reads none."""
    if not evidence.knowledge:
        return Line(LineName.OUTSIDE, is_met=True, is_needed=False)
    cases = evidence.cases
    is_shown = cases.outside_judged > 0 and cases.outside_passed == cases.outside_judged
    supply = Supply.RUN_CASES if cases.outside else Supply.ADD_CASE
    return _line(LineName.OUTSIDE, is_shown and cases.is_current, supply, needed=False)


def _knowledge(used: Sequence[KnowledgeEvidence]) -> Line:
    is_met = all(each.documents and not each.without_owner for each in used)
    is_empty = any(not each.documents for each in used)
    return _line(LineName.KNOWLEDGE, is_met, Supply.ADD_KNOWLEDGE, needed=is_empty)


def _has_forecast(cost: CostEvidence) -> bool:
    return cost.runs > 0 and cost.monthly_runs > 0


def _cost_supply(cost: CostEvidence) -> Supply:
    return Supply.RUN_CASES if not cost.runs else Supply.SET_VOLUME


def cost_of(dollars: Sequence[Decimal], monthly_runs: int, *, source: str = "runs") -> CostEvidence:
    """Mean and spread of what runs cost, and the month that follows with its 95% interval."""
    if not dollars:
        return CostEvidence(0, monthly_runs=monthly_runs, source=source)
    values = [float(each) for each in dollars]
    mean = fmean(values)
    cuts = quantiles(values, n=10, method="inclusive") if len(values) > 1 else [mean] * 9
    error = Z * stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    return CostEvidence(
        runs=len(values),
        mean=in_dollars(mean),
        low=in_dollars(cuts[0]),
        high=in_dollars(cuts[-1]),
        monthly_runs=monthly_runs,
        month=in_dollars(mean * monthly_runs),
        month_low=in_dollars(max(0.0, mean - error) * monthly_runs),
        month_high=in_dollars((mean + error) * monthly_runs),
        source=source,
    )


def in_dollars(value: float) -> Decimal:
    """What an estimate comes to, without digits that mean nothing."""
    return Decimal(str(round(value, 8)))
