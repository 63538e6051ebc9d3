"""When something is worth waking somebody for, when to say so again, and when it is over. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.quality.tallies import Tally, total

CLEAR_AT = 0.8
"""Share of its limit that a figure must fall to before the alert is over, so that it does not come and go."""
FORGOTTEN = timedelta(hours=24)
"""After this long with too little to judge by, an alert is closed without proof that it is over."""
WORST = 3
"""How many workflows are named."""
MOST = 1_000_000.0


class AlertRule(StrEnum):
    """What is watched."""

    ERRORS = "errors"
    LATENCY = "latency"
    COST = "cost"
    QUEUE = "queue"
    ABSTAINED = "abstained"
    DOWN = "down"
    """A part of the installation; the scope names it."""


COUNTED = frozenset({AlertRule.ERRORS, AlertRule.LATENCY, AlertRule.ABSTAINED})
"""Shares and percentiles of runs, which mean nothing of a few."""


class InvalidThresholds(Exception):
    """Not `name=number` with a known name; facts `value` and `known`."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.facts = {"value": value, "known": ", ".join(each.name for each in fields(Thresholds))}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What may be before somebody is told; a limit of 0 watches nothing."""

    errors: float = 20
    """Percent of the runs of a workflow, or of all, that fail."""
    latency: float = 120
    """Seconds within which 95 of 100 answers of a workflow come."""
    cost: float = 25
    """Dollars in an hour, everything together."""
    queue: float = 120
    """Seconds that the oldest run waits for a worker."""
    abstained: float = 60
    """Percent of the answers of a workflow that say it does not know."""
    down: float = 60
    """Seconds that the index, or Slack, does not answer."""
    runs: float = 10
    """Fewer runs than this are not judged."""
    minutes: float = 60
    """How far back runs are looked at."""
    remind: float = 4
    """Hours until people are told again of what still stands."""

    def limit(self, rule: AlertRule) -> float:
        """The limit of a rule; 0 when it is off."""
        return float(getattr(self, rule.value))

    @property
    def window(self) -> timedelta:
        """How far back runs are looked at."""
        return timedelta(minutes=self.minutes)


_LEAST = {"runs": 1.0, "minutes": 1.0, "remind": 0.1}


def read_thresholds(text: str) -> Thresholds:
    """The defaults with `errors=10,cost=0` in their place. Raises InvalidThresholds."""
    found: dict[str, float] = {}
    known = {each.name for each in fields(Thresholds)}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, number = (each.strip() for each in part.partition("="))
        if name not in known or not _is_plain(number):
            raise InvalidThresholds(part)
        found[name] = float(number)
        if not _LEAST.get(name, 0.0) <= found[name] <= MOST:
            raise InvalidThresholds(part)
    return replace(Thresholds(), **found)


def _is_plain(number: str) -> bool:
    whole, _, rest = number.partition(".")
    return number.isascii() and whole.isdecimal() and (not rest or rest.isdecimal())


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure, as it is now."""

    rule: AlertRule
    scope: str
    """A workflow; empty for everything together."""
    value: float
    runs: int = 0
    """How many runs it is the figure of; 0 where it is not one of runs."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON for the message."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert that was raised and is not over."""

    id: str
    rule: AlertRule
    scope: str
    raised_at: datetime
    told_at: datetime
    judged_at: datetime
    taken_by: str = ""


class Move(StrEnum):
    """What to do about one figure."""

    NOTHING = "nothing"
    RAISE = "raise"
    REMIND = "remind"
    KEEP = "keep"
    """It stands, and that was just seen again."""
    CLEAR = "clear"
    CLOSE = "close"
    """Nobody can tell whether it is over, or it is watched no more."""


def judge(reading: Reading | None, standing: Standing | None, limits: Thresholds, at: datetime) -> Move:
    """What the figure of a rule and scope calls for."""
    if standing is None:
        is_raised = reading is not None and _is_enough(reading, limits) and is_over(reading, limits)
        return Move.RAISE if is_raised else Move.NOTHING
    limit = limits.limit(standing.rule)
    if not limit:
        return Move.CLOSE
    if reading is None or not _is_enough(reading, limits):
        return Move.CLOSE if at - standing.judged_at >= FORGOTTEN else Move.NOTHING
    if reading.value <= limit * CLEAR_AT:
        return Move.CLEAR
    is_due = at - standing.told_at >= timedelta(hours=limits.remind)
    return Move.REMIND if is_due and not standing.taken_by and is_over(reading, limits) else Move.KEEP


def is_over(reading: Reading, limits: Thresholds) -> bool:
    """Whether it is beyond its limit."""
    return 0 < limits.limit(reading.rule) < reading.value


def _is_enough(reading: Reading, limits: Thresholds) -> bool:
    return reading.rule not in COUNTED or reading.runs >= limits.runs


def run_readings(
    tallies: Mapping[str, Tally], limits: Thresholds, standing: Collection[Standing]
) -> tuple[Reading, ...]:
    """The figures of runs: what fails in several workflows at once is one alert and not one of each."""
    each = [errors_of(name, tally) for name, tally in tallies.items()]
    found = [*_latencies(tallies), *_abstentions(tallies)]
    whole = replace(
        errors_of("", total(tallies.values())),
        facts={**_counts(total(tallies.values())), "worst": _worst(each)},
    )
    known = {alert.scope for alert in standing if alert.rule is AlertRule.ERRORS}
    is_general = (
        sum(reading.value > 0 for reading in each) > 1
        and _is_enough(whole, limits)
        and is_over(whole, limits)
    )
    if is_general or "" in known:
        found.append(whole)
        each = [reading for reading in each if reading.scope in known]
    return (*found, *each)


def errors_of(scope: str, tally: Tally) -> Reading:
    """How many of those that were not stopped failed, in percent."""
    ended = tally.runs - tally.cancelled
    return Reading(AlertRule.ERRORS, scope, _percent(tally.failed, ended), ended, _counts(tally))


def _counts(tally: Tally) -> dict[str, Any]:
    return {"failed": tally.failed, "runs": tally.runs - tally.cancelled}


def _worst(readings: Iterable[Reading]) -> list[list[Any]]:
    failing = sorted((each for each in readings if each.value > 0), key=lambda each: -each.facts["failed"])
    return [[each.scope, each.facts["failed"], each.runs] for each in failing[:WORST]]


def _latencies(tallies: Mapping[str, Tally]) -> Iterable[Reading]:
    for name, tally in tallies.items():
        slow, middle = tally.durations.percentile(0.95), tally.durations.percentile(0.5)
        if slow is not None:
            count = tally.durations.total
            yield Reading(AlertRule.LATENCY, name, slow, count, {"median": middle, "runs": count})


def _abstentions(tallies: Mapping[str, Tally]) -> Iterable[Reading]:
    for name, tally in tallies.items():
        said = tally.answered + tally.abstained + tally.escalated
        unknown = tally.abstained + tally.escalated
        facts = {"unknown": unknown, "runs": said}
        yield Reading(AlertRule.ABSTAINED, name, _percent(unknown, said), said, facts)


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
