"""What a month will have cost when it ends, from what its days and those of the weeks before cost. Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import fmean

from bot.governance.budget import Period
from bot.quality.readiness import in_dollars
from bot.quality.week_insights import Forecast

DAYS = 56
"""Whole days before today that are looked at."""

FEWEST_DAYS = 7

HALF_LIFE = 28
"""Days after which a day counts half: habits change."""

EIGHT_OF_TEN = 1.4
"""Standard deviations on either side that hold eight of ten: Student's t for the few weeks there are."""


def forecast(
    workflow: str, days: Mapping[date, Decimal], now: datetime, limit: Decimal | None = None
) -> Forecast | None:
    """The month that holds `now`, from dollars by UTC day; None before a week has been seen.

    A day that is absent cost nothing. What is to come is the weekday's mean; how sure that is follows from
    how far days, and whole weeks, were from those means.
    """
    today = now.astimezone(UTC).date()
    known = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    first = min((day for day in days if days[day]), default=today)
    known = [day for day in known if day >= first]
    if len(known) < FEWEST_DAYS:
        return None
    begins, ends = Period.MONTH.starts(now), Period.MONTH.ends(now)
    spent = sum((cost for day, cost in days.items() if begins.date() <= day <= today), Decimal(0))
    usual = _weekdays({day: float(days.get(day, 0)) for day in known}, today)
    rest = [today + timedelta(days=ahead) for ahead in range(1, (ends.date() - today).days)]
    left_today = 1 - (now - Period.DAY.starts(now)) / timedelta(days=1)
    expected = usual[today.weekday()] * left_today + sum(usual[day.weekday()] for day in rest)
    around = EIGHT_OF_TEN * _error(known, days, usual, expected, len(rest) + left_today)
    return Forecast(
        workflow,
        begins,
        spent=spent,
        expected=spent + in_dollars(expected),
        low=spent + in_dollars(max(0.0, expected - around)),
        high=spent + in_dollars(expected + around),
        limit=limit,
    )


def _weekdays(costs: Mapping[date, float], today: date) -> list[float]:
    """Mean dollars of each weekday, later weeks counting more."""
    weights = {day: 0.5 ** ((today - day).days / HALF_LIFE) for day in costs}
    everything = sum(weights[day] * cost for day, cost in costs.items()) / sum(weights.values())
    found = []
    for weekday in range(7):
        mine = [day for day in costs if day.weekday() == weekday]
        weight = sum(weights[day] for day in mine)
        found.append(sum(weights[day] * costs[day] for day in mine) / weight if mine else everything)
    return found


def _error(
    known: list[date], days: Mapping[date, Decimal], usual: list[float], expected: float, ahead: float
) -> float:
    """Standard error of what is to come: of its days, of the weekdays' means, and of the level of weeks."""
    residuals = [float(days.get(day, 0)) - usual[day.weekday()] for day in known]
    # seven means were taken from the same days
    daily = sum(each * each for each in residuals) / max(1, len(residuals) - 7)
    weeks = [sum(residuals[start : start + 7]) for start in range(len(residuals) % 7, len(residuals), 7)]
    weekly = fmean(each * each for each in weeks) if weeks else 0.0
    # what weeks vary beyond their days is their level, which all days to come share
    level = max(0.0, weekly - 7 * daily) / 49
    means = (daily / (len(known) / 7)) * max(1.0, ahead / 7) * min(7.0, ahead)
    return sqrt(ahead * daily + means + level * ahead * ahead)
