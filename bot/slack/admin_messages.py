"""What admins say to us: by mention, in a direct message, with `/spanwise`, below a question of ours."""

import re
from dataclasses import replace

from bot.adapters.store.conversations_log import WRITING
from bot.governance.duty_commands import Evaluate
from bot.governance.grammar import read_sentence
from bot.governance.vocabulary import Vocabulary
from bot.services.actors import Actor, Surface
from bot.services.administering import Heard
from bot.services.conversing import Conversation, Place
from bot.slack.admin_blocks import answer_message, card, unsure_message, with_sayable
from bot.slack.blocks import list_message
from bot.slack.desk import Desk, Reply
from bot.slack.elements import Outgoing
from bot.slack.payloads import Call
from bot.slack.requesting import origin_of
from bot.slack.stage_actions import post_card

LET_GO = re.compile(r"(?:cancel|never ?mind|forget it|stop|leave it|no thanks)[.!]?", re.IGNORECASE)

WRITTEN = frozenset({"text", "instructions", "question", "expectation", "condition"})
"""Pieces that are somebody's own words: whatever the reply says, it is data and no command."""

LONG_REPLY = 12
"""Words; a longer reply outside a thread is no parameter's value or workflow's name."""


async def heard(call: Call, desk: Desk, actor: Actor, said: str, surface: Surface) -> Reply | None:
    """Take a message as an admin's sentence or as the reply to our question; None when it is neither.

    Raises Outsider, NotAuthorized, and what stands in the way of a preview.
    """
    place = await _place(call, desk, surface)
    replied = await _reply(desk, actor, place, said)
    if replied is not None:
        return replied
    found = await desk.admin.hear(actor, said, place)
    return None if found is None else await _answered(call, desk, actor, found, place)


async def replied(call: Call, desk: Desk, actor: Actor, said: str) -> Reply | None:
    """Take a reply in a thread as the answer to what we asked this person there; None when we did not."""
    return await _reply(desk, actor, await _place(call, desk, "thread"), said)


async def ordered(call: Call, desk: Desk, *, is_certain: bool = False) -> Reply | None:
    """Take what follows `/spanwise` as an admin's sentence; None when it is none.

    `is_certain`: only one that needs no model and no guessing.
    """
    actor = await desk.people.actor(call.person)
    place = replace(await _place(call, desk, "command"), is_posted=False)
    found = await desk.admin.hear(actor, call.text, place, is_order=not is_certain)
    if found is None or (is_certain and found.unsure is not None):
        return None
    return await _answered(call, desk, actor, found, place)


async def list_for(desk: Desk, actor: Actor) -> Outgoing:
    """What this person may run, and what they may say beside it."""
    released = await desk.catalogue.released(actor)
    return with_sayable(list_message(released), await desk.admin.sayable(actor))


async def prepared(call: Call, desk: Desk, actor: Actor, conversation: Conversation) -> None:
    """Have a model write what a preview shall show, and show it where nothing draws itself again."""
    done = await desk.admin.prepare(actor, conversation.id)
    if not done.is_posted:
        await desk.tell(call, await drawn(desk, done), replace=call.kind == "action")


async def drawn(desk: Desk, conversation: Conversation) -> Outgoing:
    """A conversation as it stands, its user groups by their handles."""
    return card(conversation, await desk.people.names(conversation.groups))


async def _reply(desk: Desk, actor: Actor, place: Place, said: str) -> Reply | None:
    before = await desk.admin.heard_before(actor.id, place.channel, place.thread_ts, place.request)
    if before is not None:
        return _gone_on(desk, actor, before)
    waiting = await desk.admin.waits(actor.id, place.channel, place.thread_ts)
    if waiting is None:
        return None
    if LET_GO.fullmatch(said.strip()):
        await desk.admin.cancel(actor, waiting.id, request=place.request)
        return Reply()
    if not await _goes_on(desk, waiting, said, is_thread=bool(place.thread_ts)):
        return None
    return _gone_on(desk, actor, await desk.admin.fill(actor, waiting.id, said, request=place.request))


def _gone_on(desk: Desk, actor: Actor, conversation: Conversation) -> Reply:
    if conversation.state != WRITING:
        return Reply()
    return Reply(after=lambda: _prepare_only(desk, actor, conversation))


async def _prepare_only(desk: Desk, actor: Actor, conversation: Conversation) -> None:
    await desk.admin.prepare(actor, conversation.id)


async def _goes_on(desk: Desk, waiting: Conversation, said: str, *, is_thread: bool) -> bool:
    """Whether a message is the piece we asked for, and not the next thing on somebody's mind."""
    if not is_thread and waiting.missing != "text" and await desk.admin.is_order(said):
        return False
    if waiting.missing in WRITTEN:
        return is_thread or not said.strip().endswith("?") or waiting.missing == "question"
    if read_sentence(said, Vocabulary()) is not None:
        return False
    if await desk.admin.fits(waiting, said):
        return is_thread or len(said.split()) <= LONG_REPLY
    return is_thread and not said.strip().endswith("?")


async def _answered(call: Call, desk: Desk, actor: Actor, found: Heard, place: Place) -> Reply:
    """What a sentence comes to, on the way it was said."""
    if found.shown is not None:
        return await _shown(call, desk, actor, found)
    if found.conversation is not None:
        return await _conversed(call, desk, actor, found.conversation)
    message = await _message_of(desk, actor, found)
    if call.kind == "command":
        return Reply(ack=desk.gateway.sealed_ack(message))
    if place.channel.startswith("D"):
        return Reply(after=lambda: _post(desk, place, message))
    return Reply(after=lambda: desk.tell(call, message))


async def _post(desk: Desk, place: Place, message: Outgoing) -> None:
    await desk.gateway.post(place.channel, message, thread_ts=place.thread_ts)


async def _conversed(call: Call, desk: Desk, actor: Actor, conversation: Conversation) -> Reply:
    after = None
    if conversation.state == WRITING:

        async def after() -> None:
            await prepared(call, desk, actor, conversation)

    is_noted = call.kind == "command" and not conversation.is_posted
    note = desk.gateway.sealed_ack(await drawn(desk, conversation)) if is_noted else None
    return Reply(ack=note, after=after)


async def _shown(call: Call, desk: Desk, actor: Actor, found: Heard) -> Reply:
    """Commands whose own card shows what they would do: it is posted where it was asked for."""
    command = found.shown
    if isinstance(command, Evaluate):
        await desk.evaluation_requests.ask(
            actor, command.workflow, call.channel or call.person, key=call.dedupe_key
        )
        return Reply()
    return await post_card(call, desk, getattr(command, "workflow", ""))


async def _message_of(desk: Desk, actor: Actor, found: Heard) -> Outgoing:
    if found.unsure is not None:
        return unsure_message(found.unsure)
    if found.answer is None or found.answer.is_help:
        return await list_for(desk, actor)
    return answer_message(found.answer)


async def _place(call: Call, desk: Desk, surface: Surface) -> Place:
    visibility = "private" if surface == "command" or not call.channel.startswith(("C", "G")) else "channel"
    origin = await origin_of(call, desk, surface, "channel" if visibility == "channel" else "private")
    return Place(call.dedupe_key, call.channel, call.thread_ts, origin)
