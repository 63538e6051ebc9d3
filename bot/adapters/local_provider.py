"""A provider on this machine that speaks OpenAI's protocol and can be out of order, for drills."""

from collections import Counter
from types import TracebackType

from aiohttp import web

REPLY = "The stand-in has answered."


class LocalProvider:
    """Answers `/<name>/v1/chat/completions` for any number of providers, each by its name in the path."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        """Providers that answer 503."""
        self.asked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._address = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "LocalProvider":
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_post("/{provider}/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self._address = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def base_url(self, provider: str) -> str:
        """To be used as `api_base`."""
        return f"{self._address}/{provider}/v1"

    async def _complete(self, request: web.Request) -> web.Response:
        provider, body = request.match_info["provider"], await request.json()
        self.asked[provider] += 1
        if provider in self.down:
            self.failed[provider] += 1
            return web.json_response({"error": {"message": "drill", "type": "server_error"}}, status=503)
        sent = sum(len(str(message["content"]).split()) for message in body["messages"])
        given = len(REPLY.split())
        choice = {"index": 0, "message": {"role": "assistant", "content": REPLY}, "finish_reason": "stop"}
        usage = {"prompt_tokens": sent, "completion_tokens": given, "total_tokens": sent + given}
        whole = {"id": "drill", "object": "chat.completion", "created": 1, "model": body["model"]}
        return web.json_response({**whole, "choices": [choice], "usage": usage})
