"""Hanging up on a PostgreSQL server that says nothing: whoever waits for it would wait for ever."""

import contextlib
import os
import socket
import threading
import weakref
from typing import Any


class OpenConnections:
    """The connections of this process that are open, from whichever thread."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._changing = threading.Lock()

    def note(self, connection: Any, _record: object = None) -> None:
        """Know one more connection of psycopg."""
        with self._changing:
            self._open.add(connection)

    def hang_up(self) -> None:
        """Break all of them: who waits for one hears that it is lost."""
        with self._changing:
            found = tuple(self._open)
        for connection in found:
            # one that is closed has no socket
            with contextlib.suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as sock:
                sock.shutdown(socket.SHUT_RDWR)
