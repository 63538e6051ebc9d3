"""Which channels the app may write to and read, and how Slack says that it may not."""

from typing import Literal

from bot.workspace.method_table import kind_scope
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal, need
from bot.workspace.site import Site
from bot.workspace.town_records import Channel, Message


def writable(site: Site, args: Json) -> Channel:
    """The channel to post in; a user id opens the direct messages with that person."""
    target = need(args, "channel")
    if target.startswith(("U", "W")):
        return direct_with(site, target)
    channel = known(site, target)
    if channel.is_archived:
        raise Refusal("is_archived")
    if site.bot_user_id in channel.members:
        return channel
    if "chat:write.public" not in site.installation.scopes:
        raise Refusal("not_in_channel")
    return channel


def direct_with(site: Site, person: str) -> Channel:
    """The app's direct messages with a person."""
    user = site.town.users.get(person)
    if user is None:
        raise Refusal("channel_not_found")
    if user.is_deactivated:
        raise Refusal("user_disabled")
    if user.is_bot:
        raise Refusal("cannot_dm_bot")
    return site.town.direct(person, site.bot_user_id)


def known(site: Site, target: str) -> Channel:
    """The channel with an id or name; private ones without the app in them do not exist for it."""
    channel = site.town.channel_named(target)
    if channel is None or (channel.is_private and site.bot_user_id not in channel.members):
        raise Refusal("channel_not_found")
    return channel


def readable(site: Site, args: Json, verb: Literal["history", "read"]) -> Channel:
    """The channel to read; what is said in it only for members."""
    channel = known(site, need(args, "channel"))
    demand(site, kind_scope(channel.kind, verb))
    if verb == "history" and site.bot_user_id not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def demand(site: Site, *scopes: str) -> None:
    """Refuse with missing_scope unless one of the scopes is granted."""
    granted = site.installation.scopes
    if scopes and not any(scope in granted for scope in scopes):
        raise Refusal("missing_scope", needed=scopes[0], provided=",".join(granted))


def message_in(site: Site, args: Json, *, name: str = "ts") -> Message:
    """The message at `channel` and a timestamp; ephemeral ones cannot be found."""
    channel = known(site, need(args, "channel"))
    message = site.town.find(channel.id, need(args, name))
    if message is None:
        raise Refusal("message_not_found")
    return message
