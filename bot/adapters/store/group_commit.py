"""One thread that writes: whatever is queued together shares a commit."""

import asyncio
import contextlib
import contextvars
import itertools
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from bot.adapters.store.late_rows import write_late
from bot.adapters.store.store_down import StoreDown, down_of

log = structlog.get_logger(__name__)

GROUP_LIMIT = 64
"""Most writes that share one commit."""

LINGER_S = 0.02
"""Longest time that writes nobody waits for lie in wait of company."""

TRIES = 4
"""Times a write is run when it collides with another process or the connection is lost."""

BUSY_S = 30.0
"""Longest time that a write waits for another process's."""

CLOSE_S = 15.0
"""Longest time that closing waits for what is being written."""

LOOK_S = 0.001
"""Between two looks whether it is over."""

PAUSES_S = (0.1, 0.4, 1.0)
"""Before a group is tried again that found no connection: a server that restarts is back in seconds."""

KEPT_LOOK_S, MOST_KEPT = 1.0, 10_000
"""How often writes that nobody waits for are tried while the database is away, and how many are kept."""

COLLISIONS = frozenset({"40001", "40P01", "23505"})
"""PostgreSQL's codes for a serialisation failure, a deadlock, and a key that another process just took."""


@dataclass(slots=True)
class Write:
    """A queued piece of work and who waits for it: a coroutine of `loop`, a thread, or nobody."""

    work: Callable[[Connection], Any]
    waiting: "asyncio.Future[Any] | Future[Any] | None" = None
    loop: asyncio.AbstractEventLoop | None = None
    relaxed: bool = False
    result: Any = None
    error: BaseException | None = None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    """Of whoever asked: under which correlation id it is written and logged."""

    @property
    def is_wanted(self) -> bool:
        """False when whoever asked gave up before its turn, and so wants nothing written."""
        return self.waiting is None or not self.waiting.cancelled()

    @property
    def may_be_kept(self) -> bool:
        """Whether it failed with nobody to tell, for a reason that passes."""
        return self.waiting is None and isinstance(self.error, StoreDown)

    def settle(self) -> None:
        """Tell whoever waits, if they still do."""
        if self.waiting is None:
            if self.error is not None:
                log.error("store.left_write_failed", exc_info=self.error)
        elif self.waiting.done():
            return
        elif self.error is not None:
            self.waiting.set_exception(self.error)
        else:
            self.waiting.set_result(self.result)


class Withdrawn(Exception):
    """Whoever asked for one of these writes gave up while it was made."""


@contextlib.contextmanager
def begin(connection: Connection, *, writing: bool) -> Iterator[Connection]:
    """A transaction; on SQLite one that writes takes its lock at once.

    With IMMEDIATE on readers as well, a second open read would deadlock itself. SQLite is told through the
    driver: a listener for "begin" would cost every statement a search for more listeners.
    """
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        if writing:
            once_free(driver, "BEGIN IMMEDIATE")
        else:
            driver.execute("BEGIN")
    with connection.begin():
        yield connection
        write_late(connection)


def once_free(driver: Any, statement: str) -> None:
    """Execute it once no other process has the lock; raises as SQLite would after `BUSY_S`.

    SQLite sleeps ever longer meanwhile, up to 0.1 s: the lock would lie idle where several processes write.
    For a change of the journal's mode it does not wait at all where another connection makes the same.
    """
    driver.execute("PRAGMA busy_timeout=0")
    try:
        until = time.monotonic() + BUSY_S
        while True:
            try:
                driver.execute(statement)
                return
            except sqlite3.OperationalError as error:
                # the low byte: what is busy, such as recovery, stands in the others
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(LOOK_S)
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_S * 1000:.0f}")


class GroupCommit:
    """Commits queued writes in groups, on a connection that stays open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._is_relaxed: bool | None = None
        """How the connection commits; None when that is not known."""
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closing = threading.Event()
        self._kept: list[Write] = []
        """Writes that nobody waits for and the database did not take: they come before all others."""
        self._numbers = itertools.count(1)
        self._asked = self._answered = 0
        self.has_given_up = False
        """Whether nothing is tried any more."""
        self.full_at = float("-inf")
        """When a write last found no room, on the monotonic clock."""

    def put(self, write: Write) -> None:
        """Queue one write."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._closing.clear()
                    self._thread = threading.Thread(target=self._run, name="store-write", daemon=True)
                    self._thread.start()
        self._asked = next(self._numbers)
        self._queue.put(write)

    def close(self) -> None:
        """Finish what is queued; a database that is away is tried again without a pause."""
        if self._thread is not None:
            self._closing.set()
            self._queue.put(None)
            self._thread.join(CLOSE_S)
            if self._thread.is_alive():
                log.error("store.writes_left", writes=self.waiting)
            self._thread = None

    @property
    def waiting(self) -> int:
        """How many writes are queued or being made."""
        return self._asked - self._answered

    def give_up(self) -> None:
        """Try nothing any more: whatever is queued, or comes, hears that the database is out of reach."""
        self.has_given_up = True
        self._closing.set()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            group, is_last = self._gather()
            wanted = [*self._kept, *(write for write in group if write.is_wanted)]
            if wanted:
                self._commit(wanted)
                for write in wanted:
                    self._note(write)
                _settle(wanted if is_last else self._keep(wanted))
            self._answered += len(group)
        self._let_go()

    def _keep(self, group: list[Write]) -> list[Write]:
        """Keep for later what may be kept; gives the others."""
        self._kept = [write for write in group if write.may_be_kept][:MOST_KEPT]
        kept = {id(write) for write in self._kept}
        for write in self._kept:
            write.error = None
        return [write for write in group if id(write) not in kept]

    def _note(self, write: Write) -> None:
        """Have an error say what is wrong with the database, and remember that it was full."""
        down = down_of(write.error) if write.error is not None else None
        if down is not None and down is not write.error:
            down.__cause__ = write.error
            write.error = down
        if down is not None and down.why == "full":
            self.full_at = time.monotonic()

    def _gather(self) -> tuple[list[Write], bool]:
        """The next writes to commit together, and whether they are the last."""
        group: list[Write] = []
        until, wait_s = 0.0, KEPT_LOOK_S if self._kept else None
        with contextlib.suppress(queue.Empty):
            while len(group) < GROUP_LIMIT:
                write = self._queue.get(timeout=wait_s)
                if write is None:
                    return group, True
                group.append(write)
                if write.waiting is not None or wait_s == 0.0:
                    wait_s = 0.0
                else:
                    until = until or time.monotonic() + LINGER_S
                    wait_s = max(0.0, until - time.monotonic())
        return group, False

    def _commit(self, group: list[Write]) -> None:
        for pause_s in (*PAUSES_S, None):
            try:
                self._transact(group, relaxed=all(write.relaxed for write in group))
                return
            except BaseException as error:
                if pause_s is not None and _is_lost(error) and not self.has_given_up:
                    self._closing.wait(pause_s)
                    continue
                if _is_of_one(error, len(group)):
                    break
                for write in group:
                    write.error = error
                return
        for write in group:
            self._commit_alone(write)

    def _commit_alone(self, write: Write) -> None:
        for attempt in range(1, TRIES + 1):
            if not write.is_wanted:
                return
            try:
                self._transact([write], relaxed=False)
                return
            except BaseException as error:
                if attempt == TRIES or not _may_pass(error):
                    write.error = error
                    return

    def _transact(self, group: list[Write], *, relaxed: bool) -> None:
        if self.has_given_up:
            raise StoreDown("unreachable")
        try:
            with self._begin(relaxed) as connection:
                for write in group:
                    write.result = write.context.run(write.work, connection)
                # the lock may have been waited for longer than whoever asked could
                if not all(write.is_wanted for write in group):
                    raise Withdrawn
        except BaseException:
            # whatever state it is in, the next one is a fresh one
            self._let_go()
            raise

    @contextlib.contextmanager
    def _begin(self, relaxed: bool) -> Iterator[Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
        connection, is_changed = self._connection, relaxed != self._is_relaxed
        is_sqlite = connection.dialect.name == "sqlite"
        if is_changed and is_sqlite:
            # only takes effect outside a transaction
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA synchronous={'NORMAL' if relaxed else 'FULL'}")
        with begin(connection, writing=True):
            if is_changed and not is_sqlite:
                connection.exec_driver_sql(f"SET synchronous_commit TO {'off' if relaxed else 'on'}")
            self._is_relaxed = relaxed
            yield connection

    def _let_go(self) -> None:
        connection, self._connection, self._is_relaxed = self._connection, None, None
        if connection is not None:
            # one that is broken may fail to say goodbye
            with contextlib.suppress(Exception):
                connection.close()


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


def _is_lost(error: BaseException) -> bool:
    down = down_of(error)
    return down is not None and down.why == "unreachable"


def _is_of_one(error: BaseException, writes: int) -> bool:
    """Whether some of a group may succeed where all together did not; alone, whether the same one may."""
    if writes == 1:
        return _may_pass(error) and not _is_lost(error)
    down = down_of(error)
    # behind a lock that another process holds, each alone would only wait as long again
    return down is None or down.why == "full"


def _may_pass(error: BaseException) -> bool:
    """Whether the same write may succeed: another process was merely quicker, or the connection was lost."""
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", "") in COLLISIONS
