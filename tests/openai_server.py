"""A local OpenAI-compatible server with scripted replies and faults, for tests and benchmarks.

In a test: `async with OpenAIServer() as server:` and `server.base_url`. By itself, for benchmarks:
`python -m tests.openai_server --port 8901 --latency-ms 200`, which prints its base URL when it is ready.
"""

import argparse
import asyncio
import json
import re
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Reply:
    """One scripted answer; each field that is not at its default is a way to misbehave."""

    text: str = "Ready."
    status: int = 200
    code: str = ""
    """The error's `code`, e.g. `content_policy_violation`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_s: float = 0.0
    between_s: float = 0.0
    """Before every piece of a stream."""
    pieces: tuple[str, ...] = ()
    """Of a stream, where they are not the words of `text`."""
    drop_after: int | None = None
    """Close the connection after this many pieces of a stream."""
    body: str | None = None
    """Sent as HTML instead of JSON."""
    has_choices: bool = True
    has_usage: bool = True
    finish_reason: str | None = "stop"
    """None for a stream that just ends, and for a whole reply that does not say."""
    has_done: bool = False
    """Whether a stream without a finish reason still says that it is done."""
    cached_share: float = 0.0
    """Of the input, what was in the provider's cache."""


def rejection(status: int, code: str = "", **headers: str) -> Reply:
    """An error status; header names with `_` for `-`."""
    return Reply(status=status, code=code, headers={k.replace("_", "-"): v for k, v in headers.items()})


_MESSAGES = {"context_length_exceeded": "This model's maximum context length is 8192 tokens."}
"""litellm recognises some refusals by their words alone."""

HANG = Reply(latency_s=3600)
GARBAGE = Reply(body="<html><body>502 Bad Gateway</body></html>")
NO_CHOICES = Reply(has_choices=False)
EMPTY = Reply(text="")


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def model(self) -> str:
        """Which model was asked for."""
        return str(self.body["model"])

    @property
    def prompt(self) -> str:
        """All messages' contents."""
        return "\n".join(m["content"] for m in self.body["messages"])


@dataclass(frozen=True)
class Bill:
    """What the server counted for one request, as a provider's own statement would list it."""

    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


def sensible(body: dict[str, Any]) -> Reply:
    """What a well-behaved model would say: JSON for a schema, else a cited sentence."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return Reply(json.dumps(_example(wanted["json_schema"]["schema"])))
    if wanted.get("type") == "json_object":
        return Reply("{}")
    return Reply("Up to five days may be carried over [1].")


class OpenAIServer:
    """Answers /v1/chat/completions from `script` first, then by `respond`; keeps every call in `history`."""

    def __init__(
        self, *, respond: Callable[[dict[str, Any]], Reply] = sensible, latency_s: float = 0.0, port: int = 0
    ) -> None:
        self.script: deque[Reply] = deque()
        self.history: list[Call] = []
        self.bills: list[Bill] = []
        """One for each request whose count went out."""
        self.respond = respond
        self.latency_s = latency_s
        self.keeps_history = True
        self.abandoned = asyncio.Event()
        """Set once somebody closed the connection before the reply was whole."""
        self._port = port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "OpenAIServer":
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_post("/v1/chat/completions", self._completions)
        app.router.add_post("/api/chat", self._ollama_chat)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """To be used as `api_base`."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._completed(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.abandoned.set()
            raise

    async def _completed(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if self.keeps_history:
            self.history.append(Call(body, dict(request.headers)))
        reply = self.script.popleft() if self.script else self.respond(body)
        await asyncio.sleep(self.latency_s + reply.latency_s)
        if reply.status != 200:
            message = _MESSAGES.get(reply.code, "scripted error")
            error = {"message": message, "type": "invalid_request_error", "code": reply.code or None}
            return web.json_response({"error": error}, status=reply.status, headers=reply.headers)
        if reply.body is not None:
            return web.Response(text=reply.body, content_type="text/html")
        if body.get("stream"):
            response, is_whole = await _stream(request, body, reply)
        else:
            response, is_whole = web.json_response(_completion(body, reply), headers=reply.headers), True
        if is_whole and reply.has_usage:
            self._bill(body, reply)
        return response

    def _bill(self, body: dict[str, Any], reply: Reply) -> None:
        if self.keeps_history:
            usage = _usage(body, reply)
            cached = usage["prompt_tokens_details"]["cached_tokens"] if reply.cached_share else 0
            self.bills.append(Bill(body["model"], usage["prompt_tokens"], usage["completion_tokens"], cached))

    async def _ollama_chat(self, request: web.Request) -> web.StreamResponse:
        """The same reply in Ollama's own protocol: JSON lines."""
        body = await request.json()
        self.history.append(Call(body, dict(request.headers)))
        reply = self.script.popleft() if self.script else self.respond({"messages": body["messages"]})
        last = {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 9}
        pieces = re.findall(r"\s*\S+\s*", reply.text) if body.get("stream") else [reply.text]
        lines = [
            {"model": body["model"], "message": {"role": "assistant", "content": piece}, "done": False}
            for piece in pieces
        ]
        lines[-1] |= last
        text = "\n".join(map(json.dumps, lines))
        return web.Response(text=text, content_type="application/x-ndjson")


def _completion(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    whole = {"id": "chatcmpl-local", "object": "chat.completion", "created": 1, "model": body["model"]}
    whole["choices"] = [choice] if reply.has_choices else []
    return whole | ({"usage": _usage(body, reply)} if reply.has_usage else {})


async def _stream(
    request: web.Request, body: dict[str, Any], reply: Reply
) -> tuple[web.StreamResponse, bool]:
    """The response, and whether it went out whole."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    pieces = (reply.pieces or re.findall(r"\s*\S+\s*", reply.text)) if reply.has_choices else []
    for number, piece in enumerate(pieces):
        if number == reply.drop_after:
            assert request.transport is not None
            request.transport.close()
            return response, False
        await asyncio.sleep(reply.between_s)
        await _send(response, body, [{"index": 0, "delta": {"role": "assistant", "content": piece}}])
    if reply.finish_reason is None and not reply.has_done:
        return response, False
    if reply.has_choices and reply.finish_reason is not None:
        await _send(response, body, [{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}])
    if reply.has_usage and (body.get("stream_options") or {}).get("include_usage"):
        await _send(response, body, [], usage=_usage(body, reply))
    await response.write(b"data: [DONE]\n\n")
    return response, True


async def _send(response: web.StreamResponse, body: dict[str, Any], choices: list[Any], **more: Any) -> None:
    chunk = {"id": "chatcmpl-local", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    for choice in choices:
        choice.setdefault("finish_reason", None)
    await response.write(f"data: {json.dumps({**chunk, 'choices': choices, **more})}\n\n".encode())


def _usage(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    sent = sum(len(str(m["content"]).split()) for m in body["messages"])
    given = len(reply.text.split())
    usage: dict[str, Any] = {
        "prompt_tokens": sent,
        "completion_tokens": given,
        "total_tokens": sent + given,
    }
    if reply.cached_share:
        usage["prompt_tokens_details"] = {"cached_tokens": int(sent * reply.cached_share)}
    return usage


def _example(schema: Mapping[str, Any]) -> Any:
    """The plainest value that satisfies a schema."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if schema.get(union):
            return _example(schema[union][0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: _example(part) for name, part in schema.get("properties", {}).items()}
    plain = {"array": [], "string": "text", "integer": 1, "number": 0.9, "boolean": True, "null": None}
    return plain[kind]


async def _serve(port: int, latency_ms: float) -> None:
    text = "The policy allows up to five days to be carried over until the end of March [1]."
    server = OpenAIServer(respond=lambda body: Reply(text), latency_s=latency_ms / 1000, port=port)
    server.keeps_history = False
    async with server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.latency_ms))
