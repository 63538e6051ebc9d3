"""A Chroma server that takes connections and keeps silent: it is given up in time, and answers go on."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from knowledge import chroma_client
from knowledge.index import IndexUnreachable, VectorIndex

IDENTITY = {"user_id": "", "tenant": "default_tenant", "databases": ["default_database"]}
ID = "6b1f2a3c-0000-4000-8000-000000000000"
DATABASE = {"id": ID, "name": "default_database", "tenant": "default_tenant"}
COLLECTION = {
    "id": ID,
    "name": "people.x",
    "configuration_json": {},
    "metadata": {"model_id": "m", "dimension": 2, "installation": ""},
    "dimension": 2,
    "tenant": "default_tenant",
    "database": "default_database",
    "log_position": 0,
    "version": 0,
}


class Server:
    """As much of Chroma's as a client asks for before it searches; what follows is never answered."""

    def __init__(self) -> None:
        self.is_silent = False
        self.done = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(IDENTITY if self.path.endswith("identity") else DATABASE)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.endswith("/collections"):
                    self._say(COLLECTION)
                else:
                    server.done.wait()

            def _say(self, found: object) -> None:
                if server.is_silent:
                    server.done.wait()
                body = json.dumps(found).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.done.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(chroma_client, "KNOCK_S", 0.3)
    monkeypatch.setattr(chroma_client, "REPLY_S", 0.3)
    made = Server()
    yield made
    made.close()


def index_of(url: str) -> VectorIndex:
    return VectorIndex(url, model_id="m", dimension=2)


def given_up(index: VectorIndex) -> str:
    """Why a search ended without an answer."""
    with pytest.raises(IndexUnreachable) as caught:
        index.search("people", np.zeros(2, dtype=np.float32), 2)
    return caught.value.facts["reason"]


def test_one_that_never_says_a_word(server: Server) -> None:
    server.is_silent = True
    assert given_up(index_of(server.url)) == "TimeoutError"
    with pytest.raises(IndexUnreachable):
        index_of(server.url).ping()


def test_one_that_falls_silent_in_the_middle_of_a_search(server: Server) -> None:
    index = index_of(server.url)
    index.ping()
    assert given_up(index) == "ReadTimeout"


def test_one_that_falls_silent_later(server: Server) -> None:
    index = index_of(server.url)
    index.ping()
    server.is_silent = True
    with pytest.raises(IndexUnreachable):
        index.ping()


def test_one_whose_queue_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """It listens and takes nobody in."""
    monkeypatch.setattr(chroma_client, "KNOCK_S", 0.3)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        assert given_up(index_of(f"http://127.0.0.1:{listener.getsockname()[1]}")) == "TimeoutError"
