"""The way in of Slack's requests, by socket or signed HTTP, and how a process hears that it shall stop."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import structlog

from bot.settings import Settings
from bot.slack.app import build_app, socket_open
from bot.slack.line_probe import LineProbe
from bot.slack.reception import Reception
from workflows.ports import Clock

log = structlog.get_logger(__name__)

SWITCH_S = 0.0005
"""Longest time that one thread keeps the interpreter while another wants it.

Python's 5 ms would be waited for after each statement of an acknowledgement, wherever a thread computes.
"""

END_S = 12.0
"""Longest time that a process that stops waits for its database; runs have the first 10 s of it."""


class NoWayIn(Exception):
    """Neither an app token for Socket Mode nor a signing secret for HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"settings": "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"}


async def take_requests(
    settings: Settings,
    reception: Reception,
    probe: LineProbe,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Take requests until `stop` is set, then finish those in hand. Raises NoWayIn, PortTaken."""
    with switching_often():
        app = build_app(reception)
        if settings.uses_socket_mode:
            async with socket_open(app, settings.slack_app_token.get_secret_value()) as is_connected:
                probe.is_connected = is_connected
                await stop.wait()
        elif settings.signing_secrets:
            # neither is needed where a socket is used
            from bot.slack.http_door import build_door, open_door
            from bot.slack.signatures import Signatures

            door = build_door(app, Signatures(settings.signing_secrets, lambda: clock.now().timestamp()))
            runner = await open_door(door, settings.port)
            log.info("listening", port=settings.port, path="/slack/events")
            try:
                await stop.wait()
            finally:
                await runner.cleanup()
        else:
            raise NoWayIn
        await reception.settle()


@contextlib.contextmanager
def switching_often() -> Iterator[None]:
    """Have threads give way to each other soon, while inside."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.asynccontextmanager
async def ending_in_time(stop: asyncio.Event, hang_up: Callable[[], None]) -> AsyncIterator[None]:
    """While inside: have who waits for the database go on without it `END_S` after `stop` was set."""

    async def watch() -> None:
        await stop.wait()
        await asyncio.sleep(END_S)
        hang_up()

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()


@contextlib.asynccontextmanager
async def stopping_on_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; the first is heard, a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def heard() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, heard)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
