"""The database as two verbs: read, and write with group commit. SQLite (WAL) or PostgreSQL by URL."""

import asyncio
import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from bot.adapters.store.group_commit import BUSY_S, GroupCommit, Write, begin, once_free
from bot.adapters.store.open_connections import OpenConnections
from bot.adapters.store.open_readers import OpenReaders
from bot.adapters.store.store_down import StoreDown, down_of
from bot.adapters.store.store_probe import try_folder, try_out

__all__ = ["POSTGRES", "Connection", "Store", "begin", "driver_url", "open_engine"]

T = TypeVar("T")

log = structlog.get_logger(__name__)

PROBE_S = 1.5
"""Longest time that a trial write waits for its turn."""
PATIENCE_S = 5.0
"""Longest time that closing waits for a server that says nothing."""
FULL_S = 20.0
"""How long a write that found no room is remembered: the next one, of another size, may find some."""
POSTGRES = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How long a connection waits, in seconds and then milliseconds: a host that vanishes says no goodbye, and
what was sent to it would otherwise be sent again for a quarter of an hour."""


class InvalidDatabaseUrl(Exception):
    """An address that leads to no database; it may hold a password, and is no fact."""


def open_engine(url: str) -> Engine:
    """Make an engine. SQLite gets WAL, and begins no transaction of its own: `begin` does.

    Raises InvalidDatabaseUrl.
    """
    try:
        return _made_engine(make_url(url))
    except (ArgumentError, ValueError) as error:
        raise InvalidDatabaseUrl from error


def _made_engine(parsed: URL) -> Engine:
    if parsed.get_backend_name() != "sqlite":
        driver = parsed.set(drivername="postgresql+psycopg")
        return create_engine(driver, pool_size=8, max_overflow=8, pool_pre_ping=True, connect_args=POSTGRES)
    engine = create_engine(parsed, connect_args={"check_same_thread": False, "timeout": BUSY_S})
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def driver_url(url: str) -> str:
    """The URL of a PostgreSQL database as its own tools take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    once_free(connection, "PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


class Store:
    """Runs functions of a Connection in transactions, off the event loop.

    Writes are queued to one thread and committed in groups, and every caller hears back only after the
    commit. When one of a group raises, the group is taken back and each is run again alone, so that it takes
    back only itself: a write must touch nothing but its connection.
    """

    def __init__(self, url: str, *, readers: int = 4) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = open_engine(url)
        self._connections = OpenConnections()
        if not self.is_sqlite:
            event.listen(self.engine, "connect", self._opened)
            event.listen(self.engine, "do_connect", self._refuse_late)
        self._writer = GroupCommit(self.engine)
        self._readers = ThreadPoolExecutor(max_workers=readers, thread_name_prefix="store-read")
        # what PostgreSQL reads is otherwise of one moment only within a statement
        self._reading = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ")
        )
        self._open_readers = OpenReaders(self._reading)

    async def write(self, work: Callable[[Connection], T], *, relaxed: bool = False) -> T:
        """Run `work` in a transaction and return once it is durable; an exception takes back its effects.

        Raises StoreDown when the database is full, locked, read-only, out of reach or damaged. Cancelling
        takes a write back that is not being committed yet.

        A relaxed write survives the death of the process; a power cut or a crash of PostgreSQL may lose it
        and all that came after, unless a write that is not relaxed did. For what is then merely done again:
        a journaled step.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[T] = loop.create_future()
        self._writer.put(Write(work, waiting, loop, relaxed))
        return await waiting

    def leave(self, work: Callable[[Connection], object]) -> None:
        """Queue a write that nobody waits for: it is committed with the next one, or after 20 ms.

        Nothing that is written later is durable before it, and a database that is away is tried again. For
        what a killed process may lose because all that follows from it is lost as well.
        """
        self._writer.put(Write(work, relaxed=True))

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """As `write`, for code outside an event loop."""
        return self.submit(work).result()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent snapshot. Raises StoreDown."""
        look = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._readers, look, self._look, work)

    def _look(self, work: Callable[[Connection], T]) -> T:
        with _telling():
            if self.has_hung_up:
                raise StoreDown("unreachable")
            try:
                return self._open_readers.read(work)
            except DBAPIError as error:
                if not error.connection_invalidated or self.has_hung_up:
                    raise
            # the server went away since the last look, and a look may be had again
            return self._open_readers.read(work)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """As `read`, for code outside an event loop."""
        with _telling(), self._reading.connect() as connection, begin(connection, writing=False):
            return work(connection)

    async def probe(self) -> None:
        """Write for a moment and take it back, on the way that all writes go. Raises StoreDown."""
        if self.is_sqlite:
            folder = Path(make_url(self.url).database or ".").parent
            await asyncio.get_running_loop().run_in_executor(self._readers, try_folder, folder)
        try:
            async with asyncio.timeout(PROBE_S):
                await self.write(try_out, relaxed=True)
        except TimeoutError:
            raise StoreDown("locked") from None
        if time.monotonic() - self._writer.full_at < FULL_S:
            raise StoreDown("full")

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a write; the future resolves after the commit."""
        waiting: Future[T] = Future()
        self._writer.put(Write(work, waiting))
        return waiting

    def hang_up(self) -> None:
        """Stop waiting for a PostgreSQL server that says nothing: who does, or asks later, hears that."""
        if not self.is_sqlite:
            log.warning("store.hung_up", writes=self._writer.waiting)
            self._writer.give_up()
            self._connections.hang_up()

    @property
    def has_hung_up(self) -> bool:
        """Whether nothing is tried any more."""
        return self._writer.has_given_up

    def _opened(self, connection: Any, _record: object) -> None:
        self._connections.note(connection)
        if self.has_hung_up:
            # it was being opened meanwhile
            self._connections.hang_up()

    def _refuse_late(self, *_attempt: object) -> None:
        """Open no connection any more once all were hung up, from whichever thread."""
        if self.has_hung_up:
            raise StoreDown("unreachable")

    def close(self) -> None:
        """Finish queued writes, then let go of every connection; what takes too long is left."""
        too_long = threading.Timer(PATIENCE_S, self.hang_up)
        too_long.daemon = True
        too_long.start()
        self._writer.close()
        self._readers.shutdown()
        self._open_readers.close()
        self.engine.dispose()
        too_long.cancel()


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        down = down_of(error)
        if down is None or down is error:
            raise
        raise down from error
