"""What each chart looks like. Colours are those of Okabe and Ito, which nearly everybody can tell apart."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot.adapters.chart_sheet import FAINT, INK, MARGIN, SMALL, SOFT, WIDTH, Sheet, points
from bot.quality import chart_words as words
from bot.quality.chart_data import NOTHING, ChartData, CostByDay, CostPerRun, Latency, Satisfaction
from bot.quality.figures import elapsed, percent, short_count, short_dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
)
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION)
OTHERS = "#8a9099"
TOP = 104
"""Pixels that the heading takes."""
FEW = 8
"""So many days have room for a figure each."""


def picture_of(chart: ChartData) -> bytes:
    """The chart as PNG."""
    if words.is_empty(chart):
        return _empty(chart).png()
    return _DRAWERS[chart.kind](chart).png()


def _empty(chart: ChartData) -> Sheet:
    sheet = Sheet(150)
    sheet.heading(words.title(chart), words.gist(chart))
    sheet.mark(MARGIN, 112, FAINT, width=WIDTH - 2 * MARGIN, height=4)
    return sheet


def _cost_by_day(chart: CostByDay) -> Sheet:
    entries = len(chart.parts) + bool(chart.before)
    legend = 36 * ((entries + 1) // 2)
    sheet = _headed(chart, TOP + 330 + legend)
    totals = [float(usd) for usd in chart.totals()]
    most = max(*totals, *map(float, chart.before), 0)
    axes = sheet.scaled(TOP + 20, TOP + 262, most * 1.1, lambda usd: short_dollars(Decimal(str(usd))))
    base = [0.0] * len(chart.days)
    for color, part in zip(_colours(chart), chart.parts, strict=True):
        heights = [float(usd) for usd in part.usd]
        axes.bar(range(len(base)), heights, 0.68, base, color=color, edgecolor="white", linewidth=1.2)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    if chart.before:
        axes.hlines(
            [float(usd) for usd in chart.before],
            [number - 0.42 for number in range(len(base))],
            [number + 0.42 for number in range(len(base))],
            color=INK,
            linewidth=2.4,
        )
    _say_each(
        axes,
        [max(pair) for pair in zip(totals, _floats(chart.before, len(base)), strict=True)],
        [short_dollars(usd) if usd else "" for usd in chart.totals()],
    )
    _days(axes, chart.days)
    _cost_legend(sheet, chart, TOP + 340)
    return sheet


def _floats(values: Sequence[Decimal], length: int) -> list[float]:
    return [float(value) for value in values] or [0.0] * length


def _colours(chart: CostByDay) -> list[str]:
    return [color if part.name else OTHERS for color, part in zip(COLOURS, chart.parts, strict=False)]


def _cost_legend(sheet: Sheet, chart: CostByDay, top: float) -> None:
    entries = [
        (color, words.name_of(part), short_dollars(sum(part.usd, start=NOTHING)))
        for color, part in zip(_colours(chart), chart.parts, strict=True)
    ]
    if chart.before:
        entries.append((INK, words.BEFORE, short_dollars(sum(chart.before, start=NOTHING))))
    column = (WIDTH - 2 * MARGIN) / 2
    for number, (color, name, usd) in enumerate(entries):
        x, y = MARGIN + (number % 2) * column, top + (number // 2) * 36
        sheet.mark(x, y, color, height=4 if color == INK else 18)
        room = column - 44 - sheet.width(usd)
        sheet.text(x + 28, y, sheet.fitted(name, room - 12))
        sheet.text(x + column - 20, y, usd, ha="right", color=SOFT)


def _cost_per_run(chart: CostPerRun) -> Sheet:
    sheet = _headed(chart, TOP + 74 * len(chart.rows) + (52 if _has_before(chart) else 16))
    most = max(max(float(row.usd or 0), float(row.before_usd or 0)) for row in chart.rows) or 1
    room = WIDTH - 2 * MARGIN
    for number, row in enumerate(chart.rows):
        y, color = TOP + 74 * number, BLUE if row.name else OTHERS
        figure = words.per_run(row)
        sheet.text(MARGIN, y + 14, sheet.fitted(words.name_of(row), room - sheet.width(figure) - 20))
        sheet.text(WIDTH - MARGIN, y + 14, figure, ha="right")
        sheet.mark(MARGIN, y + 42, FAINT, width=room, height=20)
        sheet.mark(MARGIN, y + 42, color, width=max(2, room * float(row.usd or 0) / most), height=20)
        if row.before_usd is not None:
            sheet.mark(MARGIN + (room - 4) * float(row.before_usd) / most, y + 42, INK, width=4, height=32)
    if _has_before(chart):
        y = TOP + 74 * len(chart.rows) + 18
        sheet.mark(MARGIN, y, INK, width=4, height=26)
        sheet.text(MARGIN + 16, y, words.BEFORE, color=SOFT)
    return sheet


def _has_before(chart: CostPerRun) -> bool:
    return any(row.before_usd is not None for row in chart.rows)


def _satisfaction(chart: Satisfaction) -> Sheet:
    sheet = _headed(chart, 560)
    numbers = range(len(chart.days))
    votes = sheet.scaled(TOP + 46, TOP + 206, 1, percent, ticks=(0, 0.5, 1))
    for number, share in zip(numbers, chart.shares, strict=True):
        if share is not None:
            ends = [share.low, share.high]
            votes.plot([number, number], ends, color=SKY, linewidth=7, solid_capstyle="round")
            votes.plot([number], [share.share], "o", color=BLUE, markersize=11, clip_on=False)
    sheet.text(MARGIN, TOP + 14, "Votes that are up, and where the true share lies", size=SMALL, color=SOFT)
    sheet.text(MARGIN, TOP + 250, "Runs", size=SMALL, color=SOFT)
    runs = sheet.scaled(TOP + 276, TOP + 400, max(chart.runs) * 1.25, short_count)
    runs.bar(numbers, chart.runs, 0.68, color=OTHERS)
    _say_each(runs, chart.runs, [short_count(count) if count else "" for count in chart.runs])
    _side_by_side(votes, runs)
    votes.set_xlim(-0.6, len(chart.days) - 0.4)
    votes.set_xticks([])
    _days(runs, chart.days)
    return sheet


def _side_by_side(upper: "Axes", lower: "Axes") -> None:
    """Let two fields begin at the same place."""
    boxes = [axes.get_position() for axes in (upper, lower)]
    left = max(box.x0 for box in boxes)
    for axes, box in zip((upper, lower), boxes, strict=True):
        axes.set_position((left, box.y0, box.x1 - left, box.height))


def _latency(chart: Latency) -> Sheet:
    sheet = _headed(chart, 540)
    most = max(value for value in chart.most if value is not None)
    axes = sheet.scaled(TOP + 14, TOP + 320, most * 1.15, elapsed)
    for values, color, marker, style, above in (
        (chart.most, VERMILLION, "s", "--", True),
        (chart.half, BLUE, "o", "-", False),
    ):
        heights = [float("nan") if value is None else value for value in values]
        axes.plot(range(len(heights)), heights, style, color=color, marker=marker, linewidth=3, markersize=9)
        if len(heights) <= FEW:
            said = ["" if value is None else elapsed(value) for value in values]
            _say_each(axes, [value or 0 for value in values], said, above=above)
    _days(axes, chart.days)
    column = (WIDTH - 2 * MARGIN) / 2
    for number, (color, name) in enumerate(((BLUE, words.HALF), (VERMILLION, words.MOST))):
        sheet.mark(MARGIN + number * column, 512, color)
        sheet.text(MARGIN + number * column + 28, 512, name)
    return sheet


def _headed(chart: ChartData, height: float) -> Sheet:
    sheet = Sheet(int(height))
    sheet.heading(words.title(chart), words.gist(chart))
    return sheet


def _say_each(axes: "Axes", heights: Sequence[float], said: Sequence[str], *, above: bool = True) -> None:
    """A figure over or under each day, where there is room."""
    if len(said) > FEW:
        return
    for number, (height, figure) in enumerate(zip(heights, said, strict=True)):
        axes.annotate(
            figure,
            (number, height),
            xytext=(0, 7 if above else -7),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=points(SMALL),
            color=INK,
        )


def _days(axes: "Axes", days: Sequence[date]) -> None:
    """The days under a field."""
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.axhline(0, color=SOFT, linewidth=1.5)
    if len(days) <= FEW:
        axes.set_xticks(range(len(days)), [f"{day:%a}\n{day.day}" for day in days])
    else:
        every = -(-len(days) // 5)
        numbers = range(0, len(days), every)
        axes.set_xticks(list(numbers), [f"{days[number].day} {days[number]:%b}" for number in numbers])


_DRAWERS: Mapping[str, Callable[[Any], Sheet]] = {
    "cost-by-day": _cost_by_day,
    "cost-per-run": _cost_per_run,
    "satisfaction": _satisfaction,
    "latency": _latency,
}
