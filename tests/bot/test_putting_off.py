"""Runs that found no model are queued again for a while, not failed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.breaker import Breaker
from bot.adapters.circuit import FAILURES, PROBE_AFTER
from bot.adapters.store.database import Store
from bot.adapters.store.run_log import RunRow
from bot.services.actors import Origin
from bot.services.putting_off import FIRST_S, LONGEST_S, MOST, SPREAD
from tests.bot.run_desk import ANA, Desk
from tests.fakes import FakeClock
from workflows.ports import ModelResting, ModelUnavailable
from workflows.run import Answer, Failure, RunResult, RunStatus

FACTS = {"alias": "default", "again_s": "20"}


class Outage:
    """A model that fails while it lasts."""

    def __init__(self) -> None:
        self.is_over = False
        self.error: Exception = ModelResting(**FACTS)

    async def __call__(self, row: RunRow, held: object, on_progress: Callable[..., None]) -> RunResult:
        if self.is_over:
            return RunResult(RunStatus.SUCCEEDED, Answer("Five days.", "covered"), ())
        failure = Failure(type(self.error).__name__, dict(getattr(self.error, "facts", {})))
        return RunResult(RunStatus.FAILED, None, (), failure, self.error)


@pytest.fixture
async def desk(store: Store) -> Desk:
    desk = await Desk(store).open()
    desk.perform.act = Outage()
    return desk


def due_in_s(desk: Desk, run_id: str) -> float:
    """From now to its next try."""
    if desk.store.is_sqlite:
        found = desk.sql(
            "SELECT (julianday(due_at) - julianday('now')) * 86400 FROM runs WHERE id = :id", id=run_id
        )
    else:
        found = desk.sql(
            "SELECT extract(epoch FROM due_at - clock_timestamp()) FROM runs WHERE id = :id", id=run_id
        )
    return float(found[0][0])


async def test_it_is_kept_and_says_when_it_goes_on(desk: Desk) -> None:
    run_id = await desk.ask()
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert (view.status, view.failure, view.finished_at) == (RunStatus.QUEUED, None, None)
    assert view.waits_for == Failure("ModelResting", FACTS)
    assert view.again_at is not None
    assert 15 < due_in_s(desk, run_id) <= 20 * (1 + SPREAD), "not before the provider may be tried"
    assert desk.sql("SELECT attempts, put_off, owner FROM runs")[0] == (0, 1, "")
    assert desk.sql("SELECT count(*) FROM audit_events WHERE action = 'run.finished'")[0][0] == 0


async def test_it_goes_on_at_once_when_the_model_is_back(desk: Desk) -> None:
    """A probe that succeeds closes the circuit and wakes what waits for it."""
    clock = FakeClock()
    breaker = Breaker(desk.store, lambda _: clock.now())
    breaker.fresh_s = 0
    for _ in range(FAILURES):
        await breaker.admit("a")
        breaker.failed("a")
    runs = [await desk.ask(f"k{n}") for n in range(3)]
    await desk.worker().drain()
    assert len(desk.perform.performed) == 3
    clock.at += PROBE_AFTER
    assert await breaker.admit("a")
    breaker.succeeded("a", was_probe=True)
    desk.perform.act.is_over = True  # type: ignore[union-attr]
    await desk.store.write(lambda _: None)
    await desk.worker().drain()
    views = [await desk.runs.view(run_id) for run_id in runs]
    assert {view.status for view in views} == {RunStatus.SUCCEEDED}
    assert {(view.failure, view.waits_for, view.again_at) for view in views} == {(None, None, None)}


async def test_the_waits_grow_and_come_to_an_end(desk: Desk) -> None:
    run_id = await desk.ask()
    waits = []
    for _ in range(MOST):
        await desk.worker().drain()
        waits.append(due_in_s(desk, run_id))
        desk.sql("UPDATE runs SET due_at = created_at")
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert view.status is RunStatus.FAILED
    assert view.failure is not None and view.failure.kind == "ModelResting" and view.failure.token
    assert len(desk.perform.performed) == MOST + 1
    assert waits[1] > FIRST_S and LONGEST_S - 5 < waits[-1] <= LONGEST_S * (1 + SPREAD)
    assert timedelta(minutes=35) < timedelta(seconds=sum(waits)) < timedelta(minutes=60)


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (ModelResting(**FACTS), {"origin": Origin("terminal")}),
        (ModelUnavailable("default"), {}),
        (ModelUnavailable("default", again_s="soon"), {}),
    ],
    ids=["somebody waits at a terminal", "nothing says that it passes", "not a number"],
)
async def test_what_fails_at_once(desk: Desk, error: Exception, changes: dict[str, Any]) -> None:
    desk.perform.act.error = error  # type: ignore[union-attr]
    run_id = await desk.ask(**changes)
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert view.status is RunStatus.FAILED and view.failure is not None and view.failure.token


async def test_it_can_be_stopped_meanwhile(desk: Desk) -> None:
    run_id = await desk.ask()
    await desk.worker().drain()
    await desk.runs.cancel(ANA, run_id)
    view = await desk.runs.view(run_id)
    assert (view.status, view.failure, view.waits_for) == (RunStatus.CANCELLED, None, None)
