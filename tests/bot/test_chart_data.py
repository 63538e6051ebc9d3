"""Charts as values: nothing is lost when workflows are shown as one, and every chart is said in words."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import pytest
from chart_samples import DAYS, WEEKS, tally, week
from hypothesis import given
from hypothesis import strategies as st

from bot.quality import chart_words as words
from bot.quality import figures
from bot.quality.chart_data import (
    SHOWN,
    ChartData,
    CostByDay,
    CostPerRun,
    Latency,
    PerRun,
    Satisfaction,
    cost_by_day,
    cost_per_run,
    of_week,
    packed,
    unpacked,
)
from bot.quality.tallies import Tally, total

CHARTS = [pytest.param(chart, id=f"{name}, {chart.kind}") for name, all_ in WEEKS.items() for chart in all_]
AMOUNTS = st.decimals(0, 10**6, places=6)
COSTS = st.dictionaries(
    st.text(min_size=1, max_size=9), st.lists(AMOUNTS, min_size=3, max_size=3), max_size=30
)


@given(COSTS)
def test_the_parts_of_a_day_are_all_that_was_spent(costs: Mapping[str, list[Decimal]]) -> None:
    chart = cost_by_day(DAYS[:3], costs)
    assert list(chart.totals()) == [sum((usd[day] for usd in costs.values()), Decimal(0)) for day in range(3)]
    assert len(chart.parts) <= SHOWN + 1
    assert sum(part.stands_for for part in chart.parts) == sum(any(usd) for usd in costs.values())
    spent = [sum(part.usd) for part in chart.parts if part.name]
    assert spent == sorted(spent, reverse=True)


@given(st.lists(st.tuples(AMOUNTS, st.integers(0, 500)), max_size=30))
def test_rows_of_cost_per_run_hold_every_run(outlays: list[tuple[Decimal, int]]) -> None:
    tallies = {f"w{at}": Tally(runs, cost_usd=usd) for at, (usd, runs) in enumerate(outlays)}
    chart = cost_per_run(tallies, {})
    ran = [each for each in tallies.values() if each.runs]
    assert sum(row.runs for row in chart.rows) == sum(each.runs for each in ran)
    spent = sum(((row.usd or 0) * row.runs for row in chart.rows), Decimal(0))
    assert abs(spent - total(ran).cost_usd) < Decimal("0.001")


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_comes_back_from_its_packing(chart: ChartData) -> None:
    assert unpacked(packed(chart)) == chart
    assert packed(unpacked(packed(chart))) == packed(chart)


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_said_in_words(chart: ChartData) -> None:
    said = words.alt(chart)
    assert words.title(chart) in said
    assert words.gist(chart) in said
    assert 20 < len(said) <= words.ALT_LIMIT
    assert "None" not in said
    assert "nan" not in said


def test_words_hold_the_numbers() -> None:
    days = [{"ask-policy": tally(1, usd="1.25")}, {"ask-policy": tally(2, usd="0.5")}]
    cost, per_run, votes, time = of_week(DAYS[:2], days, [{"ask-policy": tally(0, usd="2")}, {}])
    assert words.alt(cost) == (
        "Cost by day, Mon 9 November to Tue 10 November 2026. "
        "$4.00 in all, 100 % more (a week earlier $2.00). "
        "By day: Mon 9 November $2.50, Tue 10 November $1.50. By workflow: ask-policy $4.00. "
        "A week earlier: Mon 9 November $2.00, Tue 10 November $0."
    )
    assert words.alt(per_run) == (
        "Cost of one run. $0.100 on average over 40 runs. "
        "ask-policy $0.100 (a week earlier $0.100) over 40 runs."
    )
    assert words.alt(votes) == (
        "Votes and runs by day, Mon 9 November to Tue 10 November 2026. "
        "40 runs, 67 % of votes up (35 % to 88 %). "
        "Runs by day, with the share of votes that are up: Mon 9 November 20 (83 % up), "
        "Tue 10 November 20 (33 % up)."
    )
    assert words.alt(time).startswith(
        "Time to an answer by day, Mon 9 November to Tue 10 November 2026. Slowest day: half within 7.8 s, "
    )


def test_six_workflows_keep_their_names_and_seven_do_not() -> None:
    six, seven = (cost_by_day(DAYS, {f"w{at}": [Decimal(1)] * 7 for at in range(n)}) for n in (6, 7))
    assert [part.name for part in six.parts] == ["w0", "w1", "w2", "w3", "w4", "w5"]
    assert words.name_of(seven.parts[-1]) == "2 others"


def test_what_is_empty_says_so() -> None:
    assert [words.alt(chart).rpartition(". ")[2] for chart in WEEKS["no runs"]] == [
        "Nothing was spent.",
        "Nothing ran.",
        "Nothing ran.",
        "No run came to an answer.",
    ]


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ("1", "0", ""),
        ("1", "1", "no change"),
        ("1.12", "1", "12 % more"),
        ("0", "3", "100 % less"),
        ("0.999", "1", "no change"),
        ("30", "2", "over 10 times as much"),
    ],
)
def test_changes_in_words(now: str, before: str, said: str) -> None:
    assert words.change(Decimal(now), Decimal(before)) == said


def test_what_cost_a_run_is_said_finely() -> None:
    row = PerRun("ask-policy", Decimal("0.01234"), Decimal("0.0108"), 7)
    assert words.per_run(row) == "$0.0123, 14 % more"
    assert words.per_run(PerRun("new", Decimal("0.01234"), None, 7)) == "$0.0123"


def test_days_without_runs_are_gaps_and_not_nothing() -> None:
    *_, votes, time = WEEKS["gaps"]
    assert isinstance(votes, Satisfaction)
    assert isinstance(time, Latency)
    assert votes.runs[1:3] == (0, 0)
    assert votes.shares[1] is None
    assert time.most[2] is None
    assert "Tue 10 November no runs" in words.alt(time)


def test_many_days_are_said_by_some_of_them() -> None:
    said = words.alt(of_week([date(2026, 1, 1) + timedelta(days=n) for n in range(365)], week(["w"], 365))[0])
    assert said.count(" January ") == 3
    assert isinstance(unpacked(packed(CostByDay((), ()))), CostByDay)
    assert words.is_empty(CostPerRun(()))


FIGURES = [
    (figures.dollars, Decimal("0.004"), "$0.0040"),
    (figures.dollars, Decimal("1234.5"), "$1,234.50"),
    (figures.fine_dollars, Decimal("0.0000031"), "$0.00000310"),
    (figures.fine_dollars, Decimal("0.5"), "$0.500"),
    (figures.fine_dollars, Decimal("12.346"), "$12.35"),
    (figures.short_dollars, Decimal("999.6"), "$1k"),
    (figures.short_dollars, Decimal("12"), "$12"),
    (figures.short_dollars, Decimal("123.4"), "$123"),
    (figures.short_count, 999_600, "1M"),
    (figures.short_count, 1250, "1.2k"),
    (figures.short_count, 0.5, "0.5"),
    (figures.elapsed, 119 * 60, "2 h"),
    (figures.fine_elapsed, 0, "0 s"),
    (figures.fine_elapsed, 0.0149, "0.01 s"),
    (figures.percent, 0.9999, "over 99 %"),
    (figures.percent, 0.001, "under 1 %"),
]


@pytest.mark.parametrize(("say", "number", "said"), FIGURES)
def test_figures(say: object, number: object, said: str) -> None:
    assert say(number) == said  # type: ignore[operator]
