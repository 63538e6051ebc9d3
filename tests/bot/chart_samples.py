"""Weeks as charts show them: the usual ones, and those that make drawing hard."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from bot.quality.chart_data import ChartData, of_week
from bot.quality.tallies import Durations, Tally

DAYS = tuple(date(2026, 11, 9) + timedelta(days=number) for number in range(7))
Day = Mapping[str, Tally]


def tally(seed: int, runs: int = 20, usd: str = "0.41") -> Tally:
    """Some runs; the same seed gives the same."""
    durations = Durations()
    for number in range(runs):
        durations.add(0.8 + (number * (seed + 3)) % 17)
    votes = {"votes_up": (seed * 5) % 9, "votes_down": seed % 3}
    return Tally(runs, answered=runs, cost_usd=Decimal(usd) * (seed % 5 + 1), durations=durations, **votes)


def week(names: Sequence[str], days: int = 7) -> list[Day]:
    """Days on which each of these ran."""
    return [{name: tally(day * 7 + at) for at, name in enumerate(names)} for day in range(days)]


def _each(days: Sequence[Day], **changes: object) -> list[Day]:
    return [{name: replace(found, **changes) for name, found in day.items()} for day in days]  # type: ignore[arg-type]


FEW, MANY = ["ask-policy", "summarise-text"], [f"workflow-number-{number}" for number in range(40)]
LONG = ["translate-the-letters-of-all-customers-" + "and-more-" * 9, "$a_1$ and $b^2$", "אב", "経費"]
SIX_WEEKS = tuple(DAYS[0] + timedelta(days=number) for number in range(42))
NEVER = [Tally() for _ in DAYS]
WEEKS: Mapping[str, tuple[ChartData, ...]] = {
    "usual": of_week(DAYS, week(FEW), week(FEW)),
    "forty": of_week(DAYS, week(MANY), week(MANY)),
    "long names": of_week(DAYS, week(LONG)),
    "one point": of_week(DAYS[:1], week(FEW, 1)),
    "six weeks": of_week(SIX_WEEKS, week(FEW, 42)),
    "no runs": of_week(DAYS, [{} for _ in DAYS], [{} for _ in DAYS]),
    "only zeros": of_week(DAYS, _each(week(FEW), cost_usd=Decimal(0), votes_up=0, votes_down=0)),
    "only failures": of_week(DAYS, _each(week(FEW), answered=0, failed=20, durations=Durations())),
    "huge": of_week(DAYS, _each(week(FEW), runs=10**9, cost_usd=Decimal(10) ** 12), week(FEW)),
    "tiny": of_week(DAYS, _each(week(FEW), cost_usd=Decimal("0.0000031"))),
    "slow": of_week(DAYS, _each(week(FEW), durations=Durations({1900: 3, 20: 90}))),
    "gaps": of_week(DAYS, [{} if number in (1, 2) else day for number, day in enumerate(week(FEW))]),
}
"""Name of a kind of week to its charts."""
