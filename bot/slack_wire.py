"""The connection of this process to Slack itself: client, gateway, and who we are there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.adapters.observing import Observers
from bot.settings import Settings
from bot.slack.gateway import Gateway, open_client, open_session
from bot.slack.identities import People
from bot.slack.line_probe import LineProbe
from workflows.ports import Clock


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
