"""What the four charts of a report show, as values: made from tallies, drawn elsewhere. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from bot.quality.tallies import Share, Tally, total

SHOWN = 5
"""Workflows with a colour of their own; the rest are shown as one."""
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """What a workflow cost on each day; `stands_for` says how many workflows it is."""

    name: str
    usd: tuple[Decimal, ...]
    stands_for: int = 1


@dataclass(frozen=True, slots=True)
class CostByDay:
    """Dollars by day, the dearest workflow first; `before` holds the same days a week earlier, or nothing."""

    days: tuple[date, ...]
    parts: tuple[Part, ...]
    before: tuple[Decimal, ...] = ()
    kind: Literal["cost-by-day"] = "cost-by-day"

    def totals(self) -> tuple[Decimal, ...]:
        """Dollars by day, all workflows together."""
        return tuple(
            sum((part.usd[number] for part in self.parts), start=NOTHING) for number in range(len(self.days))
        )


@dataclass(frozen=True, slots=True)
class PerRun:
    """What a run of a workflow cost on average now and before; None where nothing ran."""

    name: str
    usd: Decimal | None
    before_usd: Decimal | None
    runs: int
    stands_for: int = 1


@dataclass(frozen=True, slots=True)
class CostPerRun:
    """Dollars a run, the workflow that cost most in all first."""

    rows: tuple[PerRun, ...]
    kind: Literal["cost-per-run"] = "cost-per-run"


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Votes and volume by day: the share of thumbs that are up, None on days without votes."""

    days: tuple[date, ...]
    runs: tuple[int, ...]
    shares: tuple[Share | None, ...]
    overall: Share | None = None
    kind: Literal["satisfaction"] = "satisfaction"


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds within which half and 95 of 100 runs were done, by day; None on days without runs."""

    days: tuple[date, ...]
    half: tuple[float | None, ...]
    most: tuple[float | None, ...]
    kind: Literal["latency"] = "latency"


ChartData: TypeAlias = CostByDay | CostPerRun | Satisfaction | Latency


@cache
def _adapter() -> TypeAdapter[ChartData]:
    return TypeAdapter(Annotated[ChartData, Field(discriminator="kind")])


def packed(chart: ChartData) -> str:
    """The chart as JSON; the same chart gives the same text."""
    return _adapter().dump_json(chart).decode()


def unpacked(text: str) -> ChartData:
    """The chart that was packed. Raises pydantic's ValidationError."""
    return _adapter().validate_json(text)


def cost_by_day(
    days: Sequence[date], costs: Mapping[str, Sequence[Decimal]], before: Sequence[Decimal] = ()
) -> CostByDay:
    """From what each workflow cost on each of the days; workflows that cost nothing are left out."""
    spent = {name: tuple(usd) for name, usd in costs.items() if any(usd)}
    ranked = sorted(spent, key=lambda name: (-sum(spent[name], start=NOTHING), name))
    shown, rest = _split(ranked)
    parts = [Part(name, spent[name]) for name in shown]
    if rest:
        together = zip(*(spent[name] for name in rest), strict=True)
        parts.append(Part("", tuple(sum(usd, start=NOTHING) for usd in together), len(rest)))
    return CostByDay(tuple(days), tuple(parts), tuple(before) if any(before) else ())


def cost_per_run(now: Mapping[str, Tally], before: Mapping[str, Tally]) -> CostPerRun:
    """From each workflow's runs now and in the time before; workflows that did not run now are left out."""
    ran = {name: tally for name, tally in now.items() if tally.runs}
    ranked = sorted(ran, key=lambda name: (-ran[name].cost_usd, -ran[name].runs, name))
    shown, rest = _split(ranked)
    rows = [_row(name, ran[name], before.get(name, Tally())) for name in shown]
    if rest:
        earlier = total(before.get(name, Tally()) for name in rest)
        rows.append(_row("", total(ran[name] for name in rest), earlier, len(rest)))
    return CostPerRun(tuple(rows))


def satisfaction(days: Sequence[date], tallies: Sequence[Tally]) -> Satisfaction:
    """From all runs of each of the days."""
    return Satisfaction(
        tuple(days),
        tuple(tally.runs for tally in tallies),
        tuple(tally.satisfaction for tally in tallies),
        total(tallies).satisfaction,
    )


def latency(days: Sequence[date], tallies: Sequence[Tally]) -> Latency:
    """From all runs of each of the days."""
    return Latency(
        tuple(days),
        tuple(tally.durations.percentile(0.5) for tally in tallies),
        tuple(tally.durations.percentile(0.95) for tally in tallies),
    )


def of_week(
    days: Sequence[date],
    tallies: Sequence[Mapping[str, Tally]],
    before: Sequence[Mapping[str, Tally]] = (),
) -> tuple[CostByDay, CostPerRun, Satisfaction, Latency]:
    """All four charts from what each workflow did on each day, and on the same days a week earlier."""
    together = [total(each.values()) for each in tallies]
    names = sorted({name for each in tallies for name in each})
    costs = {name: [each.get(name, Tally()).cost_usd for each in tallies] for name in names}
    earlier = [total(each.values()).cost_usd for each in before]
    return (
        cost_by_day(days, costs, earlier),
        cost_per_run(_by_name(tallies), _by_name(before)),
        satisfaction(days, together),
        latency(days, together),
    )


def _by_name(tallies: Sequence[Mapping[str, Tally]]) -> dict[str, Tally]:
    names = {name for each in tallies for name in each}
    return {name: total(each.get(name, Tally()) for each in tallies) for name in names}


def _row(name: str, now: Tally, before: Tally, stands_for: int = 1) -> PerRun:
    return PerRun(name, now.cost_per_run, before.cost_per_run, now.runs, stands_for)


def _split(ranked: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Those shown by name and those shown as one; one alone is shown by name."""
    cut = len(ranked) if len(ranked) <= SHOWN + 1 else SHOWN
    return ranked[:cut], ranked[cut:]
