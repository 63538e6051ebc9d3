"""Signed HTTP: what is not a request of Slack's shape is turned away before anything reads it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

PATH = "/slack/events"
LARGEST = 1024 * 1024
"""Bytes of a request body. Slack's are far smaller."""
TEXT = "text/plain; charset=utf-8"
CONTENT_TYPES = frozenset({"application/json", "application/x-www-form-urlencoded"})


class PortTaken(Exception):
    """The port cannot be opened: somebody has it, or this user may not; fact `setting` is where it is set."""

    def __init__(self, port: int, setting: str) -> None:
        super().__init__(port)
        self.facts = {"port": str(port), "setting": setting}


@dataclass(frozen=True, slots=True)
class Page:
    """What a probe is answered."""

    body: str
    status: int = 200
    content_type: str = TEXT


def build_pages(pages: Mapping[str, Callable[[], Awaitable[Page]]]) -> web.Application:
    """An aiohttp application that answers GET and HEAD of these paths, and nothing else."""

    def answering(make: Callable[[], Awaitable[Page]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_request: web.Request) -> web.Response:
            page = await make()
            headers = {"Content-Type": page.content_type, "Cache-Control": "no-store"}
            return web.Response(body=page.body.encode(), status=page.status, headers=headers)

        return answer

    door = web.Application(client_max_size=1024)
    for path, make in pages.items():
        door.router.add_get(path, answering(make))
    return door


def build_door(app: AsyncApp, is_ready: Callable[[], bool] = lambda: True) -> web.Application:
    """An aiohttp application with Slack's path and `/health` for whoever watches the process."""

    async def slack(request: web.Request) -> web.StreamResponse:
        refused = _refusal(request)
        if refused:
            return web.Response(status=refused)
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    async def health(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=200 if is_ready() else 503, text="ok" if is_ready() else "not ready")

    door = web.Application(client_max_size=LARGEST)
    door.router.add_post(PATH, slack)
    door.router.add_get("/health", health)
    return door


def _refusal(request: web.Request) -> int:
    """The HTTP status to turn a request away with; 0 to let it in. The signature is checked after."""
    if request.content_type not in CONTENT_TYPES:
        return 415
    if request.content_length is not None and request.content_length > LARGEST:
        return 413
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    # bolt raises on a timestamp that is not a number, and answers 500
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12 and signature):
        return 401
    return 0


async def open_door(
    door: web.Application,
    port: int,
    host: str = "0.0.0.0",  # noqa: S104 - Slack comes from outside
    *,
    setting: str = "PORT",
) -> web.AppRunner:
    """Listen; end with the runner's `cleanup`. Raises PortTaken."""
    runner = web.AppRunner(door, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise PortTaken(port, setting) from error
    return runner
