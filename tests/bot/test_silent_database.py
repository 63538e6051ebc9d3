"""A PostgreSQL server that is there no more, or says nothing: how soon that is noticed."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import entrance
from bot.adapters.queue.procrastinate_queue import ProcrastinateQueue
from bot.adapters.store import database, group_commit
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.store_down import StoreDown
from bot.entrance import ending_in_time
from tests.relay import Relay

pytestmark = pytest.mark.postgres


@pytest.fixture
def relay(filled_postgres_url: str) -> Iterator[Relay]:
    with Relay(filled_postgres_url) as relay:
        yield relay


def unheard_s(handle: int) -> float:
    """After how long the system gives up a connection whose packets nobody acknowledges."""
    with socket.socket(fileno=os.dup(handle)) as line:
        return line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1000


def is_soon_given_up(given: Mapping[str, str], handle: int) -> None:
    assert unheard_s(handle) == 10, "the system's own limit is a quarter of an hour"
    assert given["connect_timeout"] == "5"
    assert [given[f"keepalives_{name}"] for name in ("idle", "interval", "count")] == ["30", "10", "3"]


def test_the_store_gives_up_a_host_that_vanished(relay: Relay) -> None:
    def look(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        is_soon_given_up(driver.info.get_parameters(), driver.fileno())

    store = Store(relay.url)
    store.read_now(look)
    store.write_now(look)
    store.close()


async def test_the_queue_gives_up_a_host_that_vanished(relay: Relay) -> None:
    async with ProcrastinateQueue(relay.url)._app().open_async() as app:
        async with app.connector.pool.connection() as connection:
            is_soon_given_up(connection.info.get_parameters(), connection.fileno())
        async with app.connector._get_standalone_connection() as connection:
            is_soon_given_up(connection.info.get_parameters(), connection.fileno())


async def heard(queue: ProcrastinateQueue, store: Store) -> None:
    """Wait until jobs are fetched."""
    async with asyncio.timeout(30):
        await store.write(lambda c: queue.announce(c, "r_1"))
        await queue.wait(30)


@pytest.mark.parametrize("trouble", ["go_away", "fall_silent"])
def test_who_stops_listening_does_not_wait_for_a_server_that_is_away(
    relay: Relay, filled_postgres_url: str, trouble: str
) -> None:
    store, queue, left = Store(filled_postgres_url), ProcrastinateQueue(relay.url), threading.Event()

    async def listen() -> None:
        async with queue.listening():
            await heard(queue, store)
            getattr(relay, trouble)()
            left.set()

    listening = threading.Thread(target=asyncio.run, args=(listen(),), daemon=True)
    listening.start()
    assert left.wait(30)
    listening.join(10)
    assert not listening.is_alive()
    store.close()


def test_who_stops_listening_before_a_silent_server_took_it_up_ends_as_well(relay: Relay) -> None:
    """A pool that is still connecting takes its own cancellation for a failed attempt, and tries again."""
    relay.fall_silent()

    async def listen() -> None:
        async with ProcrastinateQueue(relay.url).listening():
            while not relay.is_taken:
                await asyncio.sleep(0.01)

    listening = threading.Thread(target=asyncio.run, args=(listen(),), daemon=True)
    listening.start()
    listening.join(20)
    assert not listening.is_alive()


def ask(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT 1")


def test_a_server_that_takes_a_connection_and_says_nothing_is_out_of_reach(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    # libpq knows no shorter time
    monkeypatch.setitem(database.POSTGRES, "connect_timeout", 2)
    relay.fall_silent()
    store = Store(relay.url)
    with pytest.raises(StoreDown) as caught:
        store.read_now(ask)
    assert caught.value.why == "unreachable"
    store.close()


async def test_who_hangs_up_hears_that_the_database_is_out_of_reach(relay: Relay) -> None:
    store = Store(relay.url)
    await asyncio.gather(store.read(ask), store.write(ask))
    relay.fall_silent()
    waiting = asyncio.gather(
        *(store.read(ask) for _ in range(8)), *(store.write(ask) for _ in range(8)), return_exceptions=True
    )
    await asyncio.sleep(0)
    store.hang_up()
    async with asyncio.timeout(20):
        assert {str(error) for error in await waiting} == {str(StoreDown("unreachable"))}
    for late in (store.read, store.write):
        with pytest.raises(StoreDown):
            await late(ask)
    store.close()


async def test_no_connection_is_opened_once_all_were_hung_up(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.POSTGRES, "connect_timeout", 120)
    store = Store(relay.url)
    relay.fall_silent()
    store.hang_up()
    async with asyncio.timeout(20):
        with pytest.raises(StoreDown):
            await asyncio.to_thread(store.read_now, ask)
    store.close()


async def test_a_process_that_stops_hangs_up_in_time(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "END_S", 0.0)
    store, stop = Store(relay.url), asyncio.Event()
    await store.write(ask)
    relay.fall_silent()
    async with asyncio.timeout(20), ending_in_time(stop, store.hang_up):
        waiting = asyncio.ensure_future(store.write(ask))
        stop.set()
        with pytest.raises(StoreDown):
            await waiting
    store.close()


def test_closing_hangs_up_on_a_server_that_says_nothing(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE_S", 0.1)
    store = Store(relay.url)
    store.write_now(ask)
    relay.fall_silent()
    waiting = store.submit(ask)
    with capture_logs() as lines:
        store.close()
    assert isinstance(waiting.exception(0), StoreDown)
    assert ("store.hung_up", 1) in [(line["event"], line["writes"]) for line in lines]


def test_closing_leaves_a_write_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "CLOSE_S", 0.1)
    store, began, ends = Store(f"sqlite:///{tmp_path}/spanwise.db"), threading.Event(), threading.Event()

    def hang(_: Connection) -> None:
        began.set()
        ends.wait(30)

    store.submit(hang)
    assert began.wait(10)
    with capture_logs() as lines:
        store.close()
    assert [(line["event"], line["log_level"]) for line in lines] == [("store.writes_left", "error")]
    ends.set()
