"""How long a run will wait, and when a request is better refused than queued. Pure."""

from dataclasses import dataclass
from typing import Literal

Why = Literal["person", "queue", "wait"]

LEAST_S = 60.0
"""Nobody is asked to come back sooner."""
RELIEF = 0.1
"""Share of a full queue that should be gone before somebody tries again."""


class QueueFull(Exception):
    """Refused before anything was stored.

    Facts: `why` (person, queue or wait), `waiting` runs, `after_s` until it is worth trying again (empty when
    nobody can tell), and for `wait` the `wait_s` that it would have been.
    """

    def __init__(self, why: Why, waiting: int, after_s: float | None, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.facts = {
            "why": why,
            "waiting": str(waiting),
            "after_s": _plain(after_s),
            "wait_s": _plain(wait_s),
        }


def _plain(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait; 0 is no limit."""

    person: int = 0
    """Runs of one person."""
    queue: int = 0
    """Runs of everybody."""
    wait_s: float = 0
    """Until a run would start."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What a run waits behind: everybody's, its person's or its workflow's."""

    before: int
    """Runs that start before it."""
    running: int
    slots: float
    """Most that are carried out at a time."""
    seconds: float
    """How long one takes."""

    @property
    def wait_s(self) -> float:
        """Until its turn: each slot comes free once in the time that a run takes."""
        behind = self.before + 1 + self.running - self.slots
        return max(0.0, behind) * self.seconds / self.slots


@dataclass(frozen=True, slots=True)
class Waiting:
    """The place that a run would get, and how much waits as it is."""

    own: int
    everybody: int
    wait_s: float | None
    """None when nobody can tell: no worker is heard, or nothing was carried out yet."""
    own_s: float | None = None
    """Until one more of the person's runs starts, on average."""
    each_s: float | None = None
    """Until one more of anybody's runs starts, on average."""


def refuse_full(waiting: Waiting, limits: Limits) -> None:
    """Let a request in or raise QueueFull."""
    if 0 < limits.person <= waiting.own:
        raise QueueFull("person", waiting.own, _relief_s(limits.person, waiting.own_s))
    if 0 < limits.queue <= waiting.everybody:
        raise QueueFull("queue", waiting.everybody, _relief_s(limits.queue, waiting.each_s))
    if waiting.wait_s is not None and 0 < limits.wait_s < waiting.wait_s:
        over_s = max(LEAST_S, waiting.wait_s - limits.wait_s * (1 - RELIEF))
        raise QueueFull("wait", waiting.everybody, over_s, waiting.wait_s)


def _relief_s(limit: int, each_s: float | None) -> float | None:
    return None if each_s is None else max(LEAST_S, limit * RELIEF * each_s)
