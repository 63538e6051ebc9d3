"""The database as two verbs: read, and write with group commit. SQLite (WAL) or PostgreSQL by URL."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

__all__ = ["Connection", "Store", "open_engine"]

T = TypeVar("T")
Work = Callable[[Connection], Any]

GROUP_LIMIT = 64
"""Most writes that share one commit."""

TRIES = 4
"""Times a write is run when it collides with another process."""

COLLISIONS = frozenset({"40001", "40P01", "23505"})
"""PostgreSQL's codes for a serialisation failure, a deadlock, and a key that another process just took."""


def open_engine(url: str, *, writer: bool) -> Engine:
    """Make the engine for one role; SQLite gets WAL, and IMMEDIATE transactions for the writer only.

    With IMMEDIATE on readers as well, a second open read would deadlock itself.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        driver = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(driver, pool_size=8, max_overflow=8, pool_pre_ping=True)
        event.listen(engine, "begin", _begin_on_postgres)
        return engine
    engine = create_engine(parsed, connect_args={"check_same_thread": False, "timeout": 30})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_writing if writer else _begin_reading)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    # only takes effect outside a transaction
    connection.exec_driver_sql(f"PRAGMA synchronous={'NORMAL' if _is_relaxed(connection) else 'FULL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_on_postgres(connection: Connection) -> None:
    if _is_relaxed(connection):
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")


def _is_relaxed(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("relaxed"))


@dataclass(slots=True)
class Write:
    """A queued piece of work and who waits for it: a coroutine of `loop`, or a thread when there is none."""

    work: Work
    waiting: "asyncio.Future[Any] | Future[Any]"
    loop: asyncio.AbstractEventLoop | None = None
    relaxed: bool = False
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Tell whoever waits, if they still do."""
        if self.waiting.done():
            return
        if self.error is not None:
            self.waiting.set_exception(self.error)
        else:
            self.waiting.set_result(self.result)


class Store:
    """Runs functions of a Connection in transactions, off the event loop.

    Writes are queued to one thread and committed in groups, and every caller hears back only after the
    commit. When one of a group raises, the group is taken back and each is run again alone, so that it takes
    back only itself: a write must touch nothing but its connection.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.writer = open_engine(url, writer=True)
        self._relaxed_writer = self.writer.execution_options(relaxed=True)
        self.reader = open_engine(url, writer=False)
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="store-read")
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    async def write(self, work: Callable[[Connection], T], *, relaxed: bool = False) -> T:
        """Run `work` in a transaction and return once it is durable; an exception takes back its effects.

        A relaxed write survives the death of the process; a power cut may lose it and all that came after,
        unless a write that is not relaxed did. For what is then merely done again: a journaled step.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[T] = loop.create_future()
        self._put(Write(work, waiting, loop, relaxed))
        return await waiting

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """As `write`, for code outside an event loop."""
        return self.submit(work).result()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """As `read`, for code outside an event loop."""
        with self.reader.connect() as connection:
            return work(connection)

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a write; the future resolves after the commit."""
        waiting: Future[T] = Future()
        self._put(Write(work, waiting))
        return waiting

    def close(self) -> None:
        """Finish queued writes, then let go of every connection."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        self._readers.shutdown()
        self.writer.dispose()
        self.reader.dispose()

    def _put(self, write: Write) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._write_loop, name="store-write", daemon=True)
                    self._thread.start()
        self._queue.put(write)

    def _write_loop(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, ending = [first], False
            with contextlib.suppress(queue.Empty):
                while len(group) < GROUP_LIMIT:
                    item = self._queue.get_nowait()
                    if item is None:
                        ending = True
                        break
                    group.append(item)
            # a caller that gave up before its turn wants nothing written
            wanted = [write for write in group if not write.waiting.cancelled()]
            self._commit_group(wanted)
            _settle(wanted)
            if ending:
                return

    def _commit_group(self, group: list[Write]) -> None:
        relaxed = all(write.relaxed for write in group)
        try:
            with (self._relaxed_writer if relaxed else self.writer).begin() as connection:
                for write in group:
                    write.result = write.work(connection)
        except BaseException as error:
            if len(group) == 1 and not _collided(error):
                group[0].error = error
                return
            for write in group:
                self._commit_alone(write)

    def _commit_alone(self, write: Write) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                with self.writer.begin() as connection:
                    write.result = write.work(connection)
                    return
            except BaseException as error:
                if attempt == TRIES or not _collided(error):
                    write.error = error
                    return


def _settle(group: list[Write]) -> None:
    """Wake each event loop once, however many of its coroutines wait: a wake-up costs more than a row."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Write]] = {}
    for write in group:
        by_loop.setdefault(write.loop, []).append(write)
    for loop, writes in by_loop.items():
        if loop is None:
            _settle_all(writes)
        else:
            # a loop that was closed meanwhile has nobody left to tell
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle_all, writes)


def _settle_all(writes: list[Write]) -> None:
    for write in writes:
        write.settle()


def _collided(error: BaseException) -> bool:
    """Whether running the write again may succeed because another process was merely quicker."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in COLLISIONS
