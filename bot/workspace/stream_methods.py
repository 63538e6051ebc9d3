"""chat.startStream, appendStream and stopStream: a reply that grows while it is written."""

from typing import Any

from bot.workspace.block_walk import with_ids
from bot.workspace.blockkit import MARKDOWN_LIMIT, check_chunks
from bot.workspace.channel_access import writable
from bot.workspace.chat_methods import own_message
from bot.workspace.content import blocks_of, metadata_of
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal, invalid_arguments, need
from bot.workspace.site import Site
from bot.workspace.town_records import Message


def start(site: Site, args: Json) -> Json:
    """chat.startStream: always a reply; in channels it says for whom."""
    channel = writable(site, args)
    root = channel.messages.get(need(args, "thread_ts"))
    if root is None:
        raise Refusal("thread_not_found")
    if channel.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not args.get(name):
                raise Refusal(f"missing_{name}")
    text, blocks = _grown(site, "", [], args)
    message = Message(
        ts="",
        channel=channel.id,
        user=site.bot_user_id,
        text=text,
        blocks=blocks,
        thread_ts=root.thread_ts or root.ts,
        bot_id=site.bot_id,
        app_id=site.app_id,
        is_streaming=True,
    )
    site.town.say(message)
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def append(site: Site, args: Json) -> Json:
    """chat.appendStream."""
    message = _streaming(site, args)
    text, blocks = _grown(site, message.text, message.blocks, args)
    site.town.edit(message, mark=False, text=text, blocks=blocks)
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def stop(site: Site, args: Json) -> Json:
    """chat.stopStream: a last piece, and blocks to stand below it."""
    message = _streaming(site, args)
    text, blocks = _grown(site, message.text, message.blocks, args)
    final = blocks_of(site, args.get("blocks"))
    site.town.edit(
        message,
        mark=False,
        text=text,
        blocks=blocks + final,
        metadata=metadata_of(args.get("metadata")) or message.metadata,
        is_streaming=False,
    )
    body = {"ok": True, "channel": message.channel, "ts": message.ts}
    return body | {"message": site.town.as_slack(message)}


def _streaming(site: Site, args: Json) -> Message:
    message = own_message(site, args, "message_not_owned_by_app")
    if not message.is_streaming:
        raise Refusal("message_not_in_streaming_state")
    return message


def _grown(site: Site, text: str, blocks: list[Json], args: Json) -> tuple[str, list[Json]]:
    """Text and blocks with the pieces of this call added: tasks above, what was written below."""
    chunks = args.get("chunks") or []
    problems = [problem.sentence("/chunks") for problem in check_chunks(chunks)]
    if problems:
        raise invalid_arguments(*problems)
    if args.get("markdown_text"):
        chunks = [{"type": "markdown_text", "text": str(args["markdown_text"])}, *chunks]
    new_text = text + "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")
    if len(new_text) > MARKDOWN_LIMIT:
        raise Refusal("msg_too_long")
    above = [block for block in blocks if block["type"] != "markdown"]
    for chunk in chunks:
        above = _with_chunk(site, above, chunk)
    below: list[Json] = [{"type": "markdown", "text": new_text}] if new_text else []
    return new_text, with_ids(above + below, lambda: site.town.next_id("b"))


def _with_chunk(site: Site, blocks: list[Json], chunk: dict[str, Any]) -> list[Json]:
    if chunk["type"] == "blocks":
        return blocks + blocks_of(site, chunk["blocks"])
    if chunk["type"] == "task_update":
        card = {"type": "task_card", "task_id": chunk["id"]}
        card |= {name: chunk[name] for name in ("title", "status", "sources") if chunk.get(name)}
        card |= {name: _rich(chunk[name]) for name in ("details", "output") if chunk.get(name)}
        return [one for one in blocks if one.get("task_id") != chunk["id"]] + [card]
    if chunk["type"] == "plan_update":
        return [one for one in blocks if one["type"] != "plan"] + [
            {"type": "plan", "title": chunk["title"], "tasks": []}
        ]
    return blocks


def _rich(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}
