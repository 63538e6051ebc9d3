"""The Web API's chat.* methods, without streaming."""

from bot.workspace.channel_access import message_in, writable
from bot.workspace.content import EDIT_LIMIT, Content, content_of, metadata_of
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal, need
from bot.workspace.site import Site
from bot.workspace.town_records import Channel, Message


def post_message(site: Site, args: Json) -> Json:
    """chat.postMessage."""
    channel = writable(site, args)
    content = content_of(site, args)
    key = str(args.get("client_msg_id") or "")
    message = _posted_before(site, channel, key) or site.town.say(
        Message(
            ts="",
            channel=channel.id,
            user=site.bot_user_id,
            text=content.text,
            blocks=content.blocks,
            thread_ts=root_of(site, channel, args),
            bot_id=site.bot_id,
            app_id=site.app_id,
            metadata=content.metadata,
            client_msg_id=key,
            is_broadcast=bool(args.get("reply_broadcast")),
            unfurl_links=args.get("unfurl_links"),
            unfurl_media=args.get("unfurl_media"),
        )
    )
    body = {"ok": True, "channel": channel.id, "ts": message.ts, "message": site.town.as_slack(message)}
    return body | warned(content)


def post_ephemeral(site: Site, args: Json) -> Json:
    """chat.postEphemeral."""
    person = need(args, "user")
    channel = writable(site, args)
    if person not in channel.members:
        raise Refusal("user_not_in_channel")
    content = content_of(site, args)
    message = site.town.say(
        Message(
            ts="",
            channel=channel.id,
            user=site.bot_user_id,
            text=content.text,
            blocks=content.blocks,
            thread_ts=root_of(site, channel, args),
            bot_id=site.bot_id,
            app_id=site.app_id,
            only_for=person,
        )
    )
    return {"ok": True, "message_ts": message.ts} | warned(content)


def update(site: Site, args: Json) -> Json:
    """chat.update: own messages only, never while streaming; omitted metadata and blocks stay."""
    message = own_message(site, args, "cant_update_message")
    if message.is_streaming:
        raise Refusal("streaming_state_conflict")
    content = content_of(site, args)
    if len(content.text) > EDIT_LIMIT:
        raise Refusal("msg_too_long")
    changes: Json = {"text": content.text}
    if args.get("blocks") is not None or args.get("markdown_text"):
        changes["blocks"] = content.blocks
    if args.get("metadata") is not None:
        changes["metadata"] = metadata_of(args["metadata"])
    site.town.edit(message, **changes)
    body = {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text}
    return body | {"message": site.town.as_slack(message)} | warned(content)


def delete(site: Site, args: Json) -> Json:
    """chat.delete."""
    message = own_message(site, args, "cant_delete_message")
    site.town.remove(message)
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def permalink(site: Site, args: Json) -> Json:
    """chat.getPermalink: an address of the local page."""
    message = message_in(site, args, name="message_ts")
    place = f"{site.base_url}/archives/{message.channel}/p{message.ts.replace('.', '')}"
    thread = f"?thread_ts={message.thread_ts}&cid={message.channel}" if message.is_reply else ""
    return {"ok": True, "channel": message.channel, "permalink": place + thread}


def own_message(site: Site, args: Json, refusal: str) -> Message:
    """A message that the app wrote itself."""
    message = message_in(site, args)
    if message.user != site.bot_user_id:
        raise Refusal(refusal)
    return message


def warned(content: Content) -> Json:
    """The warnings of an answer."""
    if not content.warnings:
        return {}
    return {"warning": ",".join(content.warnings), "response_metadata": {"warnings": content.warnings}}


def _posted_before(site: Site, channel: Channel, key: str) -> Message | None:
    if not key or not site.options.dedupes_client_msg_id:
        return None
    return next((one for one in channel.messages.values() if one.client_msg_id == key), None)


def root_of(site: Site, channel: Channel, args: Json) -> str:
    """The root of the thread to answer in; a reply's timestamp stands for its root."""
    thread_ts = str(args.get("thread_ts") or "")
    if not thread_ts:
        return ""
    message = channel.messages.get(thread_ts)
    if message is None:
        raise Refusal("thread_not_found")
    return message.thread_ts or message.ts
