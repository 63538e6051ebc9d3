"""The connection of this process to Slack itself: client, gateway, and who we are there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeVar

import structlog

from bot.adapters.observing import Observers
from bot.settings import Settings
from bot.slack.gateway import Gateway, SlackBusy, SlackUncertain, open_client, open_session
from bot.slack.identities import People
from bot.slack.line_probe import LineProbe
from workflows.ports import Clock

T = TypeVar("T")

log = structlog.get_logger(__name__)

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Before Slack is called again that could not be reached; the last one for good."""


class NoBotToken(Exception):
    """No token to speak to Slack with."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"setting": "SLACK_BOT_TOKEN"}


@dataclass(frozen=True, slots=True)
class Wire:
    """One workspace, reached with one token."""

    gateway: Gateway
    people: People
    probe: LineProbe
    workspace_url: str
    close: Callable[[], Awaitable[None]]
    """Hangs up."""


@dataclass(slots=True)
class Reach:
    """Whether Slack is reached, for those who look before it was for the first time as well."""

    probe: LineProbe | None = None

    async def look(self) -> str:
        """What is wrong; empty when nothing is."""
        return await self.probe.look() if self.probe is not None else "Slack was not reached yet"


async def open_wire(settings: Settings, clock: Clock, observers: Observers) -> Wire:
    """Connect and learn who we are. Raises NoBotToken, and slack_sdk's error when the token is refused."""
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        raise NoBotToken
    session = open_session()
    try:
        client = open_client(token, settings.slack_api_url, session)
        gateway = Gateway(client, clock, settings.link_domains, observers)
        myself = await gateway.call("auth_test")
    except BaseException:
        await session.close()
        raise
    people = People(gateway, clock, myself.get("team_id", ""), myself.get("user_id", ""))
    return Wire(gateway, people, LineProbe(gateway, clock), myself.get("url", ""), session.close)


async def once_reached(opening: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
    """What `opening` gives as soon as Slack is there; None when `stop` is set before."""
    ended = asyncio.create_task(stop.wait())
    try:
        pauses_s = chain(PAUSES_S, repeat(PAUSES_S[-1]))
        while not ended.done():
            try:
                return await _unless(ended, opening)
            except (SlackBusy, SlackUncertain) as error:
                again_s = max(next(pauses_s), getattr(error, "after_s", 0.0))
                log.warning("slack.not_reached", again_s=again_s, why=type(error.__cause__ or error).__name__)
            await asyncio.wait({ended}, timeout=again_s)
        return None
    finally:
        ended.cancel()


async def _unless(ended: "asyncio.Task[object]", opening: Callable[[], Awaitable[T]]) -> T | None:
    """What `opening` gives; None when it was given up because of `ended`."""
    attempt = asyncio.ensure_future(opening())
    try:
        await asyncio.wait({attempt, ended}, return_when=asyncio.FIRST_COMPLETED)
        return attempt.result() if attempt.done() else None
    finally:
        attempt.cancel()
