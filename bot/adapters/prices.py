"""What a call costs: prices with the day they begin, of models.yaml first and of litellm's table second."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

DOLLAR_DIGITS = Decimal("1e-10")
"""What the ledger keeps of a dollar."""

MILLION = Decimal(1_000_000)

_INPUT, _OUTPUT = "input_cost_per_token", "output_cost_per_token"
_CACHED, _WRITTEN = "cache_read_input_token_cost", "cache_creation_input_token_cost"
_PLAIN = frozenset({_INPUT, _OUTPUT, _CACHED, _WRITTEN})
"""Prices that apply to all tokens of their kind."""

_OTHER_MODES = ("_batches", "_flex", "_priority", "per_audio_token", "per_image", "search_context_cost")
"""Prices of things that are never asked for here."""


class Price(BaseModel):
    """Dollars for a million tokens, from a day on, where litellm does not know them or you pay otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input_per_million: Decimal = Field(ge=0)
    output_per_million: Decimal = Field(ge=0)
    cached_input_per_million: Decimal | None = Field(default=None, ge=0)
    """For input that the provider had in its cache; left out, it costs as other input does."""
    since: date | None = Field(default=None, alias="from")
    """The first day in UTC; left out, since ever."""


class Priced(Protocol):
    """A model, as far as its price goes."""

    @property
    def model(self) -> str:
        """As litellm names it."""
        ...

    @property
    def price(self) -> Sequence[Price]:
        """Its own prices, the earliest first."""
        ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider counted. Cached and written ones are among the input."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    """Input that was put into the provider's cache, which some sell dearer."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars a token."""

    input: Decimal
    output: Decimal
    cached: Decimal
    written: Decimal

    def cost(self, tokens: Tokens) -> Decimal:
        """Dollars of a call."""
        plain = tokens.input - tokens.cached - tokens.written
        dollars = (
            self.input * plain
            + self.cached * tokens.cached
            + self.written * tokens.written
            + self.output * tokens.output
        )
        return dollars.quantize(DOLLAR_DIGITS)


def own_price(prices: Sequence[Price], at: datetime) -> Price | None:
    """The one of models.yaml that is in force; None before the first begins."""
    begun = [price for price in prices if price.since is None or _midnight(price.since) <= at]
    return begun[-1] if begun else None


def is_priced(litellm: Any, model: Priced, at: datetime) -> bool:
    """Whether anybody knows what the model costs."""
    return own_price(model.price, at) is not None or _listed(litellm, model.model) is not None


def cost_of(litellm: Any, model: Priced, tokens: Tokens, at: datetime, usage: Any = None) -> Decimal | None:
    """Dollars of a call that began at a moment; None when nobody knows the price."""
    if not tokens.input + tokens.output:
        return Decimal(0) if is_priced(litellm, model, at) else None
    own = own_price(model.price, at)
    if own is not None:
        return _own_rates(own).cost(tokens)
    listed = _listed(litellm, model.model)
    if listed is None:
        return None
    rates = _plain_rates(listed)
    if rates is not None and (listed.get(_CACHED) is not None or not tokens.cached + tokens.written):
        return rates.cost(tokens)
    # what each provider charges beyond that is litellm's knowledge
    sides = litellm.cost_per_token(
        model=model.model, prompt_tokens=tokens.input, completion_tokens=tokens.output, usage_object=usage
    )
    return sum((Decimal(str(side)) for side in sides), Decimal(0)).quantize(DOLLAR_DIGITS)


def most_output(litellm: Any, model: str) -> int | None:
    """The longest reply the model can give, where it is known."""
    listed = _listed(litellm, model)
    return (listed or {}).get("max_output_tokens") or None


@functools.lru_cache(maxsize=256)
def _own_rates(price: Price) -> Rates:
    given = price.cached_input_per_million
    cached = price.input_per_million if given is None else given
    each = price.input_per_million / MILLION
    return Rates(each, price.output_per_million / MILLION, cached / MILLION, each)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


_found: dict[str, Mapping[str, Any] | None] = {}
"""Model to its row of litellm's table, which never changes while the process lives."""


def _listed(litellm: Any, model: str) -> Mapping[str, Any] | None:
    if model not in _found:
        _found[model] = _look_up(litellm, model)
    return _found[model]


def _look_up(litellm: Any, model: str) -> Mapping[str, Any] | None:
    try:
        info = litellm.get_model_info(model)
    except Exception:  # litellm raises a bare Exception for a model that is not in its map
        return None
    row: Mapping[str, Any] = litellm.model_cost.get(info.get("key"), {})
    # a row may say how long a model's context is and nothing of its price, which litellm gives out as 0
    return row if any("cost" in key for key in row) else None


_rates: dict[int, Rates | None] = {}


def _plain_rates(row: Mapping[str, Any]) -> Rates | None:
    """The rates of a model that charges by the token alone; None for one that has steps or other units."""
    key = id(row)
    if key not in _rates:
        _rates[key] = _read_rates(row)
    return _rates[key]


def _read_rates(row: Mapping[str, Any]) -> Rates | None:
    costs = {name for name, value in row.items() if "cost" in name and value}
    others = {name for name in costs - _PLAIN if not any(mark in name for mark in _OTHER_MODES)}
    if others or row.get(_INPUT) is None or row.get(_OUTPUT) is None:
        return None
    each = _dollars(row[_INPUT])
    cached, written = row.get(_CACHED), row.get(_WRITTEN)
    return Rates(
        each,
        _dollars(row[_OUTPUT]),
        each if cached is None else _dollars(cached),
        each if written is None else _dollars(written),
    )


def _dollars(number: float) -> Decimal:
    return Decimal(str(number))
