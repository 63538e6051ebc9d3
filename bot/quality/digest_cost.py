"""Why something cost more or less than the week before: the one thing that explains most of it. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from bot.quality.tallies import Spend
from bot.quality.token_rates import Rates

Spending: TypeAlias = Mapping[tuple[str, str], Spend]
"""Purpose and model to what was spent on it."""

WORTH_SAYING = 0.05
"""A smaller change than this share needs no reason."""
OUTPUT_WEIGHT = 4
"""How many tokens read one written token costs about as much as, where calls do not tell: providers ask three
to five times."""
DRIFT = 0.3
"""Texts that changed by this share of what a token did explain the rest as well."""
ANSWER = "answer"
_NONE = Spend()


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
    spends: Mapping[str, Spend]


def why_cost(
    now: Spending,
    before: Spending,
    runs: int,
    runs_before: int,
    rates: tuple[Mapping[str, Rates], Mapping[str, Rates]] = ({}, {}),
) -> CostReason | None:
    """What explains most of the change; None where it is small, or one of the weeks cost nothing.

    `rates`: what a token of each model cost in the week and in the one before, as far as known.
    """
    spent, spent_before = _usd(now.values()), _usd(before.values())
    if not spent or not spent_before or abs(float(spent / spent_before) - 1) < WORTH_SAYING:
        return None
    grew = spent > spent_before
    answers, answers_before = _sums(now), _sums(before)
    tests = (spent - answers.usd) - (spent_before - answers_before.usd)
    if abs(tests) * 2 > abs(spent - spent_before) and (tests > 0) == grew:
        return CostReason.TESTS
    moved = _moves(answers, answers_before, runs, runs_before, rates)
    if not moved:
        return None
    reason = max(moved, key=lambda each: moved[each] if grew else -moved[each])
    return reason if (moved[reason] > 0) == grew else None


def _moves(
    now: _Sums,
    before: _Sums,
    runs: int,
    runs_before: int,
    rates: tuple[Mapping[str, Rates], Mapping[str, Rates]],
) -> dict[CostReason, float]:
    """By how much, on a log scale, each factor of the cost of answers moved it."""
    counts = (runs, runs_before, now.calls, before.calls, now.usd, before.usd)
    weights = (_weight(now), _weight(before))
    if not all(counts) or not all(weights):
        return {}
    moved = {
        CostReason.RUNS: math.log(runs / runs_before),
        CostReason.CALLS: math.log((now.calls / runs) / (before.calls / runs_before)),
    }
    if not _is_mixed(now, before) and (told := _priced(now, before, *rates)):
        return moved | told
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


def _priced(
    now: _Sums, before: _Sums, rates: Mapping[str, Rates], rates_before: Mapping[str, Rates]
) -> dict[CostReason, float]:
    """What prices and lengths did, each while the other stays; empty where some price is not known."""
    models = {*now.spends, *before.spends}
    pairs = {
        model: (rates.get(model) or rates_before.get(model), rates_before.get(model) or rates.get(model))
        for model in models
        if any(week.spends.get(model, _NONE).cost_usd for week in (now, before))
    }
    if not pairs or any(new is None for new, _ in pairs.values()):
        return {}

    def cost(week: _Sums, which: int) -> float:
        each = ((pairs[model][which], spend) for model, spend in week.spends.items() if model in pairs)
        return sum(price.cost(spend) for price, spend in each if price is not None) / week.calls

    both = ((cost(now, 0), cost(now, 1)), (cost(before, 0), cost(before, 1)))
    if not all(all(pair) for pair in both):
        return {}
    price = sum(math.log(new / old) for new, old in both) / 2
    longer = sum(math.log(new / old) for new, old in zip(*both, strict=True)) / 2
    known = [(new, model) for model, (new, _) in pairs.items() if new is not None]
    written = sum(each.written * (_written(now, model) - _written(before, model)) for each, model in known)
    read = sum(each.read * (_read(now, model) - _read(before, model)) for each, model in known)
    lengths = CostReason.ANSWERS if abs(written) >= abs(read) else CostReason.PROMPTS
    return {CostReason.PRICE: price, lengths: longer}


def _written(week: _Sums, model: str) -> float:
    return week.spends.get(model, _NONE).output_tokens / week.calls


def _read(week: _Sums, model: str) -> float:
    return week.spends.get(model, _NONE).input_tokens / week.calls


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
        spends=answers,
    )
