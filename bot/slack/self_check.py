"""What Slack says of our tokens: for the doctor."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.gateway import open_client

UNREACHABLE = (aiohttp.ClientError, SlackClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Wire:
    """Who Slack says we are and what we may do."""

    error: str = ""
    """Slack's word for why the bot token is no good, or `unreachable`."""
    bot: str = ""
    team: str = ""
    scopes: tuple[str, ...] = ()
    time: datetime | None = None
    has_socket: bool = False
    socket_error: str = ""


async def look_at_slack(bot_token: str, app_token: str, base_url: str = "") -> Wire:
    """Ask who we are, with which scopes, and whether Socket Mode is open to us."""
    client = open_client(bot_token, base_url)
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        return Wire(error=str(error.response.get("error", "refused")))
    except UNREACHABLE:
        return Wire(error="unreachable")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    scopes = headers.get("x-oauth-scopes", "")
    socket_error = await _socket_error(client, app_token) if app_token else "no app token"
    return Wire(
        bot=answer.get("user", ""),
        team=answer.get("team", ""),
        scopes=tuple(scope.strip() for scope in scopes.split(",") if scope.strip()),
        time=parsedate_to_datetime(headers["date"]) if headers.get("date") else None,
        has_socket=not socket_error,
        socket_error=socket_error,
    )


async def closed_channels(bot_token: str, channels: Iterable[str], base_url: str = "") -> dict[str, str]:
    """Channels that we cannot post to, each with Slack's word for why."""
    client = open_client(bot_token, base_url)
    closed = {}
    for channel in channels:
        try:
            found = (await client.conversations_info(channel=channel)).get("channel") or {}
            why = "" if found.get("is_member") else "not_in_channel"
        except SlackApiError as error:
            why = str(error.response.get("error", "refused"))
        except UNREACHABLE:
            why = "unreachable"
        if why:
            closed[channel] = why
    return closed


async def _socket_error(client: AsyncWebClient, app_token: str) -> str:
    try:
        await client.apps_connections_open(app_token=app_token)
    except SlackApiError as error:
        return str(error.response.get("error", "refused"))
    except UNREACHABLE:
        return "unreachable"
    return ""
