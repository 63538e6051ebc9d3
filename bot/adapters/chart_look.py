"""What each chart looks like. Colours are those of Okabe and Ito, which nearly everybody can tell apart."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.adapters.chart_sheet import FAINT, INK, MARGIN, SMALL, SOFT, WIDTH, Sheet, points, steps
from bot.quality import chart_words as words
from bot.quality.chart_data import NOTHING, ChartData, CostByDay, CostPerRun, Latency, Satisfaction
from bot.quality.figures import fine_elapsed, percent, short_count, short_dollars

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
OTHERS = "#454b54"
VOLUME, EARLIER = "#7f8791", "#d0d7df"
"""What was before: behind everything else."""
TOP = 104
"""Pixels that the heading takes."""
FEW = 8
"""So many days have room for a figure each."""
LINE, ROOM_IN_COLUMN = 36, 22
"""Pixels of a line of the legend, and letters that go into half of one."""


class Entry(NamedTuple):
    """A line of a legend."""

    color: str
    name: str
    figure: str = ""


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
    entries = _cost_entries(chart)
    columns = _columns(entries)
    sheet = _headed(chart, TOP + 336 + LINE * -(-len(entries) // columns))
    totals = [float(usd) for usd in chart.totals()]
    most = max(*totals, *map(float, chart.before), 0) * _headroom(totals)
    axes = sheet.scaled(TOP + 20, TOP + 262, most, _usd_ticks)
    days = range(len(totals))
    if chart.before:
        axes.bar(days, [float(usd) for usd in chart.before], 0.9, color=EARLIER)
    base = [0.0] * len(totals)
    gap = 1.2 if len(totals) <= FEW else 0.3
    for (color, *_), part in zip(entries, chart.parts, strict=False):
        heights = [float(usd) for usd in part.usd]
        axes.bar(days, heights, 0.66, base, color=color, edgecolor="white", linewidth=gap)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    _say_each(sheet, axes, totals, [short_dollars(usd) if usd else "" for usd in chart.totals()])
    _days(axes, chart.days)
    _legend(sheet, TOP + 344, entries, columns)
    return sheet


def _cost_entries(chart: CostByDay) -> list[Entry]:
    """What the colours stand for, in the order of the parts."""
    entries = [
        Entry(
            color if part.name else OTHERS, words.name_of(part), short_dollars(sum(part.usd, start=NOTHING))
        )
        for color, part in zip(COLOURS, chart.parts, strict=False)
    ]
    if chart.before:
        entries.append(Entry(EARLIER, words.BEFORE, short_dollars(sum(chart.before, start=NOTHING))))
    return entries


def _columns(entries: Sequence[Entry]) -> int:
    """Two beside each other where no name is long."""
    return (
        2
        if len(entries) > 1
        and all(len(entry.name) + len(entry.figure) <= ROOM_IN_COLUMN for entry in entries)
        else 1
    )


def _legend(sheet: Sheet, top: float, entries: Sequence[Entry], columns: int = 2) -> None:
    width = (WIDTH - 2 * MARGIN) / columns
    for number, (color, name, figure) in enumerate(entries):
        x, y = MARGIN + (number % columns) * width, top + (number // columns) * LINE
        end = x + width - (24 if columns == 2 and number % 2 == 0 else 0)
        sheet.mark(x, y, color)
        sheet.text(x + 28, y, sheet.fitted(name, end - x - 40 - sheet.width(figure)))
        sheet.text(end, y, figure, ha="right", color=SOFT)


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
            sheet.mark(MARGIN + (room - 4) * float(row.before_usd) / most, y + 42, INK, width=4, height=28)
    if _has_before(chart):
        y = TOP + 74 * len(chart.rows) + 18
        sheet.mark(MARGIN, y, INK, width=4, height=26)
        sheet.text(MARGIN + 16, y, words.BEFORE, color=SOFT)
    return sheet


def _has_before(chart: CostPerRun) -> bool:
    return any(row.before_usd is not None for row in chart.rows)


def _satisfaction(chart: Satisfaction) -> Sheet:
    if chart.overall is None:
        sheet = _headed(chart, TOP + 236)
        _volume(sheet, chart, TOP)
        return sheet
    sheet = _headed(chart, TOP + 476)
    runs = _volume(sheet, chart, TOP + 240)
    sheet.text(MARGIN, TOP + 14, words.SHARES, size=SMALL, color=SOFT)
    votes = sheet.scaled(TOP + 46, TOP + 206, 1, _shares, ticks=(0, 0.5, 1))
    thick = 1 if len(chart.days) <= FEW else max(0.35, 10 / len(chart.days))
    for number, share in enumerate(chart.shares):
        if share is not None:
            ends = [share.low, share.high]
            votes.plot([number, number], ends, color=SKY, linewidth=8 * thick, solid_capstyle="butt")
            votes.plot([number], [share.share], "o", color=BLUE, markersize=11 * thick, clip_on=False)
    _begin_together(votes, runs)
    votes.set_xlim(*_sides(chart.days))
    votes.set_xticks([])
    return sheet


def _volume(sheet: Sheet, chart: Satisfaction, top: float) -> "Axes":
    """How many runs there were, in a field of its own."""
    sheet.text(MARGIN, top + 10, words.RUNS, size=SMALL, color=SOFT)
    most = max(chart.runs) * (_headroom(chart.runs) + 0.15)
    runs = sheet.scaled(top + 36, top + 160, most, _counts, ticks=steps(most, whole=True))
    runs.bar(range(len(chart.days)), chart.runs, 0.66, color=VOLUME)
    _say_each(sheet, runs, chart.runs, [short_count(count) if count else "" for count in chart.runs])
    _days(runs, chart.days)
    return runs


def _begin_together(upper: "Axes", lower: "Axes") -> None:
    """Let two fields have the same left edge."""
    boxes = [axes.get_position() for axes in (upper, lower)]
    left = max(box.x0 for box in boxes)
    for axes, box in zip((upper, lower), boxes, strict=True):
        axes.set_position((left, box.y0, box.x1 - left, box.height))


def _latency(chart: Latency) -> Sheet:
    sheet = _headed(chart, TOP + 436)
    height, most = 306, max(value for value in chart.most if value is not None) * _headroom(chart.most)
    unit = next(unit for unit in UNITS if most >= 2 * unit.seconds or unit.seconds == 1)
    ticks = [unit.seconds * tick for tick in steps(most / unit.seconds)]
    axes = sheet.scaled(TOP + 14, TOP + 14 + height, most, unit.said, ticks=ticks)
    # the larger mark behind, so that both are seen where they are the same
    _line(axes, chart.most, VERMILLION, "s--", 13)
    _line(axes, chart.half, BLUE, "o-", 9)
    _say_each(sheet, axes, [value or 0 for value in chart.most], [_said(value) for value in chart.most])
    apart = [_pixels_apart(pair, height / most) for pair in zip(chart.half, chart.most, strict=True)]
    halves = [_said(value) if room else "" for value, room in zip(chart.half, apart, strict=True)]
    _say_each(sheet, axes, [value or 0 for value in chart.half], halves)
    _days(axes, chart.days)
    _legend(sheet, TOP + 410, [Entry(BLUE, words.HALF), Entry(VERMILLION, words.MOST)])
    return sheet


def _line(axes: "Axes", values: Sequence[float | None], color: str, style: str, mark: float) -> None:
    heights = [float("nan") if value is None else value for value in values]
    size = mark if len(heights) <= FEW else mark * 0.45
    axes.plot(range(len(heights)), heights, style, color=color, linewidth=3, markersize=size, clip_on=False)


def _said(value: float | None) -> str:
    return "" if value is None else fine_elapsed(value)


def _pixels_apart(pair: tuple[float | None, float | None], scale: float) -> bool:
    """Whether a figure fits between the lower and the upper point."""
    low, high = pair
    return low is not None and high is not None and (high - low) * scale >= 52


class Unit(NamedTuple):
    """What a scale of time counts in."""

    seconds: int
    name: str

    def said(self, ticks: Sequence[float]) -> list[str]:
        """The heights of a scale."""
        return [f"{seconds / self.seconds:g} {self.name}" if seconds else "0" for seconds in ticks]


UNITS = (Unit(86400, "days"), Unit(3600, "h"), Unit(60, "min"), Unit(1, "s"))


def _usd_ticks(ticks: Sequence[float]) -> list[str]:
    """Dollars of a scale: round numbers, as many digits as the finest needs."""
    if all(usd == int(usd) for usd in ticks):
        return [f"${short_count(usd)}" for usd in ticks]
    digits = max(len(f"{usd:.10f}".rstrip("0").partition(".")[2]) for usd in ticks)
    return [f"${usd:.{max(2, digits)}f}" if usd else "$0" for usd in ticks]


def _shares(ticks: Sequence[float]) -> list[str]:
    return [percent(share) for share in ticks]


def _counts(ticks: Sequence[float]) -> list[str]:
    return [short_count(count) for count in ticks]


def _headed(chart: ChartData, height: float) -> Sheet:
    sheet = Sheet(int(height))
    sheet.heading(words.title(chart), words.gist(chart))
    return sheet


def _say_each(sheet: Sheet, axes: "Axes", heights: Sequence[float], said: Sequence[str]) -> None:
    """A figure over each day, where there is room."""
    left, right = axes.get_position().x0, axes.get_position().x1
    room = (right - left) * WIDTH / max(len(said), 4)
    if len(said) > FEW or any(sheet.width(figure, SMALL) > room - 10 for figure in said):
        return
    for number, (height, figure) in enumerate(zip(heights, said, strict=True)):
        axes.annotate(
            figure,
            (number, height),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=points(SMALL),
            color=INK,
            path_effects=sheet.halo(),
        )


def _headroom(values: Sequence[object]) -> float:
    """How much higher a field is than what it shows: figures over the days need room."""
    return 1.15 if len(values) <= FEW else 1.03


def _sides(days: Sequence[date]) -> tuple[float, float]:
    """The left and right end of a field of days; one day alone is not drawn as wide as a week."""
    spare = max(0, (4 - len(days)) / 2)
    return -0.6 - spare, len(days) - 0.4 + spare


def _days(axes: "Axes", days: Sequence[date]) -> None:
    """The days under a field."""
    axes.set_xlim(*_sides(days))
    axes.axhline(0, color=SOFT, linewidth=1.5)
    if len(days) <= FEW:
        axes.set_xticks(range(len(days)), [f"{day:%a}\n{day.day}" for day in days])
    else:
        numbers = range(0, len(days), -(-len(days) // 5))
        axes.set_xticks(list(numbers), [f"{days[number].day} {days[number]:%b}" for number in numbers])


_DRAWERS: Mapping[str, Callable[[Any], Sheet]] = {
    "cost-by-day": _cost_by_day,
    "cost-per-run": _cost_per_run,
    "satisfaction": _satisfaction,
    "latency": _latency,
}
