"""What a group of accepted requests writes together, and what its members know of each other."""

import asyncio
import threading

import pytest
from sqlalchemy import Connection, event, text

from bot.adapters.store.audit_log import verify
from bot.adapters.store.database import Store
from bot.adapters.store.moments import lease_clock
from bot.services.actors import Actor
from bot.services.runs import Accepted
from tests.bot.run_desk import ANA, BEN, Desk, request

STATEMENTS = 1
"""Of each further request of a group: whether it was taken before."""


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).open()


async def together(desk: Desk, *requests: object) -> list[Accepted]:
    """Accept several in one commit: the writer is held up until all are queued."""
    held, go = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        held.set()
        go.wait(10)

    first = asyncio.ensure_future(desk.store.write(hold))
    await asyncio.to_thread(held.wait, 10)
    waiting = [asyncio.ensure_future(desk.runs.accept(each)) for each in requests]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    go.set()
    await first
    return await asyncio.gather(*waiting)


async def test_a_group_is_written_in_one_statement_a_table(desk: Desk) -> None:
    for key in ("before", "then how fast the workers are is known for a second"):
        await desk.ask(key, actor=Actor("U0CARL"))
    seen: list[str] = []
    event.listen(desk.store.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    one = await together(desk, request("a"))
    alone, seen[:] = len(seen), []
    many = await together(desk, *(request(f"b{number}", Actor(f"U0B{number}")) for number in range(5)))
    assert len(seen) - alone == 4 * STATEMENTS
    for table in ("runs", "inbox", "outbox", "audit_events"):
        assert sum(f"INSERT INTO {table} " in each for each in seen) == 1
    assert len({each.run_id for each in (*one, *many)}) == 6
    assert desk.sql("SELECT count(*) FROM runs")[0][0] == 8
    assert desk.sql("SELECT count(*) FROM outbox")[0][0] == 8
    assert desk.store.read_now(verify).bad_seq is None


async def test_places_count_what_the_same_group_queued(desk: Desk) -> None:
    carl = Actor("U0CARL")
    found = await together(desk, request("a", ANA), request("b", BEN), request("a2", ANA), request("c", carl))
    assert [each.position for each in found] == [1, 2, 3, 3]


async def test_two_deliveries_in_one_group_are_one_run(desk: Desk) -> None:
    first, second, other = await together(desk, request("k"), request("k"), request("other"))
    assert (first.duplicate, second.duplicate, other.duplicate) == (False, True, False)
    assert first.run_id == second.run_id != other.run_id
    assert desk.sql("SELECT count(*) FROM inbox")[0][0] == 2


async def test_a_refused_member_takes_back_only_itself(desk: Desk) -> None:
    good = asyncio.ensure_future(together(desk, request("a"), request("b", BEN)))
    with pytest.raises(ValueError, match="question"):
        await together(desk, request("bad", question=""))
    assert [each.duplicate for each in await good] == [False, False]
    assert {row[0] for row in desk.sql("SELECT dedupe_key FROM inbox")} == {"a", "b"}


async def test_the_clock_of_leases_goes_on_within_a_transaction(store: Store) -> None:
    def look(connection: Connection) -> list[float]:
        first = lease_clock(connection)
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_sleep(0.05)"))
        else:
            threading.Event().wait(0.05)
        return [(lease_clock(connection) - first).total_seconds()]

    (passed,) = store.write_now(look)
    assert passed >= 0.05


async def test_a_look_after_the_server_cut_the_line_is_had_again(store: Store) -> None:
    assert await store.read(lambda c: c.execute(text("SELECT 1")).scalar_one()) == 1
    if not store.is_sqlite:
        gone = (
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        store.write_now(lambda c: c.execute(text(gone)).scalar_one())
    found = await asyncio.gather(
        *(store.read(lambda c: c.execute(text("SELECT 2")).scalar_one()) for _ in range(8))
    )
    assert found == [2] * 8


async def test_a_look_that_fails_leaves_the_next_one_alone(store: Store) -> None:
    def fail(_: Connection) -> None:
        raise LookupError

    for _ in range(5):
        with pytest.raises(LookupError):
            await store.read(fail)
    assert await store.read(lambda c: c.execute(text("SELECT 1")).scalar_one()) == 1
