"""conversations.*, reactions.add: what the app may know of channels and what was said in them."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from bot.workspace.channel_access import direct_with, message_in, readable
from bot.workspace.method_table import kind_scope
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal, need
from bot.workspace.site import Site
from bot.workspace.town_records import Channel, Message

T = TypeVar("T")
KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im"}


def info(site: Site, args: Json) -> Json:
    """conversations.info."""
    channel = readable(site, args, "read")
    return {"ok": True, "channel": channel.as_slack(seen_by=site.bot_user_id)}


def listing(site: Site, args: Json) -> Json:
    """conversations.list: of the kinds asked for, those whose scope is granted."""
    wanted = str(args.get("types") or "public_channel").split(",")
    kinds = [KINDS[kind] for kind in wanted if kind in KINDS]
    found = [one for one in site.town.channels.values() if one.kind in kinds and _may_list(site, one)]
    page, more = paged(found, args)
    return {"ok": True, "channels": [one.as_slack(seen_by=site.bot_user_id) for one in page]} | more


def members(site: Site, args: Json) -> Json:
    """conversations.members."""
    page, more = paged(readable(site, args, "read").members, args)
    return {"ok": True, "members": list(page)} | more


def open_direct(site: Site, args: Json) -> Json:
    """conversations.open with one person."""
    channel = direct_with(site, need(args, "users"))
    return {"ok": True, "channel": {"id": channel.id, **(channel.as_slack(seen_by=site.bot_user_id))}}


def history(site: Site, args: Json) -> Json:
    """conversations.history: newest first, without replies that stay in their thread."""
    channel = readable(site, args, "history")
    said = [one for one in site.town.messages(channel.id) if not one.is_reply or one.is_broadcast]
    page, more = paged(list(reversed(_between(said, args))), args)
    return {"ok": True, "messages": _as_slack(site, page, args), "has_more": bool(more)} | more


def replies(site: Site, args: Json) -> Json:
    """conversations.replies: the root, then its replies, oldest first."""
    channel = readable(site, args, "history")
    message = site.town.find(channel.id, need(args, "ts"))
    if message is None:
        raise Refusal("thread_not_found")
    root, *rest = site.town.messages(channel.id, message.thread_ts or message.ts)
    page, more = paged([root, *_between(rest, args)], args)
    return {"ok": True, "messages": _as_slack(site, page, args), "has_more": bool(more)} | more


def react(site: Site, args: Json) -> Json:
    """reactions.add."""
    readable_name = need(args, "name").strip(":")
    message = message_in(site, args, name="timestamp")
    if not site.town.react(message, readable_name, site.bot_user_id):
        raise Refusal("already_reacted")
    return {"ok": True}


def paged(found: Sequence[T], args: Json) -> tuple[Sequence[T], Json]:
    """One page of what was found, and the cursor of the next where there is one."""
    try:
        start = int(base64.b64decode(str(args.get("cursor") or ""), validate=True) or 0)
        size = min(max(int(args.get("limit") or 100), 1), 999)
    except (ValueError, binascii.Error):
        raise Refusal("invalid_cursor") from None
    if start + size >= len(found):
        return found[start:], {}
    cursor = base64.b64encode(str(start + size).encode()).decode()
    return found[start : start + size], {"response_metadata": {"next_cursor": cursor}}


def _between(messages: list[Message], args: Json) -> list[Message]:
    oldest, latest = str(args.get("oldest") or "0"), str(args.get("latest") or "9" * 12)
    low, high = float(oldest), float(latest)
    inclusive = truthy(args.get("inclusive"))
    return [
        one for one in messages if low < float(one.ts) < high or (inclusive and one.ts in (oldest, latest))
    ]


def _as_slack(site: Site, messages: Sequence[Message], args: Json) -> list[Json]:
    wants_metadata = truthy(args.get("include_all_metadata"))
    return [site.town.as_slack(one, with_metadata=wants_metadata) for one in messages]


def _may_list(site: Site, channel: Channel) -> bool:
    is_visible = not channel.is_private or site.bot_user_id in channel.members
    return is_visible and kind_scope(channel.kind, "read") in site.installation.scopes


def truthy(value: Any) -> bool:
    """A boolean that may have come as text."""
    return value in (True, 1, "1", "true", "True")
