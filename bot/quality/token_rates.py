"""What a token of a model cost, worked out from what its calls cost. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.quality.tallies import Spend

CLOSE = 0.005
"""Share of the cost by which rates may miss it: prices in steps, or one that changed within, are no rates."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars a token."""

    read: float
    cached: float
    written: float

    def cost(self, spend: Spend) -> float:
        """Dollars that so many tokens come to."""
        plain = spend.input_tokens - spend.cached_tokens
        return self.read * plain + self.cached * spend.cached_tokens + self.written * spend.output_tokens


def week_rates(days: Sequence[Mapping[str, Sequence[Spend]]]) -> dict[str, Rates]:
    """By model, from its sums of each day; where a price changed within the week, each counts by its use.

    A model is left out when its calls do not tell what a token of each kind cost.
    """
    by_model: dict[str, list[Sequence[Spend]]] = defaultdict(list)
    for day in days:
        for model, spends in day.items():
            by_model[model].append(spends)
    found = ((model, _together(each)) for model, each in by_model.items())
    return {model: rates for model, rates in found if rates is not None}


def fitted(spends: Iterable[Spend]) -> Rates | None:
    """The rates at which all of these were billed; None where none, or several, fit."""
    told = [each for each in spends if each.cost_usd and not each.unpriced]
    if not told:
        return None
    # the sentences of a digest are known where numpy is not wanted
    import numpy as np

    tokens = np.array(
        [[s.input_tokens - s.cached_tokens, s.cached_tokens, s.output_tokens] for s in told], dtype=float
    )
    cost = np.array([float(each.cost_usd) for each in told])
    used: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.asarray(tokens.any(axis=0))
    # each row counts alike, and tokens are counted in a unit that keeps the numbers near one
    scaled = tokens[:, used] / cost[:, None]
    unit = np.abs(scaled).max(axis=0)
    found, _, rank, _ = np.linalg.lstsq(scaled / unit, np.ones(len(told)), rcond=1e-6)
    rates = np.zeros(3)
    rates[used] = found / unit
    missed = np.abs(tokens @ rates - cost).sum()
    if rank < used.sum() or (rates < 0).any() or missed > CLOSE * cost.sum():
        return None
    return Rates(*map(float, rates)) if used[1] else Rates(float(rates[0]), float(rates[0]), float(rates[2]))


def _together(days: Sequence[Sequence[Spend]]) -> Rates | None:
    """Of a week as a whole where one price fits it, else of its days, each weighing what it used."""
    whole = [each for day in days for each in day]
    if (same := fitted(whole)) is not None:
        return same
    each = [(fitted(day), day) for day in days if any(spend.cost_usd for spend in day)]
    if not each or any(rates is None for rates, _ in each):
        return None
    known = [(rates, sum(day, Spend())) for rates, day in each if rates is not None]
    read = _mean((rates.read, day.input_tokens - day.cached_tokens) for rates, day in known)
    cached = _mean((rates.cached, day.cached_tokens) for rates, day in known)
    return Rates(read, cached or read, _mean((rates.written, day.output_tokens) for rates, day in known))


def _mean(weighed: Iterable[tuple[float, int]]) -> float:
    pairs = list(weighed)
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total else 0.0
