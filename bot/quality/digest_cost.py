"""Why something cost more or less than the week before: the one thing that explains most of it. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from bot.quality.tallies import Spend

Spending: TypeAlias = Mapping[tuple[str, str], Spend]
"""Purpose and model to what was spent on it."""

WORTH_SAYING = 0.05
"""A smaller change than this share needs no reason."""
OUTPUT_WEIGHT = 4
"""How many tokens read one written token costs about as much as: providers ask three to five times."""
DRIFT = 0.3
"""Texts that changed by this share of what a token did explain the rest as well."""
ANSWER = "answer"


class CostReason(StrEnum):
    """What most of a change in cost comes from; each means more or less of it, as the cost did."""

    RUNS = "runs"
    """How often people ran it."""
    CALLS = "calls"
    """How many calls to a model a run makes."""
    ANSWERS = "answers"
    """How long answers are."""
    PROMPTS = "prompts"
    """How much the models are given to read."""
    MIX = "mix"
    """Which models are used."""
    PRICE = "price"
    """What a model costs."""
    TESTS = "tests"
    """Evaluations, judges and administration rather than answers."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """What answers came to."""

    calls: int
    read: float
    written: float
    usd: Decimal
    by_model: Mapping[str, float]
    """Tokens of each model, those written weighing more."""


def why_cost(now: Spending, before: Spending, runs: int, runs_before: int) -> CostReason | None:
    """What explains most of the change; None where it is small, or one of the weeks cost nothing."""
    spent, spent_before = _usd(now.values()), _usd(before.values())
    if not spent or not spent_before or abs(float(spent / spent_before) - 1) < WORTH_SAYING:
        return None
    grew = spent > spent_before
    answers, answers_before = _sums(now), _sums(before)
    tests = (spent - answers.usd) - (spent_before - answers_before.usd)
    if abs(tests) * 2 > abs(spent - spent_before) and (tests > 0) == grew:
        return CostReason.TESTS
    moved = _moves(answers, answers_before, runs, runs_before)
    if not moved:
        return None
    reason = max(moved, key=lambda each: moved[each] if grew else -moved[each])
    return reason if (moved[reason] > 0) == grew else None


def _moves(now: _Sums, before: _Sums, runs: int, runs_before: int) -> dict[CostReason, float]:
    """By how much, on a log scale, each factor of the cost of answers moved it."""
    counts = (runs, runs_before, now.calls, before.calls, now.usd, before.usd)
    weights = (_weight(now), _weight(before))
    if not all(counts) or not all(weights):
        return {}
    moved = {
        CostReason.RUNS: math.log(runs / runs_before),
        CostReason.CALLS: math.log((now.calls / runs) / (before.calls / runs_before)),
    }
    longer = math.log((weights[0] / now.calls) / (weights[1] / before.calls))
    written = OUTPUT_WEIGHT * (now.written / now.calls - before.written / before.calls)
    read = now.read / now.calls - before.read / before.calls
    rate = math.log(float(now.usd) / weights[0]) - math.log(float(before.usd) / weights[1])
    if _is_mixed(now, before):
        moved[CostReason.MIX] = rate
    elif longer * rate > 0 and abs(longer) > abs(rate) * DRIFT:
        # what written tokens really weigh is not known: a dearer token beside longer texts is mostly that
        longer += rate
    else:
        moved[CostReason.PRICE] = rate
    moved[CostReason.ANSWERS if abs(written) >= abs(read) else CostReason.PROMPTS] = longer
    return moved


def _is_mixed(now: _Sums, before: _Sums) -> bool:
    """Whether the share of the models among what was read and written moved by more than a tenth."""
    models = {*now.by_model, *before.by_model}
    return sum(abs(_share(now, model) - _share(before, model)) for model in models) / 2 > 0.1


def _share(sums: _Sums, model: str) -> float:
    return sums.by_model.get(model, 0.0) / _weight(sums)


def _weight(sums: _Sums) -> float:
    return sums.read + OUTPUT_WEIGHT * sums.written


def _usd(spends: Iterable[Spend]) -> Decimal:
    return sum((each.cost_usd for each in spends), start=Decimal(0))


def _sums(spending: Spending) -> _Sums:
    answers = {model: each for (purpose, model), each in spending.items() if purpose == ANSWER}
    return _Sums(
        calls=sum(each.calls for each in answers.values()),
        read=sum(each.input_tokens for each in answers.values()),
        written=sum(each.output_tokens for each in answers.values()),
        usd=_usd(answers.values()),
        by_model={
            model: each.input_tokens + OUTPUT_WEIGHT * each.output_tokens for model, each in answers.items()
        },
    )
