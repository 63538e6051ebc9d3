"""The numbers of a week for its digest: what each workflow did and cost, beside the week before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise

from sqlalchemy import Connection

from bot.adapters.store import rollups_log
from bot.adapters.store.raw_counts import SpendHour
from bot.quality import chart_data
from bot.quality.chart_data import ChartData
from bot.quality.digest import Measures, WeekLine, ranked
from bot.quality.digest_cost import why_cost
from bot.quality.digest_slots import IsoWeek, moment_of
from bot.quality.tallies import Spend, Tally, total
from bot.quality.token_rates import Rates, week_rates

Costs = dict[tuple[str, str], Spend]
"""Purpose and model to what was spent on it."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was counted."""

    total: WeekLine
    lines: tuple[WeekLine, ...]
    """Of the workflows that ran in either week, most runs first."""
    charts: tuple[ChartData, ...]


@dataclass(frozen=True, slots=True)
class _Week:
    """One week as it was counted, by day."""

    days: tuple[date, ...]
    tallies: tuple[Mapping[str, Tally], ...]
    spends: tuple[Mapping[str, Costs], ...]
    people: Mapping[str, int]
    people_together: int
    whole: Mapping[str, Tally]
    """The days together."""
    costs: Mapping[str, Costs]
    rates: Mapping[str, Rates]
    """What a token of each model cost."""

    def usd(self, workflow: str) -> tuple[Decimal, ...]:
        """What a workflow spent on each day."""
        return tuple(_usd(day.get(workflow, {})) for day in self.spends)

    def measures(self, workflow: str) -> Measures:
        """What a workflow's runs came to."""
        return _measures(self.tally(workflow), self.people.get(workflow, 0), self.costs.get(workflow, {}))

    def tally(self, workflow: str) -> Tally:
        """A workflow's whole week."""
        return self.whole.get(workflow, Tally())


def read_numbers(connection: Connection, titles: Mapping[str, str], week: IsoWeek, zone: tzinfo) -> Numbers:
    """Count a week and the one before; `titles` are the workflows to count, each title once."""
    now = _read(connection, tuple(titles), week, zone)
    before = _read(connection, tuple(titles), week.before, zone)
    lines = ranked(_line(name, title, now, before) for name, title in titles.items())
    return Numbers(_together(tuple(titles), now, before), lines, _charts(titles, now, before))


def _read(connection: Connection, names: tuple[str, ...], week: IsoWeek, zone: tzinfo) -> _Week:
    days = tuple(week.monday + timedelta(days=number) for number in range(7))
    edges = (*(moment_of(day, 0, zone) for day in days), week.ends(zone))
    since, until = edges[0], edges[-1]
    tallies = rollups_log.tallies_between(connection, edges, names)
    hours = [rollups_log.spend_by_hour(connection, start, end, names) for start, end in pairwise(edges)]
    spends = tuple(map(_spent, hours))
    return _Week(
        days=days,
        tallies=tallies,
        spends=spends,
        whole={name: total(day[name] for day in tallies if name in day) for name in names},
        costs={name: _added(day[name] for day in spends if name in day) for name in names},
        rates=week_rates([_by_model(day) for day in hours]),
        people=rollups_log.people(connection, since, until, names),
        people_together=rollups_log.people_together(connection, since, until, names),
    )


def _by_model(day: Mapping[SpendHour, Spend]) -> dict[str, list[Spend]]:
    found: dict[str, list[Spend]] = {}
    for (_, _, _, model), spend in day.items():
        found.setdefault(model, []).append(spend)
    return found


def _spent(day: Mapping[SpendHour, Spend]) -> dict[str, Costs]:
    found: dict[str, Costs] = {}
    for (workflow, _, purpose, model), spend in day.items():
        costs = found.setdefault(workflow, {})
        costs[purpose, model] = costs.get((purpose, model), Spend()) + spend
    return found


def _line(name: str, title: str, now: _Week, before: _Week) -> WeekLine:
    made = WeekLine(name, title, now.measures(name), before.measures(name))
    rates = (now.rates, before.rates)
    why = why_cost(now.costs[name], before.costs[name], made.now.runs, made.before.runs, rates)
    return replace(made, why_cost=why)


def _together(names: Sequence[str], now: _Week, before: _Week) -> WeekLine:
    measures, costs = [], []
    for week in (now, before):
        spent = _added(week.costs[name] for name in names)
        tally = total(week.tally(name) for name in names)
        measures.append(_measures(tally, week.people_together, spent))
        costs.append(spent)
    rates = (now.rates, before.rates)
    why = why_cost(costs[0], costs[1], measures[0].runs, measures[1].runs, rates)
    return WeekLine("", "", measures[0], measures[1], why)


def _measures(tally: Tally, people: int, costs: Costs) -> Measures:
    return Measures.of(tally, people, _usd(costs), sum(each.unpriced for each in costs.values()))


def _charts(titles: Mapping[str, str], now: _Week, before: _Week) -> tuple[ChartData, ...]:
    by_day = [total(day.values()) for day in now.tallies]
    earlier = [sum(usd, start=Decimal(0)) for usd in zip(*(before.usd(name) for name in titles), strict=True)]
    return (
        chart_data.cost_by_day(now.days, {title: now.usd(name) for name, title in titles.items()}, earlier),
        chart_data.cost_per_run(_by_title(titles, now), _by_title(titles, before)),
        chart_data.satisfaction(now.days, by_day),
        chart_data.latency(now.days, by_day),
    )


def _by_title(titles: Mapping[str, str], week: _Week) -> dict[str, Tally]:
    return {title: week.tally(name) for name, title in titles.items()}


def _usd(costs: Costs) -> Decimal:
    return sum((each.cost_usd for each in costs.values()), start=Decimal(0))


def _added(parts: Iterable[Costs]) -> Costs:
    together: Costs = {}
    for part in parts:
        for key, spend in part.items():
            together[key] = together.get(key, Spend()) + spend
    return together
