"""Buttons and forms of an admin's conversation."""

import asyncio
import json
from collections.abc import Mapping

from bot.adapters.store.conversations_log import CONFIRMED, WRITING
from bot.governance.admin_commands import read_command
from bot.governance.changes import Target
from bot.governance.edit_commands import AddKnowledge
from bot.services.actors import Actor
from bot.services.conversing import Conversation
from bot.slack import admin_blocks as blocks
from bot.slack.admin_messages import drawn, prepared
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.edit_forms import open_editor
from bot.slack.knowledge_forms import open_draft
from bot.slack.payloads import Call, UnreadableClick

LOOK_S, LOOKS = 0.1, 20
"""How often and how many times to look for the message of a new change request before linking to it."""


async def picked(call: Call, desk: Desk) -> Reply:
    """A choice from the menu of a question."""
    actor = await desk.people.actor(call.person)
    name, _, number = call.value.partition(":")
    known = await desk.admin.own(actor, name)
    choices = known.question.choices if known.missing else ()
    if not number.isdigit() or int(number) >= len(choices):
        raise UnreadableClick(call.name)
    moved = await desk.admin.fill(actor, name, choices[int(number)].value, is_picked=True)
    return _drawn(call, desk, actor, moved)


async def write(call: Call, desk: Desk) -> Reply:
    """A form for the piece that is asked for."""
    actor = await desk.people.actor(call.person)
    known = await desk.admin.own(actor, call.value)
    form = blocks.piece_form(known)
    memory = {"conversation": known.id, "channel": call.channel, "response_url": call.response_url}

    async def show() -> None:
        await desk.gateway.open_view(call.trigger_id, {**form, "private_metadata": json.dumps(memory)})

    return Reply(after=show)


async def answered(call: Call, desk: Desk) -> Reply:
    """The form for one piece, sent off."""
    actor = await desk.people.actor(call.person)
    field = (call.state.get(blocks.PIECE) or {}).get(blocks.PIECE) or {}
    said = str(field.get("value") or "").strip()
    moved = await desk.admin.fill(actor, str(call.metadata.get("conversation", "")), said)
    return _drawn(call, desk, actor, moved)


async def confirm(call: Call, desk: Desk) -> Reply:
    """Carry it out, for everybody or for a pilot; the right is looked at again now."""
    actor = await desk.people.actor(call.person)
    name, _, seen = call.value.partition(":")
    done = await desk.admin.confirm(actor, name, seen, is_for_pilot=call.name == blocks.PILOT)
    if done.state == CONFIRMED and done.result.startswith("c_"):
        return Reply(after=lambda: _linked(call, desk, done))
    return _drawn(call, desk, actor, done)


async def cancel(call: Call, desk: Desk) -> Reply:
    """Let go of it."""
    actor = await desk.people.actor(call.person)
    return _drawn(call, desk, actor, await desk.admin.cancel(actor, call.value))


async def again(call: Call, desk: Desk) -> Reply:
    """Have the preview written again, when what wrote it was stopped."""
    actor = await desk.people.actor(call.person)
    return Reply(after=lambda: _prepare(call, desk, actor))


async def edit(call: Call, desk: Desk) -> Reply:
    """The form of what the preview shows, with the previewed content in it."""
    actor = await desk.people.actor(call.person)
    known = await desk.admin.own(actor, call.value)
    command = read_command(known.said["typed"])
    if isinstance(command, AddKnowledge):
        return await open_draft(call, desk, actor, command, known.id)
    return await open_editor(call, desk, Target(*known.said["target"]), text=known.said["content"])


async def _prepare(call: Call, desk: Desk, actor: Actor) -> None:
    done = await desk.admin.prepare(actor, call.value)
    if not done.is_posted:
        await desk.tell(call, await drawn(desk, done), replace=True)


def _drawn(call: Call, desk: Desk, actor: Actor, conversation: Conversation) -> Reply:
    """A message draws itself again; a note is replaced by the way it came."""
    if conversation.state == WRITING:
        return Reply(after=lambda: prepared(call, desk, actor, conversation))
    if conversation.is_posted:
        return Reply()
    return Reply(after=lambda: _redrawn(call, desk, conversation))


async def _redrawn(call: Call, desk: Desk, conversation: Conversation) -> None:
    await desk.tell(call, await drawn(desk, conversation), replace=True)


async def _linked(call: Call, desk: Desk, conversation: Conversation) -> None:
    """Say where the change request stands as soon as it does."""
    channel, ts = "", ""
    for _ in range(LOOKS):
        channel, ts = await desk.admin.change_place(conversation)
        if ts:
            break
        await asyncio.sleep(LOOK_S)
    if ts and desk.workspace_url:
        link = f"{desk.workspace_url}archives/{channel}/p{ts.replace('.', '')}"
        conversation = await desk.admin.linked(conversation, link)
    if not conversation.is_posted:
        await _redrawn(call, desk, conversation)


ADMIN_ACTIONS: Mapping[str, Handler] = {
    blocks.PICK: picked,
    blocks.WRITE: write,
    blocks.CONFIRM: confirm,
    blocks.PILOT: confirm,
    blocks.CANCEL: cancel,
    blocks.AGAIN: again,
    blocks.EDIT: edit,
}
ADMIN_VIEWS: Mapping[str, Handler] = {blocks.ANSWER: answered}
