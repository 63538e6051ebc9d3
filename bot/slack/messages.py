"""What people write to us: mentions, direct messages, and replies in the thread of an answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.services.actors import Actor, Surface, Visibility
from bot.services.run_views import RunView
from bot.slack import admin_messages, home
from bot.slack.blocks import PICK_CHARACTERS, list_message, pick_notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.edit_files import uploaded
from bot.slack.incoming import (
    addressee,
    earlier_from,
    mentions,
    plain_text,
    primary_input,
    thread_for,
    values_from,
    without_mention,
)
from bot.slack.payloads import Call
from bot.slack.requesting import Ask, accept_message, carried, is_channel

SUBTYPES = frozenset({"", "file_share", "thread_broadcast"})
"""Messages that somebody wrote; the others tell of edits, joins and topics."""


async def received(call: Call, desk: Desk) -> Reply:
    """Any event."""
    handler = EVENTS.get(call.name)
    return await handler(call, desk) if handler else Reply()


def is_said(call: Call) -> bool:
    """Whether it is a message; other events only have something drawn again, however often they come."""
    return call.name in ("app_mention", "message")


async def is_for_us(call: Call, desk: Desk) -> bool:
    """Whether a message asks something of us, and not of the others who read it."""
    if not _is_written_by_a_person(call):
        return False
    if call.name == "app_mention" or _is_direct(call):
        return True
    # a mention comes as an event of its own as well
    if not _is_reply(call) or bot_user(call) in mentions(call.text):
        return False
    if await _is_reply_to_us(call, desk):
        return True
    continued = await _continued(call, desk)
    return continued is not None and await _goes_on(call, desk, continued)


async def mentioned(call: Call, desk: Desk) -> Reply:
    """Somebody named us in a channel: answer in a thread below."""
    words = plain_text(without_mention(call.text, bot_user(call)))
    thread_ts = call.thread_ts or call.message_ts
    placed = replace(call, thread_ts=thread_ts)
    actor = await desk.people.actor(call.person)
    said = without_mention(call.text, bot_user(call))
    administered = await admin_messages.heard(placed, desk, actor, said, "mention")
    if administered is not None:
        return administered
    continued = await _continued(call, desk) if call.thread_ts else None
    if continued is not None and words and not await _names_another(desk, words, actor, continued):
        return await _continue(placed, desk, continued, words, actor)
    return await _fit(placed, desk, words, actor, "mention", "channel")


async def written(call: Call, desk: Desk) -> Reply:
    """A message for us: in a direct message, below an answer, or the reply to a question of ours."""
    is_direct = _is_direct(call)
    if is_direct:
        desk.gateway.remember_direct(call.person, call.channel)
        taken = await uploaded(call, desk)
        if taken is not None:
            return taken
    administered = await _administered(call, desk, is_direct=is_direct)
    if administered is not None:
        return administered
    continued = await _continued(call, desk) if _is_reply(call) else None
    words = plain_text(call.text)
    if continued is not None and await _goes_on(call, desk, continued):
        actor = await desk.people.actor(call.person)
        return await _continue(call, desk, continued, words, actor)
    if not is_direct:
        return Reply()
    actor = await desk.people.actor(call.person)
    return await _fit(call, desk, words, actor, "dm", "private")


async def _administered(call: Call, desk: Desk, *, is_direct: bool) -> Reply | None:
    """What an admin said to us alone, or a reply to what we asked somebody in a thread."""
    said = without_mention(call.text, bot_user(call))
    if not is_direct and not await _is_reply_to_us(call, desk):
        return None
    actor = await desk.people.actor(call.person)
    if is_direct:
        return await admin_messages.heard(call, desk, actor, said, "dm")
    return await admin_messages.replied(call, desk, actor, said)


async def _is_reply_to_us(call: Call, desk: Desk) -> bool:
    """Whether we wait for a word of this person in this thread, or had this very one."""
    place = call.person, call.channel, call.thread_ts
    return (
        await desk.admin.waits(*place) is not None
        or await desk.admin.heard_before(*place, call.dedupe_key) is not None
    )


async def _continued(call: Call, desk: Desk) -> RunView | None:
    return await desk.runs.in_thread(call.channel, call.thread_ts, call.person)


def bot_user(call: Call) -> str:
    """Our own user id, as the event names it."""
    authorizations = call.raw.get("authorizations") or [{}]
    return str(authorizations[0].get("user_id") or "")


async def _fit(
    call: Call, desk: Desk, words: str, actor: Actor, surface: Surface, visibility: Visibility
) -> Reply:
    """Run the workflow that fits, or ask which."""
    if not words or words.lower() in ("help", "hi", "hello"):
        listed = await admin_messages.list_for(desk, actor)
        return Reply(after=lambda: desk.tell(call, listed))
    fitting = await desk.catalogue.route(words, actor)
    if not fitting:
        return Reply(after=lambda: desk.tell(call, list_message(())))
    if len(fitting) == 1 or len(words) > PICK_CHARACTERS:
        best = fitting[0]
        thread = await thread_for(desk, best, call.channel, call.thread_ts)
        ask = Ask(best, values_from(best, words, thread), surface, visibility)
        return await accept_message(call, desk, ask, actor)
    values = [carried(call, Ask(item, {}, surface, visibility), words) for item in fitting]
    return Reply(after=lambda: desk.tell(call, pick_notice(fitting, values)))


async def _continue(call: Call, desk: Desk, before: RunView, words: str, actor: Actor) -> Reply:
    """Ask further in the thread of an answer: the same workflow, the other inputs as they were."""
    released = await desk.catalogue.find(before.workflow, actor)
    kept = {name: value for name, value in before.inputs.items() if name in released.face.inputs}
    name = primary_input(released)
    thread = await thread_for(desk, released, call.channel, call.thread_ts)
    said = values_from(released, words, thread) if thread else {name: words} if name else {}
    values = {**kept, **said, **earlier_from(released, before, name, words)} if name else kept
    ask = Ask(released, values, "thread", _visibility(call, before), follows=before.id)
    return await accept_message(call, desk, ask, actor)


def _visibility(call: Call, before: RunView) -> Visibility:
    """A channel reads on where it has the answer already; everything else stays with who asks."""
    is_open = before.shared or before.origin.visibility == "channel"
    return "channel" if is_open and is_channel(call.channel) else "private"


async def _names_another(desk: Desk, words: str, actor: Actor, continued: RunView) -> bool:
    """Whether the message begins with the name of a workflow, which then counts more than the thread."""
    fitting = await desk.catalogue.route(words, actor)
    return (
        len(fitting) == 1 and fitting[0].name != continued.workflow and _begins_with(words, fitting[0].name)
    )


def _begins_with(words: str, name: str) -> bool:
    return words.lower().lstrip("/").startswith(name)


async def _goes_on(call: Call, desk: Desk, continued: RunView) -> bool:
    """Whether a reply in an answer's thread is meant for us.

    Not when it begins by naming somebody else; and in a thread that a person began in a channel, only when
    it is from whoever asked: the others talk among themselves until they mention us.
    """
    if addressee(call.text) or not plain_text(call.text):
        return False
    if not is_channel(call.channel) or continued.actor.id == call.person:
        return True
    return await desk.runs.by_message(call.channel, call.thread_ts) is not None


def _is_written_by_a_person(call: Call) -> bool:
    event = _event(call)
    return bool(call.person) and not event.get("bot_id") and event.get("subtype", "") in SUBTYPES


def _is_direct(call: Call) -> bool:
    return _event(call).get("channel_type") == "im" or call.channel.startswith("D")


def _is_reply(call: Call) -> bool:
    return bool(call.thread_ts) and call.thread_ts != call.message_ts


def _event(call: Call) -> Mapping[str, Any]:
    event: Mapping[str, Any] = call.raw.get("event") or {}
    return event


EVENTS: Mapping[str, Handler] = {
    "app_mention": mentioned,
    "message": written,
    "app_home_opened": home.opened,
}
