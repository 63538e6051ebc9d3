"""A Slack and a model in the test's own process: they outlive the processes that are killed."""

import json
import threading
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FaultSlack:
    """Keeps every call; `/find` knows what `/post` stored."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __enter__(self) -> "FaultSlack":
        slack = self

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

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Take one call."""
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
