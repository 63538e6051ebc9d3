"""The words of the charts: titles, legends, and all of a chart said for who cannot see it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from bot.quality.chart_data import (
    NOTHING,
    ChartData,
    CostByDay,
    CostPerRun,
    Latency,
    Part,
    PerRun,
    Satisfaction,
)
from bot.quality.figures import counted, dollars, fine_dollars, fine_elapsed, percent, short_dollars

ALT_LIMIT = 1900
"""Slack takes 2000 characters of alternative text."""
MOST_DAYS = 14
"""Days with their figures in the alternative text."""
BEFORE, HALF, MOST = "a week earlier", "half of the runs", "95 of 100 runs"
NOW, DOLLARS, SECONDS = "this time", "dollars", "seconds"
SHARES, RUNS = "Share of votes that are up; the bar shows how sure that is", "Runs"
TITLES = {
    "cost-by-day": "Cost by day",
    "cost-per-run": "Cost of one run",
    "satisfaction": "Votes and runs by day",
    "latency": "Time to an answer by day",
}
_NONE = {
    "cost-by-day": "Nothing was spent.",
    "cost-per-run": "Nothing ran.",
    "satisfaction": "Nothing ran.",
    "latency": "No run came to an answer.",
}


def title(chart: ChartData) -> str:
    """What the chart is about."""
    return TITLES[chart.kind]


def is_empty(chart: ChartData) -> bool:
    """Whether there is nothing to draw."""
    if isinstance(chart, CostByDay):
        return not chart.parts
    if isinstance(chart, CostPerRun):
        return not chart.rows
    if isinstance(chart, Satisfaction):
        return not any(chart.runs)
    return not _known(chart.most)


def nothing(chart: ChartData) -> str:
    """In the place of an empty chart."""
    return _NONE[chart.kind]


def gist(chart: ChartData) -> str:
    """The line under the title: what the chart says in one number or two."""
    return nothing(chart) if is_empty(chart) else _GISTS[chart.kind](chart)


def alt(chart: ChartData) -> str:
    """The chart in words, its numbers included."""
    said = f"{title(chart)}{_span(chart)}. {gist(chart)}"
    if not is_empty(chart):
        said = f"{said} {_DETAILS[chart.kind](chart)}"
    return said if len(said) <= ALT_LIMIT else f"{said[: ALT_LIMIT - 1].rstrip()}…"


def name_of(part: Part | PerRun) -> str:
    """A workflow, or how many of them are shown as one."""
    return part.name or f"{part.stands_for} others"


def long_day(day: date) -> str:
    """A day in a sentence."""
    return f"{day:%a} {day.day} {day:%B}"


def change(now: Decimal, before: Decimal) -> str:
    """How much more or less something is than it was; empty where a share says nothing."""
    if not before:
        return ""
    moved = float((now - before) / before)
    if abs(moved) < 0.005:
        return "no change"
    if moved > 9.995:
        return "over 10 times as much"
    return f"{percent(abs(moved))} {'more' if moved > 0 else 'less'}"


def _span(chart: ChartData) -> str:
    if isinstance(chart, CostPerRun) or not chart.days:
        return ""
    first, last = chart.days[0], chart.days[-1]
    if first == last:
        return f", {long_day(first)} {first.year}"
    return f", {long_day(first)} to {long_day(last)} {last.year}"


def _cost_gist(chart: CostByDay) -> str:
    spent, before = sum(chart.totals(), start=NOTHING), sum(chart.before, start=NOTHING)
    moved = change(spent, before)
    compared = f", {moved} ({BEFORE} {_sum(before)})" if moved else ""
    return f"{_sum(spent)} in all{compared}."


def _sum(usd: Decimal) -> str:
    return dollars(usd) if usd < 100_000 else short_dollars(usd)


def _cost_details(chart: CostByDay) -> str:
    by_day = _listed(chart.days, [dollars(usd) for usd in chart.totals()])
    parts = ", ".join(f"{name_of(part)} {dollars(sum(part.usd, start=NOTHING))}" for part in chart.parts)
    before = _listed(chart.days, [dollars(usd) for usd in chart.before]) if chart.before else ""
    earlier = f" A week earlier: {before}." if before else ""
    return f"By day: {by_day}. By workflow: {parts}.{earlier}"


def _per_run_gist(chart: CostPerRun) -> str:
    runs = sum(row.runs for row in chart.rows)
    spent = sum(((row.usd or NOTHING) * row.runs for row in chart.rows), start=NOTHING)
    return f"{fine_dollars(spent / runs)} on average over {counted(runs, 'run')}."


def per_run(row: PerRun) -> str:
    """A row's figure and what became of it."""
    now = fine_dollars(row.usd or NOTHING)
    moved = change(row.usd, row.before_usd) if row.usd is not None and row.before_usd else ""
    return f"{now}, {moved}" if moved else now


def _per_run_details(chart: CostPerRun) -> str:
    rows = []
    for row in chart.rows:
        before = "" if row.before_usd is None else f" ({BEFORE} {fine_dollars(row.before_usd)})"
        rows.append(
            f"{name_of(row)} {fine_dollars(row.usd or NOTHING)}{before} over {counted(row.runs, 'run')}"
        )
    return f"{'; '.join(rows)}."


def _satisfaction_gist(chart: Satisfaction) -> str:
    runs = counted(sum(chart.runs), "run")
    if chart.overall is None:
        return f"{runs}, no votes."
    share = chart.overall
    return f"{runs}, {percent(share.share)} of votes up ({percent(share.low)} to {percent(share.high)})."


def _satisfaction_details(chart: Satisfaction) -> str:
    said = [
        f"{runs:,} ({percent(share.share)} up)" if share else f"{runs:,}"
        for runs, share in zip(chart.runs, chart.shares, strict=True)
    ]
    return f"Runs by day, with the share of votes that are up: {_listed(chart.days, said)}."


def _latency_gist(chart: Latency) -> str:
    half, most = _known(chart.half), _known(chart.most)
    slowest = f"half within {fine_elapsed(max(half))}, 95 of 100 within {fine_elapsed(max(most))}"
    return f"Slowest day: {slowest}."


def _latency_details(chart: Latency) -> str:
    said = [
        "no runs" if half is None or most is None else f"{fine_elapsed(half)} and {fine_elapsed(most)}"
        for half, most in zip(chart.half, chart.most, strict=True)
    ]
    return f"Half of the runs, and 95 of 100, were done within: {_listed(chart.days, said)}."


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _listed(days: Sequence[date], said: Sequence[str]) -> str:
    """What there is to say of each day; of many days, of so many as there is room for."""
    every = -(-len(days) // MOST_DAYS)
    days, said = days[::every], said[::every]
    return ", ".join(f"{long_day(day)} {words}" for day, words in zip(days, said, strict=True))


_GISTS: Mapping[str, Callable[[Any], str]] = {
    "cost-by-day": _cost_gist,
    "cost-per-run": _per_run_gist,
    "satisfaction": _satisfaction_gist,
    "latency": _latency_gist,
}
_DETAILS: Mapping[str, Callable[[Any], str]] = {
    "cost-by-day": _cost_details,
    "cost-per-run": _per_run_details,
    "satisfaction": _satisfaction_details,
    "latency": _latency_details,
}
