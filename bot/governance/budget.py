"""Budgets: whose money a call spends, over which period, and whether one more call fits. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

LOW = Decimal("0.8")
"""Part of a limit that, once spent, is told to the owners and turns calls to a cheaper model."""

MOST_USD = Decimal(10_000_000)
"""No limit is larger: more digits than this are a slip of the hand."""


class Period(StrEnum):
    """How long a limit lasts before it starts afresh: a calendar day, ISO week or month in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def starts(self, at: datetime) -> datetime:
        """When the period that holds a moment began."""
        day = at.astimezone(UTC).date()
        if self is Period.WEEK:
            day -= timedelta(days=day.weekday())
        elif self is Period.MONTH:
            day = day.replace(day=1)
        return datetime.combine(day, time(), UTC)

    def ends(self, at: datetime) -> datetime:
        """When the next one begins."""
        begun = self.starts(at)
        if self is not Period.MONTH:
            return begun + timedelta(days=1 if self is Period.DAY else 7)
        return begun.replace(year=begun.year + begun.month // 12, month=begun.month % 12 + 1)


class ScopeKind(StrEnum):
    """What a budget may be for."""

    WORKFLOW = "workflow"
    PERSON = "person"
    TEAM = "team"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class Scope:
    """A workflow by name, a person or team by Slack's id, or the whole workspace."""

    kind: ScopeKind
    name: str = ""

    @property
    def permission_scope(self) -> str:
        """What a permission must cover to set this budget: for people and teams, everything."""
        return f"workflow:{self.name}" if self.kind is ScopeKind.WORKFLOW else "*"

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}" if self.name else self.kind.value


WORKSPACE = Scope(ScopeKind.WORKSPACE)


@dataclass(frozen=True, slots=True)
class Spender:
    """On whose account calls are made; every ledger row says so."""

    workflow: str = ""
    person: str = ""
    team: str = ""
    channel: str = ""
    versions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Kind to name to number, as the run is pinned."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose budgets its calls count against."""
        named = (
            Scope(ScopeKind.WORKFLOW, self.workflow),
            Scope(ScopeKind.PERSON, self.person),
            Scope(ScopeKind.TEAM, self.team),
        )
        return (*(scope for scope in named if scope.name), WORKSPACE)


@dataclass(frozen=True, slots=True)
class TopUp:
    """What somebody added to a limit until a moment."""

    amount_usd: Decimal
    until: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit in dollars over a period."""

    id: str
    scope: Scope
    period: Period
    limit_usd: Decimal
    top_ups: tuple[TopUp, ...] = ()

    def allowed(self, at: datetime) -> Decimal:
        """What may be spent in the period, with what was added and still holds."""
        return self.limit_usd + sum((each.amount_usd for each in self.top_ups if at < each.until), Decimal(0))


@dataclass(frozen=True, slots=True)
class Balance:
    """What has become of one budget in one period."""

    budget: Budget
    starts_at: datetime
    spent_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)
    """Set aside for calls that are under way."""

    def is_low(self, at: datetime) -> bool:
        """Whether most of it is spent."""
        return self.spent_usd >= LOW * self.budget.allowed(at)


class Verdict(StrEnum):
    """What may be done about a call."""

    GRANTED = "granted"
    WAIT = "wait"
    """It fits what is spent, but not what others have set aside and will mostly give back."""
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, the balance that it is due to, and whether any is low."""

    verdict: Verdict
    balance: Balance | None = None
    low: Balance | None = None


def decide(balances: Iterable[Balance], dollars: Decimal, at: datetime) -> Decision:
    """Whether a call that costs at most that many dollars fits every budget it counts against."""
    verdict, due_to, low = Verdict.GRANTED, None, None
    for balance in balances:
        allowed = balance.budget.allowed(at)
        low = low or (balance if balance.is_low(at) else None)
        if balance.spent_usd + dollars > allowed:
            return Decision(Verdict.SPENT, balance, low)
        if balance.spent_usd + balance.reserved_usd + dollars > allowed:
            verdict, due_to = Verdict.WAIT, balance
    return Decision(verdict, due_to, low)


def team_of(groups: Collection[str], teams: Sequence[str]) -> str:
    """The one team that a person's spending counts for: the first that is named, else the first by id."""
    if teams:
        return next((team for team in teams if team in groups), "")
    return min(groups, default="")
