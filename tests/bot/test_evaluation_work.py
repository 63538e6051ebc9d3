"""The loop that carries out evaluations, beside a database that fails."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import evaluations_log
from bot.adapters.store.database import Store
from bot.adapters.store.evaluations_log import QUEUED, NewEvaluation, insert_evaluation, read_evaluation
from bot.adapters.store.store_down import StoreDown
from bot.services.evaluation_work import EvaluationPace, EvaluationWork
from tests.fakes import FakeClock


class FakeEvaluations:
    """Carries out what the test says."""

    def __init__(self, act: Callable[[], Awaitable[None]]) -> None:
        self.act = act
        self.heard: list[str] = []

    async def carry_out(self, *_: object, **__: object) -> None:
        self.heard.append("begun")
        try:
            await self.act()
        except asyncio.CancelledError:
            self.heard.append("cancelled")
            raise
        self.heard.append("done")


def asked(store: Store) -> str:
    new = NewEvaluation("e_1", "ask", "command", "production", "U0DEV", QUEUED, {}, {})
    store.write_now(lambda connection: insert_evaluation(connection, new, FakeClock().now()))
    return new.id


def work(store: Store, evaluations: FakeEvaluations, **pace: float) -> EvaluationWork:
    steps = EvaluationPace(**{"look_s": 0.02, "beat_s": 0.02, **pace})
    return EvaluationWork(store, evaluations, FakeClock(), WakeUp(), WakeUp(), steps)  # type: ignore[arg-type]


async def test_a_report_that_the_database_does_not_take_ends_no_evaluation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats, enough, note = [0], asyncio.Event(), evaluations_log.note_progress
    loop = asyncio.get_running_loop()

    def down_at_first(*args: Any, **kwargs: Any) -> bool:
        beats[0] += 1
        if beats[0] <= 2:
            raise StoreDown("full")
        loop.call_soon_threadsafe(enough.set)
        return note(*args, **kwargs)

    monkeypatch.setattr(evaluations_log, "note_progress", down_at_first)
    evaluations = FakeEvaluations(lambda: asyncio.wait_for(enough.wait(), 10))  # type: ignore[arg-type]
    asked(store)
    await work(store, evaluations).drain()
    assert evaluations.heard == ["begun", "done"]


async def test_an_evaluation_is_put_back_once_its_lease_may_be_over(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> bool:
        raise StoreDown("full")

    stop = asyncio.Event()

    async def until_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stop.set()

    monkeypatch.setattr(evaluations_log, "note_progress", down)
    evaluations = FakeEvaluations(until_cancelled)
    number = asked(store)
    await asyncio.wait_for(work(store, evaluations, lease_s=0.2).run_until(stop), 10)
    assert evaluations.heard == ["begun", "cancelled"]
    row = store.read_now(lambda connection: read_evaluation(connection, number))
    assert row is not None and row.status == QUEUED
