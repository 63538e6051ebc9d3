"""What runs came to, as sums that can be added: counts, votes, money, and how long answers took. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

WIDTH = 1.01
"""Each bucket of durations ends at this many times where it begins: a percentile is off by half a percent."""
SHORTEST = 0.001
"""Seconds; anything shorter falls into the first bucket."""
Z95 = 1.959964
"""How many standard deviations to either side hold 95 of 100."""
_LOG_WIDTH = math.log(WIDTH)
_LOG_SHORTEST = math.log(SHORTEST)

S = TypeVar("S", "Tally", "Spend")


class Durations:
    """How often something took how long, by buckets of one percent; made to be added up."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})
        """Number of the bucket to how many fell into it."""

    def add(self, seconds: float, count: int = 1) -> None:
        """Count one more, in place; less than nothing counts as nothing."""
        bucket = _bucket(seconds)
        self.counts[bucket] = self.counts.get(bucket, 0) + count

    def take_up(self, other: "Durations") -> None:
        """Count all of another's as well, in place."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count

    def merge(self, other: "Durations") -> "Durations":
        """Both together; neither changes."""
        both = Durations(self.counts)
        both.take_up(other)
        return both

    def __add__(self, other: "Durations") -> "Durations":
        return self.merge(other)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def percentile(self, share: float) -> float | None:
        """Seconds within which this share (0 to 1) was done, by nearest rank; None of nothing."""
        rank = max(1, math.ceil(share * self.total))
        for bucket in sorted(self.counts):
            rank -= self.counts[bucket]
            if rank <= 0:
                return float(SHORTEST * WIDTH ** (bucket + 0.5))
        return None

    def to_json(self) -> dict[str, int]:
        """As plain JSON."""
        return {str(bucket): count for bucket, count in self.counts.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> "Durations":
        """Inverse of `to_json`."""
        return cls({int(bucket): count for bucket, count in data.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Durations) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Durations({self.counts!r})"


def _bucket(seconds: float) -> int:
    if seconds <= SHORTEST:
        return 0
    return int((math.log(seconds) - _LOG_SHORTEST) / _LOG_WIDTH)


class Share(NamedTuple):
    """A share of some count, and the interval that holds the true one 95 times in 100 (Wilson's)."""

    share: float
    low: float
    high: float


def share_of(count: int, total: int) -> Share | None:
    """`count` out of `total`; None of nothing."""
    if not total:
        return None
    share, z2 = count / total, Z95 * Z95
    middle = share + z2 / (2 * total)
    half = Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    scale = 1 + z2 / total
    return Share(share, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


@dataclass(frozen=True, slots=True)
class Endings:
    """Runs that have ended, by how they ended, and what people said of them."""

    runs: int = 0
    """The five endings together."""
    answered: int = 0
    abstained: int = 0
    escalated: int = 0
    failed: int = 0
    cancelled: int = 0
    votes_up: int = 0
    """Standing votes on these runs, whenever they were given."""
    votes_down: int = 0
    corrected: int = 0
    """How many people said what an answer should have been."""

    @property
    def satisfaction(self) -> Share | None:
        """Thumbs up among all thumbs, with its interval; None without a vote."""
        return share_of(self.votes_up, self.votes_up + self.votes_down)


@dataclass(frozen=True, slots=True)
class Tally(Endings):
    """Runs that have ended, counted in the hour in which they were asked for."""

    cost_usd: Decimal = Decimal(0)
    """All calls made for these runs, judges included; without evaluations of a workflow."""
    input_tokens: int = 0
    output_tokens: int = 0
    durations: Durations = field(default_factory=Durations)
    """From asking to the answer, of runs that were answered, abstained or escalated."""

    def __add__(self, other: "Tally") -> "Tally":
        return _sum(self, other)

    @property
    def cost_per_run(self) -> Decimal | None:
        """Dollars a run; None without one."""
        return self.cost_usd / self.runs if self.runs else None


@dataclass(frozen=True, slots=True)
class Spend:
    """Calls to models, counted in the hour in which each began."""

    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    """Calls without a known price, which count as nothing."""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def __add__(self, other: "Spend") -> "Spend":
        return _sum(self, other)


def _sum(left: S, right: S) -> S:
    values: list[Any] = [getattr(left, each.name) + getattr(right, each.name) for each in fields(left)]
    return type(left)(*values)


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    return sum(tallies, Tally())
