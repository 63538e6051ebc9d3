"""How the page sees the workspace: state, messages and views as its JSON."""

import copy
from typing import Any

from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal
from bot.workspace.site import Site
from bot.workspace.town_records import Channel, Message
from bot.workspace.view_desk import OpenView


def page_state(site: Site, person: str, *, is_connected: bool) -> Json:
    """Everything the page needs to draw its frame."""
    installation = site.installation
    app = {"id": site.app_id, "name": installation.name, "bot_user_id": site.bot_user_id}
    return {
        "ok": True,
        "team": {"id": site.town.team_id, "name": site.town.team_name},
        "me": person,
        "people": [_person(site, user_id) for user_id in site.town.users],
        "channels": [_channel(site, person, one) for one in visible_channels(site, person)],
        "commands": [
            {
                "command": name,
                "description": one.get("description", ""),
                "usage_hint": one.get("usage_hint", ""),
                "app": installation.name,
            }
            for name, one in installation.commands.items()
        ],
        "shortcuts": [
            {key: one.get(key, "") for key in ("name", "callback_id", "type", "description")}
            for one in installation.shortcuts.values()
        ],
        "app": app | {"connected": is_connected},
    }


def page_messages(site: Site, person: str, channel_id: str, thread_ts: str) -> list[Json]:
    """What a person sees in a channel or a thread, oldest first, ephemerals included."""
    seen = site.town.messages(channel_id, thread_ts) + [
        one for one in site.town.ephemerals(channel_id, person) if thread_ts in ("", one.thread_ts)
    ]
    if not thread_ts:
        seen = [one for one in seen if not one.is_reply or one.is_broadcast]
    return [page_message(site, one) for one in sorted(seen, key=lambda one: one.ts)]


def page_message(site: Site, message: Message) -> Json:
    """A message with addresses that the page can draw images from."""
    body = site.town.as_slack(message) | {"channel": message.channel, "is_ephemeral": message.is_ephemeral}
    body["files"] = [_file(site, file) for file in message.files]
    body["blocks"] = drawable(site, message.blocks)
    return body


def page_view(site: Site, view: OpenView) -> Json:
    """A view, the same way."""
    return view.as_slack() | {"blocks": drawable(site, view.blocks)}


def drawable(site: Site, blocks: list[Json]) -> list[Json]:
    """A copy of blocks in which images of uploaded files have an address."""
    copied = copy.deepcopy(blocks)
    _resolve(site, copied)
    return copied


def visible_channels(site: Site, person: str) -> list[Channel]:
    """Public channels and those the person is in."""
    return [one for one in site.town.channels.values() if not one.is_private or person in one.members]


def keyed_url(site: Site, file_id: str) -> str:
    """An address of a file for the page, which has no token."""
    file = site.shelf.find(file_id)
    return f"/files/{file.id}/{file.name}?key={file.key}"


def _resolve(site: Site, part: Any) -> None:
    if isinstance(part, list):
        for one in part:
            _resolve(site, one)
    elif isinstance(part, dict):
        wanted = part.get("slack_file")
        if part.get("type") == "image" and isinstance(wanted, dict) and wanted.get("id"):
            part["image_url"] = keyed_url(site, wanted["id"])
        for one in part.values():
            _resolve(site, one)


def _file(site: Site, file: Json) -> Json:
    try:
        url = keyed_url(site, file["id"])
    except Refusal:
        url = ""
    names = ("id", "name", "title", "mimetype", "alt_txt", "size")
    return {key: file[key] for key in names} | {"url": url}


def _person(site: Site, user_id: str) -> Json:
    user = site.town.users[user_id]
    names = ("id", "name", "real_name", "title", "color", "is_bot", "is_admin")
    return {key: getattr(user, key) for key in names}


def _channel(site: Site, person: str, channel: Channel) -> Json:
    body: Json = {
        "id": channel.id,
        "name": channel.name,
        "kind": "dm" if channel.kind == "im" else "channel",
        "is_private": channel.is_private,
        "topic": channel.topic,
        "members": channel.members,
        "unread": site.town.unread(person, channel.id),
    }
    if channel.kind == "im":
        body["with"] = next((one for one in channel.members if one != person), person)
    return body
