"""A PostgreSQL server over TCP that can fall silent or go away, in front of the tests' own."""

import contextlib
import socket
import threading
from types import TracebackType

from sqlalchemy.engine import make_url


class Relay:
    """Passes bytes on in both directions, for `with`."""

    def __init__(self, url: str) -> None:
        self._behind = make_url(url)
        self._speaking = threading.Event()
        self._speaking.set()
        self._away = False
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_away()
        self._listening.close()

    @property
    def is_taken(self) -> bool:
        """Whether anybody has connected."""
        return bool(self._open)

    @property
    def url(self) -> str:
        """Of the same database, by way of this."""
        here = self._behind.set(host="127.0.0.1", port=self._listening.getsockname()[1], query={})
        return here.render_as_string(hide_password=False)

    def fall_silent(self) -> None:
        """Take connections and what is sent, and answer nothing."""
        self._speaking.clear()

    def go_away(self) -> None:
        """Break every connection, and each new one."""
        self._away = True
        self._speaking.set()
        for each in self._open:
            _hang_up(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                front, _ = self._listening.accept()
                self._open.append(front)
                if self._away:
                    _hang_up(front)
                    continue
                back = socket.socket(socket.AF_UNIX)
                back.connect(f"{self._behind.query['host']}/.s.PGSQL.{self._behind.port or 5432}")
                self._open.append(back)
                for pair in ((front, back), (back, front)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._speaking.wait()
                target.sendall(data)
        for each in (source, target):
            _hang_up(each)


def _hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
