"""What one person's home tab shows: what they can run and what it costs, what waits for them, and more for
those who answer for workflows or for the whole installation."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, TypeAlias

from sqlalchemy import Connection

from bot.adapters.store import alerts_log, home_facts, rollups_log, run_log, scores, triage_log
from bot.adapters.store.backlog import Backlog, read_backlog
from bot.adapters.store.database import Store
from bot.governance.changes import ChangeStatus
from bot.governance.roles import ROLES, Permission
from bot.quality.alerts import Standing
from bot.quality.chart_data import ChartData, of_week
from bot.quality.tallies import Tally
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.budgeting import Budgets, BudgetView
from bot.services.catalogue import Catalogue, Released
from bot.services.change_requests import Changes
from bot.services.change_views import ChangeView
from bot.services.complaints import person_source
from bot.services.health_checks import Health, HealthChecks
from bot.services.run_views import RunView, load_views
from workflows.ports import Clock

WEEKS = 4
SPAN = timedelta(weeks=WEEKS)
"""How far back numbers go; what they are compared with lies as long before."""
RECENT, WAITING = 6, 50
FRESH, SETTLED = timedelta(minutes=5), timedelta(hours=1)
"""Time for which the sums over all workflows are told again, lately and before, so that many who look are no
load."""
DAY = timedelta(days=1)
Sums: TypeAlias = Mapping[str, Tally]
"""What the runs of each workflow came to."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Sums as they were at a moment."""

    at: datetime
    sums: Sums

    def serves(self, at: datetime, fresh: timedelta) -> bool:
        """Whether they are new enough; never when a clock was put back."""
        return self.at <= at < self.at + fresh


@dataclass(frozen=True, slots=True)
class HomeWorkflow:
    """A workflow that the person may run, with what its runs came to lately and how often they ran it."""

    released: Released
    lately: Tally
    mine: int


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run of theirs with their own vote on it."""

    view: RunView
    vote: Literal["up", "down", ""]


@dataclass(frozen=True, slots=True)
class OwnedWorkflow:
    """A workflow that they answer for."""

    name: str
    title: str
    now: Tally
    before: Tally
    waiting: int
    """Answers voted down that nobody has decided about."""


@dataclass(frozen=True, slots=True)
class Operation:
    """How the installation does."""

    health: Health
    backlog: Backlog
    alerts: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class HomePage:
    """Everything on one person's home tab, the most used and the newest first."""

    workflows: tuple[HomeWorkflow, ...]
    recent: tuple[SeenRun, ...]
    approvals: tuple[ChangeView, ...]
    """Changes of others that this person may approve and has not looked at in this round."""
    owned: tuple[OwnedWorkflow, ...] = ()
    chart: ChartData | None = None
    """Of the workflows they answer for, by whole days, so that it stays the same all day."""
    budgets: tuple[BudgetView, ...] = ()
    operation: Operation | None = None
    """Only for those who operate."""


class HomePages:
    """Puts home tabs together. Nothing is shown that its person may not see."""

    def __init__(
        self,
        store: Store,
        access: Access,
        catalogue: Catalogue,
        changes: Changes,
        budgets: Budgets,
        checks: HealthChecks,
        clock: Clock,
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._changes = changes
        self._budgets = budgets
        self._checks = checks
        self._clock = clock
        self._counting = asyncio.Lock()
        self._lately = self._before = _Kept(datetime.min.replace(tzinfo=UTC), {})
        self._charts: dict[tuple[str, ...], tuple[datetime, ChartData]] = {}

    async def page(self, actor: Actor) -> HomePage:
        """The home tab of a person as of now; next to nothing for outsiders."""
        if actor.is_outsider:
            return HomePage((), (), ())
        # who comes while sums are made waits for them instead of making them too
        async with self._counting:
            lately, before = await self._sums()
        page = await self._store.read(lambda connection: self._look(connection, actor, lately, before))
        return replace(
            page,
            chart=await self.chart(actor) if page.owned else None,
            approvals=await self._approvals(actor),
            budgets=await self._budgets.overview(actor),
            operation=await self._operation(actor),
        )

    async def answering(self) -> tuple[str, ...]:
        """People and groups who may answer for a workflow, and so have a chart."""
        grants = await self._store.read(self._access.grants)
        return tuple({each.grantee: None for each in grants if Permission.TRIAGE in ROLES[each.role]})

    async def chart(self, actor: Actor) -> ChartData | None:
        """The chart of somebody's home tab as of today; None for who answers for nothing."""
        names = await self._store.read(
            lambda connection: tuple(sorted(self._answered_for(connection, actor)))
        )
        async with self._counting:
            return await self._chart(names) if names else None

    def _look(self, connection: Connection, actor: Actor, lately: Sums, before: Sums) -> HomePage:
        return HomePage(
            workflows=self._workflows(connection, actor, lately),
            recent=_recent(connection, actor),
            approvals=(),
            owned=self._owned(connection, actor, lately, before),
        )

    async def _sums(self) -> tuple[Sums, Sums]:
        """What the runs of each workflow came to lately, and in the time before."""
        at = self._clock.now()
        if not self._lately.serves(at, FRESH):
            self._lately = await self._counted(at, at - SPAN)
        if not self._before.serves(at, SETTLED):
            before = await self._counted(at - SPAN, at - 2 * SPAN)
            self._before = replace(before, at=at)
        return self._lately.sums, self._before.sums

    async def _counted(self, until: datetime, since: datetime) -> _Kept:
        count = partial(rollups_log.tallies, since=since, until=until)
        return _Kept(until, await self._store.read(count))

    def _workflows(self, connection: Connection, actor: Actor, lately: Sums) -> tuple[HomeWorkflow, ...]:
        mine = home_facts.runs_by_workflow(connection, actor.id, self._clock.now() - SPAN)
        found = [
            HomeWorkflow(each, lately.get(each.name, Tally()), mine.get(each.name, 0))
            for each in self._catalogue.released_in(connection, actor)
        ]
        return tuple(sorted(found, key=lambda each: (-each.mine, -each.lately.runs, each.released.name)))

    def _owned(
        self, connection: Connection, actor: Actor, lately: Sums, before: Sums
    ) -> tuple[OwnedWorkflow, ...]:
        waiting = triage_log.count_waiting(connection)
        found = [
            OwnedWorkflow(
                name, title, lately.get(name, Tally()), before.get(name, Tally()), waiting.get(name, 0)
            )
            for name, title in self._answered_for(connection, actor).items()
        ]
        return tuple(sorted(found, key=lambda each: (-each.now.runs, each.name)))

    def _answered_for(self, connection: Connection, actor: Actor) -> dict[str, str]:
        """Name and title of the workflows that the person answers for."""
        return {
            each.name: each.title
            for each in self._catalogue.released_in(connection)
            if self._access.may(connection, actor, Permission.TRIAGE, f"workflow:{each.name}")
        }

    async def _chart(self, names: tuple[str, ...]) -> ChartData:
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        kept = self._charts.get(names)
        if kept is None or kept[0] != today:
            made = await self._store.read(lambda connection: _by_day(connection, names, today))
            self._charts = {each: one for each, one in self._charts.items() if one[0] == today}
            kept = self._charts[names] = (today, made)
        return kept[1]

    async def _approvals(self, actor: Actor) -> tuple[ChangeView, ...]:
        found = await self._changes.recent(actor, is_open=True, limit=WAITING)
        return tuple([each for each in found if await self._is_for(actor, each)])

    async def _is_for(self, actor: Actor, change: ChangeView) -> bool:
        if change.status is not ChangeStatus.IN_REVIEW or actor.id in change.authors:
            return False
        if any(review.person == actor.id for review in change.reviews):
            return False
        return await self._access.holds(actor, Permission.APPROVE, change.target.scope)

    async def _operation(self, actor: Actor) -> Operation | None:
        if not await self._access.holds(actor, Permission.OPERATE):
            return None

        def look(connection: Connection) -> tuple[Backlog, tuple[Standing, ...]]:
            return read_backlog(connection), alerts_log.standing_alerts(connection)

        backlog, alerts = await self._store.read(look)
        return Operation(await self._checks.health(), backlog, alerts)


def _recent(connection: Connection, actor: Actor) -> tuple[SeenRun, ...]:
    rows = run_log.recent_runs(connection, actor.id, RECENT)
    mine = person_source(actor.id)
    found = scores.scores_of(connection, [row.id for row in rows], [scores.VOTE])
    votes = {score.run_id: score.value for score in found if score.source == mine}
    return tuple(SeenRun(view, _vote(votes.get(view.id))) for view in load_views(connection, rows))


def _vote(value: float | None) -> Literal["up", "down", ""]:
    if value is None:
        return ""
    return "up" if value > 0 else "down"


def _by_day(connection: Connection, names: Sequence[str], today: datetime) -> ChartData:
    """Cost by day, or where nothing costs anything, votes and runs."""
    edges = [today - SPAN + DAY * number for number in range(7 * WEEKS + 1)]
    tallies = rollups_log.tallies_between(connection, edges, names)
    cost, _, votes, _ = of_week([edge.date() for edge in edges[:-1]], tallies)
    return cost if cost.parts else votes
