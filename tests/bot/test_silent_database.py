"""A PostgreSQL server that is there no more, or says nothing: how soon that is noticed."""

import os
import socket
from collections.abc import Iterator, Mapping

import pytest

from bot.adapters.queue.procrastinate_queue import ProcrastinateQueue
from bot.adapters.store.database import Connection, Store
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
