import asyncio
import itertools
from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from bot.adapters.store import audit_log, run_leases
from bot.adapters.store.all_tables import metadata
from bot.adapters.store.database import Store
from bot.adapters.store.run_leases import Held, claim_runs, finish_run, queue_again
from bot.adapters.store.run_log import RunRow
from bot.adapters.store.store_down import StoreDown
from bot.services.journal import RunJournal
from bot.services.work import Worker
from tests.bot.run_desk import ANA, Desk, request
from tests.fakes import FakeClock
from workflows.ports import LostLease, ModelUnavailable, Progress
from workflows.run import Answer, Failure, RunResult, RunStatus, StepRun, StepStatus


def step(name: str) -> StepRun:
    at = FakeClock().now()
    return StepRun(name, "prompt", StepStatus.SUCCEEDED, {"text": name}, at, at)


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).open()


async def test_a_run_is_carried_out_once(desk: Desk) -> None:
    run_id = await desk.ask()
    again = await desk.runs.accept(request("k1"))
    assert (again.run_id, again.duplicate) == (run_id, True)
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert view.status is RunStatus.SUCCEEDED
    assert view.answer == Answer(f"answer to {run_id}", "answered")
    assert view.finished_at is not None
    assert [held.run_id for held in desk.perform.performed] == [run_id]


async def test_no_more_at_once_than_asked_for(desk: Desk) -> None:
    running, most = 0, 0

    async def act(row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    for n in range(9):
        await desk.ask(f"k{n}")
    await desk.worker(concurrency=3).drain()
    assert most == 3
    assert desk.sql("SELECT count(*) FROM runs WHERE status='succeeded'")[0][0] == 9


async def test_a_failure_keeps_its_facts_and_a_token(desk: Desk) -> None:
    async def act(*_: object) -> RunResult:
        raise ModelUnavailable("default", step="answer")

    desk.perform.act = act
    run_id = await desk.ask()
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert view.status is RunStatus.FAILED
    assert view.failure is not None
    assert view.failure.kind == "ModelUnavailable"
    assert view.failure.facts == {"alias": "default", "step": "answer"}
    assert view.failure.token.startswith("i_")
    event = desk.store.read_now(lambda c: audit_log.read_events(c, action="run.finished"))[0]
    assert event.context["token"] == view.failure.token


async def test_a_failure_of_the_engine_gets_a_token(desk: Desk) -> None:
    async def act(*_: object) -> RunResult:
        return RunResult(RunStatus.FAILED, None, (), Failure("StepTimedOut", {"step": "find"}))

    desk.perform.act = act
    run_id = await desk.ask()
    await desk.worker().drain()
    failure = (await desk.runs.view(run_id)).failure
    assert failure is not None
    assert (failure.kind, bool(failure.token)) == ("StepTimedOut", True)


async def test_a_run_whose_worker_died_is_resumed_after_its_journal(desk: Desk) -> None:
    run_id = await desk.ask()
    dead = desk.store.write_now(lambda c: claim_runs(c, owner="dead", lease_s=15, limit=1))[0]
    await RunJournal(desk.store, Held(run_id, dead.fence, dead.owner)).record(step("find"))
    assert await desk.worker()._claim() == 0
    desk.expire()
    seen: list[list[str]] = []

    async def act(row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        seen.append(list(await RunJournal(desk.store, held).finished()))
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    await desk.worker().drain()
    assert seen == [["find"]]
    with pytest.raises(LostLease):
        await RunJournal(desk.store, Held(run_id, dead.fence, dead.owner)).record(step("answer"))
    assert [row[0] for row in desk.sql("SELECT step_id FROM steps")] == ["find"]


async def test_a_claim_that_a_crash_took_back_holds_nothing(desk: Desk) -> None:
    """PostgreSQL forgets what was not synced when it crashes; the next claim comes to the same fence."""
    run_id = await desk.ask()
    before = desk.sql("SELECT status, fence, owner FROM runs")[0]
    back = text("UPDATE runs SET status = :status, fence = :fence, owner = :owner")
    held = []
    for owner in ("forgotten", "holder"):
        desk.store.write_now(
            lambda c: c.execute(back, dict(zip(("status", "fence", "owner"), before, strict=True)))
        )
        row = desk.store.write_now(lambda c, owner=owner: claim_runs(c, owner=owner, lease_s=15, limit=1))[0]
        held.append(Held(run_id, row.fence, row.owner))
    stale, ours = held
    assert stale.fence == ours.fence
    with pytest.raises(LostLease):
        await RunJournal(desk.store, stale).record(step("find"))
    with pytest.raises(LostLease):
        desk.store.write_now(lambda c: finish_run(c, stale, RunStatus.FAILED, at=desk.clock.now()))
    await RunJournal(desk.store, ours).record(step("find"))
    desk.store.write_now(lambda c: finish_run(c, ours, RunStatus.SUCCEEDED, at=desk.clock.now()))


async def test_a_worker_that_lost_its_run_stops_and_writes_nothing(desk: Desk) -> None:
    started, ended = asyncio.Event(), []

    async def act(row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        started.set()
        try:
            await asyncio.sleep(10)
        finally:
            ended.append(held)
        return RunResult(RunStatus.SUCCEEDED, Answer("stale", "x"), ())

    desk.perform.act = act
    run_id = await desk.ask()
    slow = desk.worker(lease_s=0.15)
    working = asyncio.create_task(slow.drain())
    await started.wait()
    desk.expire()
    other = desk.store.write_now(lambda c: claim_runs(c, owner="other", lease_s=15, limit=1))
    assert [row.id for row in other] == [run_id]
    await asyncio.wait_for(working, 5)
    assert len(ended) == 1
    view = await desk.runs.view(run_id)
    assert (view.status, view.answer) == (RunStatus.RUNNING, None)


async def test_a_living_worker_keeps_its_lease(desk: Desk) -> None:
    async def act(row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        for _ in range(12):
            await asyncio.sleep(0.1)
            assert not desk.store.write_now(lambda c: claim_runs(c, owner="thief", lease_s=15, limit=1))
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    run_id = await desk.ask()
    await desk.worker(lease_s=0.6).drain()
    assert (await desk.runs.view(run_id)).status is RunStatus.SUCCEEDED


async def test_a_cancellation_is_seen_within_a_second(desk: Desk) -> None:
    started = asyncio.Event()

    async def act(*_: object) -> RunResult:
        started.set()
        await asyncio.sleep(30)
        raise AssertionError

    desk.perform.act = act
    run_id = await desk.ask()
    worker = desk.worker(tick_s=0.25)
    working = asyncio.create_task(worker.drain())
    await started.wait()
    view = await desk.runs.cancel(ANA, run_id)
    assert view.cancelling
    await asyncio.wait_for(working, 1.0)
    assert (await desk.runs.view(run_id)).status is RunStatus.CANCELLED


async def test_stopping_hands_the_run_back_without_counting_the_attempt(desk: Desk) -> None:
    started, stop = asyncio.Event(), asyncio.Event()

    async def act(*_: object) -> RunResult:
        started.set()
        await asyncio.sleep(30)
        raise AssertionError

    desk.perform.act = act
    await desk.ask()
    working = asyncio.create_task(desk.worker(grace_s=0.05).run_until(stop))
    await started.wait()
    stop.set()
    await asyncio.wait_for(working, 3)
    assert desk.sql("SELECT status, attempts, owner FROM runs") == [("queued", 0, "")]
    desk.perform.act = None
    await desk.worker().drain()
    assert desk.sql("SELECT status, attempts FROM runs") == [("succeeded", 1)]


async def test_stopping_lets_a_run_finish_in_the_grace_time(desk: Desk) -> None:
    started, stop = asyncio.Event(), asyncio.Event()

    async def act(*_: object) -> RunResult:
        started.set()
        await asyncio.sleep(0.1)
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    await desk.ask()
    working = asyncio.create_task(desk.worker().run_until(stop))
    await started.wait()
    stop.set()
    await asyncio.wait_for(working, 3)
    assert desk.sql("SELECT status FROM runs") == [("succeeded",)]


async def test_a_run_that_keeps_crashing_its_worker_is_given_up(desk: Desk) -> None:
    run_id = await desk.ask()
    for _ in range(5):
        assert desk.store.write_now(lambda c: claim_runs(c, owner="dies", lease_s=15, limit=1))
        desk.expire()
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert view.failure is not None
    assert view.failure.kind == "RunKeptCrashing"
    assert desk.perform.performed == []


async def test_progress_is_shown(desk: Desk) -> None:
    async def act(row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        on_progress(Progress("find", "Reading the handbook", 1, 3))
        on_progress(Progress("answer", "Writing", 2, 3))
        while not (await desk.runs.view(row.id)).step_title:
            await asyncio.sleep(0.01)
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    run_id = await desk.ask()
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert (view.step_number, view.step_total, view.step_title) == (2, 3, "Writing")


async def test_two_workers_never_take_the_same_run(desk: Desk) -> None:
    other = Store(desk.store.url)
    twin = Desk(other, desk.perform)
    for n in range(40):
        await desk.ask(f"k{n}")
    await asyncio.gather(desk.worker(concurrency=3).drain(), twin.worker(concurrency=3).drain())
    taken = [held.run_id for held in desk.perform.performed]
    assert len(taken) == len(set(taken)) == 40
    other.close()


async def test_a_worker_outlives_a_database_that_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = await desk.ask()
    worker, stop = desk.worker(), asyncio.Event()
    write, failures = desk.store.write, [OSError("gone"), OSError("gone")]

    async def flaky(work: object, **how: bool) -> object:
        if failures:
            raise failures.pop()
        return await write(work, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.store, "write", flaky)
    working = asyncio.create_task(worker.run_until(stop))
    while (await desk.runs.view(run_id)).status is not RunStatus.SUCCEEDED:
        await asyncio.sleep(0.02)
    stop.set()
    await working


async def test_a_run_may_wait_without_a_worker_and_go_on(desk: Desk) -> None:
    results = [
        RunResult(RunStatus.WAITING, None, ()),
        RunResult(RunStatus.SUCCEEDED, Answer("yes", "answered"), ()),
    ]

    async def act(*_: object) -> RunResult:
        return results.pop(0)

    desk.perform.act = act
    run_id = await desk.ask()
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert (view.status, view.finished_at, view.answer) == (RunStatus.WAITING, None, None)
    assert desk.sql("SELECT owner, lease_until FROM runs") == [("", None)]
    assert await desk.worker()._claim() == 0
    assert desk.store.write_now(lambda c: queue_again(c, run_id))
    assert not desk.store.write_now(lambda c: queue_again(c, run_id)), "it waits no more"
    await desk.worker().drain()
    view = await desk.runs.view(run_id)
    assert (view.status, view.answer) == (RunStatus.SUCCEEDED, Answer("yes", "answered"))
    assert desk.sql("SELECT attempts FROM runs") == [(1,)]
    actions = desk.store.read_now(lambda c: [event.action for event in audit_log.read_events(c)])
    assert [actions.count(name) for name in ("run.paused", "run.finished")] == [1, 1]


async def test_a_waiting_run_can_be_cancelled(desk: Desk) -> None:
    async def act(*_: object) -> RunResult:
        return RunResult(RunStatus.WAITING, None, ())

    desk.perform.act = act
    run_id = await desk.ask()
    await desk.worker().drain()
    assert (await desk.runs.cancel(ANA, run_id)).status is RunStatus.CANCELLED


async def test_a_run_that_the_database_stopped_goes_on_with_its_attempts(desk: Desk) -> None:
    """As when the disk is full for longer than a run may be tried."""
    stopped = 7

    async def act(*_: object) -> RunResult:
        if len(desk.perform.performed) <= stopped:
            raise StoreDown("full")
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    run_id = await desk.ask()
    for _ in range(stopped):
        await desk.worker(rest_s=3600.0).drain()
        assert (await desk.runs.view(run_id)).status is RunStatus.QUEUED
        desk.sql("UPDATE runs SET due_at = '2020-01-01 00:00:00.000000'")
    await desk.worker().drain()
    assert (await desk.runs.view(run_id)).status is RunStatus.SUCCEEDED
    assert desk.sql("SELECT attempts FROM runs")[0].attempts == 1


@pytest.mark.parametrize("lease_s", [60.0, 0.05], ids=["in its lease", "after its lease"])
async def test_a_worker_that_stops_ends_while_the_database_is_away(
    desk: Desk, lease_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, stop, may_stop = desk.worker(lease_s=lease_s, grace_s=0.05), asyncio.Event(), asyncio.Event()
    stop_all = Worker._stop_all

    async def away(*_: object, **__: object) -> Any:
        raise StoreDown("unreachable")

    async def act(*_: object) -> RunResult:
        monkeypatch.setattr(desk.store, "write", away)
        if lease_s > 1:
            may_stop.set()
        raise StoreDown("unreachable")

    def noted(self: Worker, why: str) -> None:
        stop_all(self, why)
        if why == "lost":
            may_stop.set()

    monkeypatch.setattr(Worker, "_stop_all", noted)
    desk.perform.act = act
    await desk.ask()
    working = asyncio.create_task(worker.run_until(stop))
    await asyncio.wait_for(may_stop.wait(), 3)
    stop.set()
    await asyncio.wait_for(working, 3)
    monkeypatch.undo()
    desk.perform.act = None
    desk.expire()
    await desk.worker().drain()
    assert desk.sql("SELECT status FROM runs") == [("succeeded",)]


async def test_an_ending_that_cannot_be_recorded_is_not_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, refused = run_leases.finish_run, itertools.count()

    def full_at_first(*args: Any, **kwargs: Any) -> None:
        if next(refused) < 2:
            raise StoreDown("full")
        finish(*args, **kwargs)

    monkeypatch.setattr(run_leases, "finish_run", full_at_first)
    run_id = await desk.ask()
    for _ in range(3):
        desk.sql("UPDATE runs SET due_at = '2020-01-01 00:00:00.000000'")
        await desk.worker().drain()
    assert (await desk.runs.view(run_id)).status is RunStatus.SUCCEEDED
    assert desk.sql("SELECT attempts FROM runs")[0].attempts == 1


@pytest.mark.postgres
async def test_connections_that_the_server_ends_cost_no_run_and_no_attempt(postgres_url: str) -> None:
    """As when PostgreSQL restarts or fails over: every connection is gone, again and again."""
    store = Store(postgres_url)
    store.write_now(metadata.create_all)
    desk = await Desk(store).open()
    admin, turn = create_engine(store.engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool), Lock()
    gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "

    def end_all() -> None:
        with turn, admin.connect() as connection:
            connection.exec_driver_sql(f"{gone} pid <> pg_backend_pid()")

    async def act(*_: object) -> RunResult:
        await asyncio.to_thread(end_all)
        return RunResult(RunStatus.SUCCEEDED, None, ())

    desk.perform.act = act
    asked = []
    for number in range(5):
        await asyncio.to_thread(end_all)
        asked.append(await desk.ask(f"k{number}"))
    await desk.worker(concurrency=2).drain()
    assert [(await desk.runs.view(run_id)).status for run_id in asked] == [RunStatus.SUCCEEDED] * 5
    assert {row.attempts for row in desk.sql("SELECT attempts FROM runs")} == {1}
    await store.probe()
    store.close()
