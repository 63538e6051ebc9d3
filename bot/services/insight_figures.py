"""What is unusual about a week, with what changed just before, and what the month will cost."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from bot.adapters.store.bad_answers import bad_answers
from bot.adapters.store.budgets_log import read_budgets
from bot.adapters.store.digest_facts import dearest_run, slowest_run
from bot.adapters.store.rollups_log import spend_by_hour, tallies, tallies_between
from bot.governance.budget import Budget, Period, ScopeKind
from bot.quality.anomalies import LAG, WEEKS, anomalies, likely, moved_at
from bot.quality.forecast import DAYS, forecast
from bot.quality.tallies import Tally
from bot.quality.week_insights import Anomaly, Forecast, Measure
from bot.services.insight_causes import Causes
from bot.services.pinning import Pinned

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


def unusual(
    connection: Connection, pinned: Mapping[str, Pinned], since: datetime, until: datetime
) -> tuple[Anomaly, ...]:
    """What is far from the weeks before, the farthest first; each beside what changed just before."""
    names = tuple(pinned)
    now = tallies(connection, since, until, names)
    before = [
        tallies(connection, since - back * WEEK, until - back * WEEK, names) for back in range(1, WEEKS + 1)
    ]
    causes = Causes(connection, since - WEEK - LAG, until)
    found = []
    for name in names:
        weeks = [each.get(name, Tally()) for each in before]
        mine = anomalies(name, now.get(name, Tally()), weeks)
        if mine:
            known, days = causes.of(pinned[name]), _days(connection, name, until)
            for each in mine:
                moved = moved_at(each.measure, days, is_more=each.z > 0)
                run_id = _shown_by(connection, each, since, until)
                found.append(
                    replace(each, causes=likely(known, moved) or likely(known, since), run_id=run_id)
                )
    return tuple(sorted(found, key=lambda each: (-abs(each.z), each.workflow)))


def _shown_by(connection: Connection, each: Anomaly, since: datetime, until: datetime) -> str:
    """The run that shows what is worse than usual; none shows what is better, or how often people ask."""
    if each.z < 0 or each.measure is Measure.VOLUME:
        return ""
    if each.measure is Measure.VOTES:
        worst = bad_answers(connection, (each.workflow,), since, until, 1)
        return worst[0].run_id if worst else ""
    find = dearest_run if each.measure is Measure.COST else slowest_run
    return find(connection, each.workflow, since, until)


def _days(connection: Connection, workflow: str, until: datetime) -> list[tuple[datetime, Tally]]:
    """The last fourteen days, each with what began in it."""
    edges = [until - back * DAY for back in range(14, -1, -1)]
    found = tallies_between(connection, edges, (workflow,))
    return [(start, each.get(workflow, Tally())) for start, each in zip(edges, found, strict=False)]


def forecasts(connection: Connection, workflows: Collection[str], now: datetime) -> tuple[Forecast, ...]:
    """The calendar month that holds `now`: all workflows together where there are several, then each.

    Those whose budget will not do come first, then the dearest.
    """
    spent: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    oldest = min(Period.MONTH.starts(now), Period.DAY.starts(now) - DAYS * DAY)
    for (workflow, hour, _, _), spend in spend_by_hour(connection, oldest, now, workflows).items():
        day = hour.astimezone(UTC).date()
        spent[workflow][day] += spend.cost_usd
        spent[""][day] += spend.cost_usd
    limits = _limits(connection)
    found = [
        each
        for name in workflows
        if name in spent and (each := _within(forecast(name, spent[name], now), limits.get(name), now))
    ]
    found.sort(key=lambda each: (not _is_short(each), -each.expected, each.workflow))
    together = forecast("", spent[""], now) if len(found) > 1 else None
    return (together, *found) if together else tuple(found)


def _is_short(each: Forecast) -> bool:
    return each.limit is not None and each.expected > each.limit


def _within(each: Forecast | None, budget: Budget | None, now: datetime) -> Forecast | None:
    """A forecast beside its limit, where there are both."""
    if each is None or budget is None:
        return each
    return replace(each, limit=budget.allowed(now), budget_id=budget.id)


def _limits(connection: Connection) -> dict[str, Budget]:
    """Monthly budgets by workflow."""
    return {
        each.scope.name: each
        for each in read_budgets(connection)
        if each.scope.kind is ScopeKind.WORKFLOW and each.period is Period.MONTH
    }
