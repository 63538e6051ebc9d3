"""Signed HTTP: what is not a request of Slack's shape is turned away before anything reads it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.payloads import RETRY_NUM
from bot.slack.signatures import Signatures

log = structlog.get_logger(__name__)

PATH = "/slack/events"
LARGEST = 1024 * 1024
"""Bytes of a request body. Slack's are far smaller."""
READ_S = 10.0
"""Longest time that a body may take to arrive; Slack itself gives up after 3 s."""
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


def build_door(
    app: AsyncApp, signatures: Signatures, is_ready: Callable[[], bool] = lambda: True
) -> web.Application:
    """An aiohttp application with Slack's path and `/health` for whoever watches the process.

    Only what Slack signed reaches the app, which checks no signature itself.
    """

    async def slack(request: web.Request) -> web.StreamResponse:
        body, refused = await _read(request, signatures)
        if refused:
            # nothing that the sender chose goes into the log
            log.info("door.turned_away", status=refused, remote=request.remote)
            return web.Response(status=refused)
        # of what came, only the body is signed: nothing else may say how it is read, and the number of a
        # repetition no more than whether it is the last one
        headers: dict[str, str | Sequence[str]] = {"content-type": request.content_type}
        headers[RETRY_NUM] = request.headers.get(RETRY_NUM, "")[:1]
        return await to_aiohttp_response(
            await app.async_dispatch(AsyncBoltRequest(body=body.decode(errors="replace"), headers=headers))
        )

    async def health(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=200 if is_ready() else 503, text="ok" if is_ready() else "not ready")

    door = web.Application(client_max_size=LARGEST)
    door.router.add_post(PATH, slack)
    door.router.add_get("/health", health)
    return door


async def _read(request: web.Request, signatures: Signatures) -> tuple[bytes, int]:
    """The body, and the HTTP status to turn it away with; 0 to let it in."""
    headers = request.headers
    if request.content_type not in CONTENT_TYPES or "Content-Encoding" in headers:
        return b"", 415
    if request.content_length is not None and request.content_length > LARGEST:
        return b"", 413
    timestamp, signature = headers.get("X-Slack-Request-Timestamp"), headers.get("X-Slack-Signature")
    if not timestamp or not signature:
        return b"", 401
    try:
        async with asyncio.timeout(READ_S):
            body = await request.read()
    except TimeoutError:
        return b"", 408
    except web.HTTPRequestEntityTooLarge:
        # one that did not say how long it is
        return b"", 413
    return body, 0 if signatures.vouch_for(timestamp, signature, body) else 401


async def open_door(
    door: web.Application,
    port: int,
    host: str = "0.0.0.0",  # noqa: S104 - Slack comes from outside
    *,
    setting: str = "PORT",
) -> web.AppRunner:
    """Listen; end with the runner's `cleanup`. Raises PortTaken."""
    # a body is read as it was sent: the signature is over those bytes, and nothing small becomes large
    runner = web.AppRunner(door, access_log=None, auto_decompress=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise PortTaken(port, setting) from error
    return runner
