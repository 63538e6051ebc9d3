"""Small stand-ins for what is outside a test's subject. Each keeps a history of what was asked of it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bot.adapters.store.run_leases import Held
from bot.adapters.store.run_log import RunRow
from bot.services.outbox_items import OutboxItem, Posted
from workflows.ports import Progress
from workflows.run import Answer, RunResult, RunStatus


class FakeClock:
    """Stands still until moved; `sleep` moves it and returns at once."""

    def __init__(self, at: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)) -> None:
        self.at = at
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class FakeSender:
    """A Slack that keeps what it was sent; `faults` are raised by the next calls, "before" or after storing."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, OutboxItem]] = []
        self.messages: dict[str, list[str]] = {}
        self.faults: list[tuple[str, Exception]] = []
        self._number = itertools.count(1)

    def shown(self, item_id: str) -> list[str]:
        """What readers saw of a message, in order."""
        return self.messages.get(item_id, [])

    async def post(self, item: OutboxItem) -> Posted:
        self.calls.append(("post", item))
        kind, error = self.faults.pop(0) if self.faults else ("", None)
        if kind != "before":
            assert item.id not in self.messages, "posted twice"
            self.messages[item.id] = [_shown(item)]
        if error is not None:
            raise error
        return Posted(item.channel, f"{next(self._number)}.0")

    async def update(self, item: OutboxItem) -> None:
        self.calls.append(("update", item))
        if self.faults:
            raise self.faults.pop(0)[1]
        self.messages[item.id].append(_shown(item))

    async def find(self, item: OutboxItem) -> Posted | None:
        self.calls.append(("find", item))
        if self.faults:
            raise self.faults.pop(0)[1]
        return Posted(item.channel, "found.0") if item.id in self.messages else None


def _shown(item: OutboxItem) -> str:
    if item.run is None:
        return str(item.body.get("text", ""))
    if item.run.answer is not None:
        return item.run.answer.text
    return f"{item.run.status.value} {item.run.step_title}".strip()


class FakePerform:
    """Carries runs out as the given function says; keeps which runs it was given."""

    def __init__(self, act: Callable[..., Awaitable[RunResult]] | None = None) -> None:
        self.act = act
        self.performed: list[Held] = []

    async def __call__(self, row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        self.performed.append(held)
        if self.act is not None:
            return await self.act(row, held, on_progress)
        return RunResult(RunStatus.SUCCEEDED, Answer(f"answer to {row.id}", "answered"), ())
