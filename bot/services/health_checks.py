"""Which parts of the installation answer, and whether this process can do its own part."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bot.adapters.store.backlog import Backlog, read_backlog
from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import count_alive
from bot.adapters.store.migrate import schema_trouble
from bot.services import part_troubles

if TYPE_CHECKING:
    from bot.adapters.llm import Models
    from bot.services.holdings import Holdings

PATIENCE_S = 2.0
"""Longest time that one part may take to answer; whoever probes waits little longer."""
FRESH_S = 1.0
"""Time for which what was found is told again, so that many probes are no load."""

State = Literal["up", "down", "off"]
"""`off`: not part of this process, or not set up."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part."""

    state: State
    needed: bool
    """Whether this process is of no use without it."""
    detail: str = ""
    next: str = ""
    """What to do about it; empty where all is well."""


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that was looked at."""

    parts: Mapping[str, PartHealth]

    @property
    def is_ready(self) -> bool:
        """Whether this process can do its work."""
        return not any(part.needed and part.state == "down" for part in self.parts.values())

    @property
    def status(self) -> str:
        """`ready`, `degraded` when only something else is down, or `not ready`."""
        if not self.is_ready:
            return "not ready"
        return "degraded" if any(part.state == "down" for part in self.parts.values()) else "ready"


Look = Callable[[], Awaitable[str]]
"""What is wrong with a part, in a few words; empty when it answers. It may raise."""


@dataclass(slots=True)
class HealthChecks:
    """Looks at each part, all at once, each for two seconds at most."""

    looks: Mapping[str, Look]
    needed: frozenset[str]
    patience_s: float = PATIENCE_S
    fresh_s: float = FRESH_S
    _under_way: dict[str, asyncio.Task[tuple[str, str]]] = field(default_factory=dict)
    _found: tuple[float, Health] | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def health(self) -> Health:
        """What answers just now."""
        async with self._looking:
            now = asyncio.get_running_loop().time
            if self._found is None or now() - self._found[0] >= self.fresh_s:
                states = await asyncio.gather(*(self._look(name) for name in self.looks))
                self._found = now(), Health(dict(zip(self.looks, states, strict=True)))
            return self._found[1]

    async def _look(self, name: str) -> PartHealth:
        is_needed = name in self.needed
        # a part that hangs is asked once, however often somebody wants to know
        task = self._under_way.get(name) or asyncio.create_task(_asked(self.looks[name]))
        self._under_way[name] = task
        done, _ = await asyncio.wait({task}, timeout=self.patience_s)
        if not done:
            said = f"no answer within {self.patience_s:.0f} s"
            return PartHealth("down", is_needed, said, part_troubles.advice(name, ""))
        del self._under_way[name]
        wrong, why = task.result()
        if not wrong:
            return PartHealth("up", is_needed)
        return PartHealth("down", is_needed, wrong, part_troubles.advice(name, why))

    async def close(self) -> None:
        """Wait no longer for what hangs."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._under_way.clear()


async def _asked(look: Look) -> tuple[str, str]:
    """What is wrong in words, and by a word of ours."""
    try:
        return await look(), ""
    except Exception as error:
        # an error's own words may hold addresses and passwords
        why = str(getattr(error, "facts", {}).get("why", ""))
        return part_troubles.detail(type(error).__name__, why), why


def checks_for(
    parts: Collection[str],
    store: Store,
    models: "Models | None",
    holdings: "Holdings | None",
    slack: Look | None,
    queue_limit: int = 0,
) -> HealthChecks:
    """The checks of a process that does these parts; models and knowledge are a worker's.

    `queue_limit` runs fill the queue, 0 is no limit.
    """

    async def database() -> str:
        await asyncio.gather(store.read(read_backlog), store.probe())
        return ""

    async def schema() -> str:
        return await store.read(schema_trouble)

    async def index() -> str:
        if holdings is not None:
            await holdings.ping()
        return ""

    async def model() -> str:
        return "; ".join(await models.unusable()) if models is not None else ""

    async def queue() -> str:
        waiting = (await store.read(read_backlog)).queued
        return f"{waiting} runs wait, so new requests are refused" if waiting >= queue_limit else ""

    looks: dict[str, Look] = {"database": database, "schema": schema}
    if queue_limit:
        looks["queue"] = queue
    needed = {"database"}
    if "worker" in parts:
        # without the index every vector is compared: slower in a large collection, and no worse
        looks |= {"index": index, "model": model}
    if slack is not None:
        looks["slack"] = slack
        needed.add("slack")
    looks["worker"] = _heard(store, "worker", "no worker was heard lately: requests are taken and wait")
    looks["clock"] = _heard(store, "clock", "no clock was heard lately: nothing is done at its time")
    return HealthChecks(looks, frozenset(needed))


def _heard(store: Store, part: str, otherwise: str) -> Look:
    async def look() -> str:
        return "" if (await store.read(count_alive)).get(part) else otherwise

    return look


async def backlog_of(store: Store, patience_s: float = PATIENCE_S) -> Backlog | None:
    """What waits; None when the database does not say so in time."""
    try:
        async with asyncio.timeout(patience_s):
            return await store.read(read_backlog)
    except Exception:
        return None
