"""One contract for both ways of delivering runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from bot.adapters.queue.procrastinate_queue import ProcrastinateQueue, sweep_stalled
from bot.adapters.queue.wakeup import EmbeddedQueue, RunQueue
from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate
from bot.adapters.store.run_leases import claim_runs
from tests.bot.run_desk import Desk
from workflows.run import RunStatus


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    migrate(database_url)
    store = Store(database_url)
    yield store
    store.close()


def queue_of(store: Store) -> RunQueue:
    return EmbeddedQueue() if store.is_sqlite else ProcrastinateQueue(store.url)


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store, queue=queue_of(store)).open()


@contextlib.asynccontextmanager
async def working(desk: Desk, **pace: float) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(desk.worker(**pace).run_until(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def has_ended(desk: Desk, run_id: str, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while (await desk.runs.view(run_id)).status is not RunStatus.SUCCEEDED:
            await asyncio.sleep(0.005)


async def test_an_accepted_run_is_delivered_here(desk: Desk) -> None:
    async with working(desk, look_s=30.0):
        await has_ended(desk, await desk.ask())


async def test_wake_ups_that_come_twice_or_for_nothing_change_nothing(desk: Desk) -> None:
    async with working(desk):
        run_id = await desk.ask()
        for _ in range(3):
            await desk.store.write(lambda c: desk.queue.announce(c, run_id))
            await desk.store.write(lambda c: desk.queue.announce(c, "r_unknown"))
            desk.queue.ring()
        await has_ended(desk, run_id)
    assert [held.run_id for held in desk.perform.performed] == [run_id]


async def test_what_is_taken_back_wakes_nobody(desk: Desk) -> None:
    def act(connection: object) -> None:
        desk.queue.announce(connection, "r_never")  # type: ignore[arg-type]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await desk.store.write(act)
    if not desk.store.is_sqlite:
        assert desk.sql("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


async def test_a_consumer_that_died_loses_nothing(desk: Desk) -> None:
    run_id = await desk.ask()
    if not desk.store.is_sqlite:
        # it fetched the job and never came back
        desk.sql("UPDATE procrastinate_jobs SET status = 'doing'")
    assert desk.store.write_now(lambda c: claim_runs(c, owner="dead", lease_s=15, limit=1))
    desk.expire()
    async with working(desk):
        await has_ended(desk, run_id)


@pytest.mark.postgres
async def test_the_worker_of_another_process_wakes_at_once(postgres_url: str) -> None:
    migrate(postgres_url)
    here, there = Store(postgres_url), Store(postgres_url)
    asking = await Desk(here, queue=ProcrastinateQueue(postgres_url)).open()
    other = Desk(there, queue=ProcrastinateQueue(postgres_url))
    loop, waits = asyncio.get_running_loop(), []
    async with working(other, look_s=30.0):
        await has_ended(other, await asking.ask("first"), 20.0)
        for number in range(5):
            began = loop.time()
            await has_ended(other, await asking.ask(f"k{number}"))
            waits.append(loop.time() - began)
        async with asyncio.timeout(10):
            while here.read_now(lambda c: c.execute(text("SELECT id FROM procrastinate_jobs")).all()):
                await asyncio.sleep(0.01)
    assert sorted(waits)[2] < 0.2, waits
    here.close()
    there.close()


@pytest.mark.postgres
async def test_jobs_of_dead_workers_are_swept(postgres_url: str) -> None:
    migrate(postgres_url)
    store, queue = Store(postgres_url), ProcrastinateQueue(postgres_url)
    for name in ("r_stalled", "r_waiting"):
        await store.write(lambda c, name=name: queue.announce(c, name))
    await store.write(
        lambda c: c.execute(
            text("UPDATE procrastinate_jobs SET status = 'doing' WHERE args->>'run_id' = 'r_stalled'")
        )
    )
    async with queue._app().open_async() as app:
        assert await sweep_stalled(app) == 1
        assert await sweep_stalled(app) == 0
    left = store.read_now(lambda c: c.execute(text("SELECT args->>'run_id' FROM procrastinate_jobs")).all())
    assert [row[0] for row in left] == ["r_waiting"]
    store.close()
