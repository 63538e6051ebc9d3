"""A Slack and a model in the test's own process: they outlive the processes that are killed."""

import json
import threading
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_S = 60.0
"""For what a busy machine may take; beyond it a test has failed."""


@dataclass
class FaultSlack:
    """Keeps every call; `/find` knows what `/post` stored."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    storing: threading.Event = field(default_factory=threading.Event)
    """Set once a new message came."""
    may_store: threading.Event = field(default_factory=threading.Event)
    """Cleared while new messages are held up on their way to the store."""
    _taken: int = 0
    _done: int = 0
    """Connections; both are counted up only."""
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> "FaultSlack":
        slack = self
        self.may_store.set()

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def process_request(self, request: Any, client_address: Any) -> None:
                slack._taken += 1
                super().process_request(request, client_address)

            def shutdown_request(self, request: Any) -> None:
                super().shutdown_request(request)
                with slack._changed:
                    slack._done += 1
                    slack._changed.notify_all()

            def handle_error(self, *_: Any) -> None:
                return  # the caller was killed before it had its answer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if not raw:
                    return  # the caller was killed before it had said anything
                body = json.loads(raw)
                reply = json.dumps(slack.answer(self.path.strip("/"), body)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settle(self) -> None:
        """Wait until all that was sent before, by processes that are dead now too, is done."""
        # connections are taken in the order in which they come
        tell(self.url, "find", id="")
        with self._changed:
            assert self._changed.wait_for(lambda: self._done >= self._taken, timeout=LONGEST_S)

    def answer(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Take one call."""
        if method == "post":
            self.storing.set()
            assert self.may_store.wait(LONGEST_S)
        posted = {found["id"] for found in self.of("post")}
        self.calls.append((method, body))
        return {"ok": True, "found": body.get("id") in posted}

    def of(self, method: str) -> list[dict[str, Any]]:
        """Every call of one method, in order."""
        return [body for name, body in self.calls if name == method]


def tell(url: str, method: str, **body: Any) -> dict[str, Any]:
    """One call, from a process that may be about to die."""
    request = urllib.request.Request(f"{url}/{method}", json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=5) as reply:
        return dict(json.load(reply))
