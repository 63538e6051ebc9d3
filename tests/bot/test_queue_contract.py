"""One contract for both ways of delivering runs: the bell on SQLite, Procrastinate on PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from bot.adapters.queue.procrastinate_queue import ProcrastinateQueue, sweep_stalled
from bot.adapters.queue.wakeup import EmbeddedQueue, RunQueue
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.heartbeats_log import beat
from bot.adapters.store.migrate import migrate
from bot.adapters.store.run_leases import Held, claim_runs, finish_run
from bot.adapters.store.run_log import RunRow
from bot.adapters.store.run_turns import FREELY, Shares
from bot.services.actors import Actor
from tests.bot.run_desk import ANA, BEN, Desk, request
from workflows.ports import LostLease, Progress
from workflows.run import RunResult, RunStatus

DONE = RunResult(RunStatus.SUCCEEDED, None, ())
FAR_S = 30.0
"""Between two looks for work that nobody announced, in tests of what announces it."""


def queue_of(store: Store) -> RunQueue:
    return EmbeddedQueue() if store.is_sqlite else ProcrastinateQueue(store.url)


def heard_s(store: Store) -> float:
    """How often workers look by themselves where what other processes announce is heard, or not."""
    return 0.05 if store.is_sqlite else FAR_S


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store, queue=queue_of(store)).open()


@pytest.fixture
def elsewhere(second: Store) -> Desk:
    return Desk(second, queue=queue_of(second))


@contextlib.asynccontextmanager
async def working(desk: Desk, **pace: object) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(desk.worker(**pace).run_until(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def has_ended(desk: Desk, run_id: str, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while (await desk.runs.view(run_id)).status is not RunStatus.SUCCEEDED:
            await asyncio.sleep(0.005)


def claimed(store: Store, owner: str, most: int = 1, shares: Shares = FREELY) -> list[RunRow]:
    """Takes runs as a worker would; again while another worker is at it."""
    while True:
        rows = store.write_now(
            lambda c: claim_runs(c, owner=owner, lease_s=15, limit=most, shares=shares, slots=8)
        )
        if rows is not None:
            return list(rows)


# Delivery


async def test_an_accepted_run_is_delivered_here(desk: Desk) -> None:
    async with working(desk, look_s=FAR_S):
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


async def test_a_run_is_announced_in_the_transaction_that_queues_it(desk: Desk) -> None:
    run_id = await desk.ask()
    if not desk.store.is_sqlite:
        assert desk.sql("SELECT args->>'run_id' FROM procrastinate_jobs") == [(run_id,)]
    async with working(desk, look_s=FAR_S):
        await has_ended(desk, run_id)


async def test_what_is_taken_back_wakes_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        # the last thing that accepting does
        patched.setattr(desk.runs, "_record", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await desk.ask("refused")
    if not desk.store.is_sqlite:
        assert desk.sql("SELECT count(*) FROM procrastinate_jobs") == [(0,)]
    async with working(desk, look_s=FAR_S):
        kept = await desk.ask("kept")
        await has_ended(desk, kept)
    assert [held.run_id for held in desk.perform.performed] == [kept]


async def test_another_instance_carries_out_what_was_accepted_here(desk: Desk, elsewhere: Desk) -> None:
    async with working(elsewhere, look_s=heard_s(desk.store)):
        for number in range(3):
            await has_ended(desk, await desk.ask(f"k{number}"))
    assert len(elsewhere.perform.performed) == 3
    if not desk.store.is_sqlite:
        assert desk.sql("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'doing'") == [(0,)]


async def test_a_lost_announcement_heals(desk: Desk) -> None:
    run_id = await desk.ask()
    if not desk.store.is_sqlite:
        desk.sql("DELETE FROM procrastinate_jobs")
    # a worker that never heard of it, and looks by itself
    fresh = Desk(desk.store, queue=queue_of(desk.store))
    async with working(fresh, look_s=0.05):
        await has_ended(desk, run_id)


async def test_a_consumer_that_died_loses_nothing(desk: Desk) -> None:
    run_id = await desk.ask()
    if not desk.store.is_sqlite:
        # it fetched the job and never came back
        desk.sql("UPDATE procrastinate_jobs SET status = 'doing'")
    assert claimed(desk.store, "dead")
    desk.expire()
    async with working(desk):
        await has_ended(desk, run_id)


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


# Leases


async def test_a_run_whose_lease_ran_out_is_taken_over_and_its_first_holder_is_shut_out(
    desk: Desk, second: Store
) -> None:
    run_id = await desk.ask()
    (first,) = claimed(desk.store, "first")
    assert claimed(second, "second") == []
    desk.expire()
    (again,) = claimed(second, "second")
    assert (again.id, again.owner, again.fence) == (run_id, "second", first.fence + 1)

    def finish(row: RunRow) -> Callable[[Connection], None]:
        held = Held(row.id, row.fence, row.owner)
        return lambda c: finish_run(c, held, RunStatus.SUCCEEDED, at=desk.clock.now())

    with pytest.raises(LostLease):
        await desk.store.write(finish(first))
    await second.write(finish(again))
    assert (await desk.runs.view(run_id)).status is RunStatus.SUCCEEDED


async def test_what_was_taken_over_comes_before_what_waits(desk: Desk) -> None:
    old = await desk.ask("old")
    assert claimed(desk.store, "dead")
    await desk.ask("new", actor=BEN)
    desk.expire()
    assert [row.id for row in claimed(desk.store, "living")] == [old]


# Fairness


@pytest.mark.parametrize("slots", [1, 4])
async def test_a_thousand_commands_of_one_person_do_not_delay_the_others(desk: Desk, slots: int) -> None:
    others = [Actor(f"U0OTHER{number}") for number in range(10)]
    await asyncio.gather(*(desk.runs.accept(request(f"a{number}", ANA)) for number in range(1_000)))
    for person in others:
        await desk.runs.accept(request(person.id, person))
    began: list[str] = []
    all_others = asyncio.Event()

    async def act(row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        began.append(row.actor_id)
        await asyncio.sleep(0)
        if {person.id for person in others} <= set(began):
            all_others.set()
        return DONE

    desk.perform.act = act
    async with working(desk, concurrency=slots, shares=Shares(person=50), grace_s=0.0):
        async with asyncio.timeout(20):
            await all_others.wait()
    first = [person for person in dict.fromkeys(began) if person != ANA.id]
    assert first == [person.id for person in others], "in the order in which they asked"
    last = began.index(others[-1].id)
    assert began[:last].count(ANA.id) <= 1 + last // 2, began[:last]
    assert last <= 2 * len(others)


async def test_a_person_has_no_more_at_a_time_than_their_share(desk: Desk, second: Store) -> None:
    for number in range(12):
        await desk.ask(f"a{number}")
    half = Shares(person=50)
    assert len(claimed(desk.store, "one", most=8, shares=half)) == 4
    assert claimed(second, "two", most=8, shares=half) == []
    await desk.ask("b", actor=BEN)
    assert [row.actor_id for row in claimed(second, "two", most=8, shares=half)] == [BEN.id]
    # another worker is heard, so that half of them all is more
    for name in ("one", "two"):
        await desk.store.write(lambda c, name=name: beat(c, name, ("worker",), slots=8))
    assert len(claimed(second, "two", most=16, shares=half)) == 4


async def test_a_workflow_leaves_room_for_the_others(desk: Desk) -> None:
    for number in range(12):
        await desk.ask(f"slow{number}", actor=Actor(f"U0SLOW{number}"))
    last = await desk.ask("quick", actor=BEN)
    desk.sql("UPDATE runs SET workflow = 'draft-reply' WHERE id = :id", id=last)
    taken = claimed(desk.store, "one", most=8, shares=Shares(workflow=75))
    assert [row.workflow for row in taken] == ["ask-policy"] * 6 + ["draft-reply"]


async def test_bounds_hold_when_several_workers_claim_at_once(desk: Desk) -> None:
    for number in range(60):
        await desk.ask(f"k{number}", actor=(ANA, BEN)[number % 2])
    shares = Shares(person=50)
    workers = [Store(desk.store.url) for _ in range(4)]

    def work(number: int) -> list[RunRow]:
        return [row for _ in range(4) for row in claimed(workers[number], f"w{number}", 2, shares)]

    with ThreadPoolExecutor(4) as pool:
        taken = [row for rows in pool.map(work, range(4)) for row in rows]
    for store in workers:
        store.close()
    assert len({row.id for row in taken}) == len(taken)
    by_person = [sum(row.actor_id == person.id for row in taken) for person in (ANA, BEN)]
    assert by_person == [4, 4]
