"""The charts as Slack's own chart block, which needs no upload but shows no intervals."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from bot.quality import chart_words as words
from bot.quality.chart_data import ChartData, CostByDay, CostPerRun, Latency, Satisfaction
from bot.slack import elements as el
from bot.slack.richtext import Block

SERIES, POINTS, LABEL, TITLE = 6, 20, 20, 50
"""Slack's limits: lines or colours, values in each, letters of a label and of the title."""
Series = list[tuple[str, list[float]]]


def native_block(chart: ChartData) -> Block | None:
    """The chart as a block of Slack's; None where Slack could not show it."""
    if words.is_empty(chart):
        return None
    kind, categories, series, unit = _CHARTS[chart.kind](chart)
    if len(categories) > POINTS or len(set(categories)) < len(categories):
        return None
    return {
        "type": "data_visualization",
        "title": el.shorten(words.title(chart), TITLE),
        "chart": {
            "type": kind,
            "series": [_series(name, values, categories) for name, values in series[:SERIES]],
            "axis_config": {"categories": categories, "y_label": unit},
        },
    }


def _series(name: str, values: Sequence[float], categories: Sequence[str]) -> Block:
    points = [{"label": label, "value": value} for label, value in zip(categories, values, strict=True)]
    return {"name": el.shorten(name, LABEL), "data": points}


def _cost_by_day(chart: CostByDay) -> tuple[str, list[str], Series, str]:
    series = [(words.name_of(part), _floats(part.usd)) for part in chart.parts]
    return "bar", _days(chart.days), series, words.DOLLARS


def _cost_per_run(chart: CostPerRun) -> tuple[str, list[str], Series, str]:
    names = [el.shorten(words.name_of(row), LABEL) for row in chart.rows]
    series = [(words.NOW, _floats([row.usd or Decimal(0) for row in chart.rows]))]
    if any(row.before_usd is not None for row in chart.rows):
        series.append((words.BEFORE, _floats([row.before_usd or Decimal(0) for row in chart.rows])))
    return "bar", names, series, words.DOLLARS


def _satisfaction(chart: Satisfaction) -> tuple[str, list[str], Series, str]:
    return "bar", _days(chart.days), [(words.RUNS, [float(runs) for runs in chart.runs])], words.RUNS


def _latency(chart: Latency) -> tuple[str, list[str], Series, str]:
    ran = [number for number, seconds in enumerate(chart.most) if seconds is not None]
    series = [
        (name, [round(values[number] or 0, 2) for number in ran])
        for name, values in ((words.HALF, chart.half), (words.MOST, chart.most))
    ]
    return "line", _days([chart.days[number] for number in ran]), series, words.SECONDS


def _days(days: Sequence[date]) -> list[str]:
    return [f"{day:%a} {day.day}" if len(days) < 8 else f"{day.day} {day:%b}" for day in days]


def _floats(amounts: Sequence[Decimal]) -> list[float]:
    # Slack shows all digits there are
    return [float(f"{usd:.4g}") for usd in amounts]


_CHARTS: Mapping[str, Callable[[Any], tuple[str, list[str], Series, str]]] = {
    "cost-by-day": _cost_by_day,
    "cost-per-run": _cost_per_run,
    "satisfaction": _satisfaction,
    "latency": _latency,
}
