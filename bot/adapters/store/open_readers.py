"""A connection for each thread that reads, which stays open: opening one for each look costs round trips."""

import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine

from bot.adapters.store.group_commit import begin

T = TypeVar("T")


class OpenReaders:
    """Reads on the connection of the calling thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: dict[int, Connection] = {}

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent snapshot; whatever fails, the next look has a fresh connection."""
        thread = threading.get_ident()
        connection = self._open.get(thread)
        if connection is None:
            connection = self._open[thread] = self._engine.connect()
        try:
            with begin(connection, writing=False):
                return work(connection)
        except BaseException:
            self._let_go(thread)
            raise

    def _let_go(self, thread: int) -> None:
        # one that is broken may fail to say goodbye
        with contextlib.suppress(Exception):
            self._open.pop(thread).close()

    def close(self) -> None:
        """Let go of all, once nobody reads any more."""
        for thread in tuple(self._open):
            self._let_go(thread)
