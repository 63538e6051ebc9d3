import asyncio
import contextlib
import threading
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, event, func, insert, select

from bot.adapters.store import group_commit
from bot.adapters.store.database import Store, begin, open_engine
from bot.adapters.store.group_commit import GroupCommit
from bot.adapters.store.store_down import StoreDown
from tests.ports import free_port

numbers = Table("numbers", MetaData(), Column("n", Integer, primary_key=True))
HOW_MANY = select(func.count()).select_from(numbers)


def put(connection: Connection, n: int) -> int:
    connection.execute(insert(numbers), {"n": n})
    return n


@pytest.fixture
def counting(database_url: str) -> Store:
    store = Store(database_url)
    store.write_now(numbers.metadata.create_all)
    return store


def count(store: Store) -> int:
    return store.read_now(lambda connection: connection.execute(HOW_MANY).scalar_one())


@pytest.mark.parametrize("is_now", [False, True])
async def test_a_look_sees_one_moment(counting: Store, is_now: bool) -> None:
    def look(connection: Connection) -> tuple[int, int]:
        before = connection.execute(HOW_MANY).scalar_one()
        counting.write_now(lambda c: put(c, 1))
        return before, connection.execute(HOW_MANY).scalar_one()

    found = await asyncio.to_thread(counting.read_now, look) if is_now else await counting.read(look)
    assert found == (0, 0)
    assert count(counting) == 1
    counting.close()


async def test_one_that_raises_takes_back_only_itself(counting: Store) -> None:
    def bad(connection: Connection) -> None:
        put(connection, 1000)
        raise ValueError("no")

    hold = threading.Event()
    counting.submit(lambda _: hold.wait(5))  # so that the rest share a group
    writes = [counting.write(lambda c, n=n: put(c, n)) for n in range(20)]
    writes.insert(7, counting.write(bad))
    tasks = [asyncio.ensure_future(write) for write in writes]
    await asyncio.sleep(0)
    hold.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results.pop(7), ValueError)
    assert results == list(range(20))
    assert count(counting) == 20
    counting.close()


async def test_a_cancelled_write_is_not_made(counting: Store) -> None:
    hold = threading.Event()
    counting.submit(lambda _: hold.wait(5))
    task = asyncio.ensure_future(counting.write(lambda c: put(c, 1)))
    await asyncio.sleep(0)
    task.cancel()
    hold.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    counting.close()
    reopened = Store(counting.url)
    assert count(reopened) == 0
    reopened.close()


def test_closing_finishes_what_was_queued(counting: Store) -> None:
    futures = [counting.submit(lambda c, n=n: put(c, n)) for n in range(300)]
    counting.close()
    assert [future.result(0) for future in futures] == list(range(300))


def test_a_lock_held_elsewhere_is_waited_for(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/x.db")
    store.write_now(numbers.metadata.create_all)
    other = open_engine(store.url)
    with other.connect() as connection, begin(connection, writing=True):
        future = store.submit(lambda c: put(c, 1))
        with pytest.raises(TimeoutError):
            future.result(0.3)
    assert future.result(5) == 1
    store.close()


@pytest.mark.postgres
def test_a_deadlock_is_run_again(postgres_url: str) -> None:
    one, two = Store(postgres_url), Store(postgres_url)
    one.write_now(numbers.metadata.create_all)
    for n in (1, 2):
        one.write_now(lambda c, n=n: put(c, n))
    met = threading.Barrier(2)

    def touch(first: int, second: int):
        tries = []

        def act(connection: Connection) -> int:
            tries.append(1)
            connection.execute(select(numbers).where(numbers.c.n == first).with_for_update())
            if len(tries) == 1:
                met.wait(5)
            connection.execute(select(numbers).where(numbers.c.n == second).with_for_update())
            return len(tries)

        return act

    futures = [one.submit(touch(1, 2)), two.submit(touch(2, 1))]
    tries = sorted(future.result(30) for future in futures)
    # the one that was run again may be quicker and make a victim of the other
    assert tries[1] > 1
    one.close()
    two.close()


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/full.db")
    store.write_now(numbers.metadata.create_all)
    store.write_now(lambda c: c.exec_driver_sql("CREATE TABLE blobs (b TEXT)"))
    store.write_now(lambda c: c.exec_driver_sql("PRAGMA max_page_count=8"))
    kept = 0
    for n in range(20):
        try:
            store.write_now(
                lambda c, n=n: (put(c, n), c.exec_driver_sql("INSERT INTO blobs VALUES (zeroblob(4000))"))
            )
            kept += 1
        except Exception as error:
            assert "full" in str(error)
    assert 0 < kept < 20
    assert count(store) == kept
    store.write_now(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1000000"))
    store.write_now(lambda c: put(c, 999))
    assert store.read_now(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
    store.close()


async def test_only_groups_of_relaxed_writes_are_relaxed(counting: Store) -> None:
    question = "PRAGMA synchronous" if counting.is_sqlite else "SHOW synchronous_commit"
    full, relaxed = (2, 1) if counting.is_sqlite else ("on", "off")

    def ask(connection: Connection) -> object:
        return connection.exec_driver_sql(question).scalar()

    assert await counting.write(ask, relaxed=True) == relaxed
    assert await counting.write(ask) == full
    hold = threading.Event()
    counting.submit(lambda _: hold.wait(5))
    both = asyncio.gather(counting.write(ask, relaxed=True), counting.write(ask))
    await asyncio.sleep(0)
    hold.set()
    assert await both == [full, full]
    counting.close()


async def test_what_is_left_is_committed_before_what_is_written_after(counting: Store) -> None:
    counting.leave(lambda c: put(c, 1))
    counting.leave(lambda c: put(c, 1))  # fails, and takes nothing else back
    counting.leave(lambda c: put(c, 2))
    assert await counting.write(lambda c: put(c, 3)) == 3
    assert count(counting) == 3
    counting.close()


def test_what_is_left_while_the_database_is_away_comes_first_when_it_is_back(
    counting: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "PAUSES_S", ())
    away, tried, begin = threading.Event(), threading.Semaphore(0), GroupCommit._begin

    def refused(self: GroupCommit, relaxed: bool) -> contextlib.AbstractContextManager[Connection]:
        tried.release()
        if away.is_set():
            raise StoreDown("unreachable")
        return begin(self, relaxed)

    monkeypatch.setattr(GroupCommit, "_begin", refused)
    away.set()
    counting.leave(lambda c: put(c, 1))
    assert tried.acquire(timeout=5)
    with pytest.raises(StoreDown):
        counting.write_now(lambda c: put(c, 2))
    away.clear()
    seen = counting.write_now(lambda c: c.execute(select(numbers.c.n)).scalars().all())
    assert seen == [1], "it stands there before what is written after"
    counting.close()


def test_what_is_left_is_committed_without_company(counting: Store) -> None:
    done = threading.Event()

    def act(connection: Connection) -> None:
        put(connection, 1)
        done.set()

    counting.leave(act)
    assert done.wait(5)
    counting.close()
    reopened = Store(counting.url)
    assert count(reopened) == 1
    reopened.close()


@pytest.mark.postgres
def test_a_server_that_hung_up_is_called_again(postgres_url: str) -> None:
    store, other = Store(postgres_url), Store(postgres_url)
    store.write_now(numbers.metadata.create_all)
    pid = store.write_now(lambda c: c.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    other.write_now(lambda c: c.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)"))
    assert store.write_now(lambda c: put(c, 1)) == 1
    store.close()
    other.close()


def test_who_closes_does_not_wait_for_a_server_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PAUSES_S", (600.0,))
    store, failed = Store(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none"), threading.Event()

    @event.listens_for(store.engine, "do_connect")
    def note(*_: object) -> None:
        failed.set()

    waiting = store.submit(lambda c: put(c, 1))
    assert failed.wait(20)
    store.close()
    with pytest.raises(StoreDown):
        waiting.result(0)
