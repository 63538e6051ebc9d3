"""What the app answers to a command, or posts to a response URL."""

import json

from aiohttp import web

from bot.workspace.content import Content, content_of
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal
from bot.workspace.response_urls import ResponseSlot
from bot.workspace.site import Site
from bot.workspace.town_records import Message


class ReplyDesk:
    """Serves /response/<key>."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def handle(self, request: web.Request) -> web.Response:
        """One post to a response URL: `ok`, or Slack's error."""
        try:
            body = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        try:
            slot = self._site.response_urls.use(request.match_info["key"])
        except Refusal as refusal:
            return web.json_response(refusal.as_slack(), status=404)
        try:
            answer(self._site, slot, body)
        except Refusal as refusal:
            return web.json_response(refusal.as_slack(), status=400)
        return web.Response(text="ok")


def answer(site: Site, slot: ResponseSlot, body: Json) -> Message | None:
    """Post, replace or delete as the body says; ephemeral unless it asks for in_channel."""
    source = _source(site, slot)
    if body.get("delete_original"):
        if source is not None:
            site.town.remove(source)
        return None
    content = content_of(site, body)
    if body.get("replace_original") and source is not None:
        site.town.edit(source, text=content.text, blocks=content.blocks)
        return source
    is_public = body.get("response_type") == "in_channel"
    message = site.town.say(_message(site, slot, body, content, only_for="" if is_public else slot.person))
    if not slot.source_ts:
        slot.source_ts, slot.source_is_ephemeral = message.ts, not is_public
    return message


def _message(site: Site, slot: ResponseSlot, body: Json, content: Content, *, only_for: str) -> Message:
    return Message(
        ts="",
        channel=slot.channel,
        user=site.bot_user_id,
        text=content.text,
        blocks=content.blocks,
        thread_ts=str(body.get("thread_ts") or slot.thread_ts),
        bot_id=site.bot_id,
        app_id=site.app_id,
        metadata=content.metadata,
        only_for=only_for,
    )


def _source(site: Site, slot: ResponseSlot) -> Message | None:
    if slot.source_is_ephemeral:
        return site.town.find_ephemeral(slot.channel, slot.source_ts)
    return site.town.find(slot.channel, slot.source_ts)
