"""A question handed to a person: the button below an answer, and what the person does with it."""

from collections.abc import Mapping

from bot.services.actors import Actor, Origin
from bot.slack import escalation_text as words
from bot.slack.blocks import ASK, notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.escalation_blocks import DECLINE, FORM, NAME, REPLY, TEXT, read_reply, reply_form
from bot.slack.form_replies import closing_with, marked, opening
from bot.slack.payloads import Call
from bot.slack.text import form_expired


async def ask(call: Call, desk: Desk) -> Reply:
    """Hand one's own question to whoever should know."""
    actor = await desk.people.actor(call.person)
    made = await desk.escalating.ask(actor, call.value)
    expert = made.row.expert
    return Reply(after=lambda: desk.tell(call, notice(words.asked(expert), mentions=(expert,))))


async def reply(call: Call, desk: Desk) -> Reply:
    """The form of a reply."""
    actor = await desk.people.actor(call.person)
    draft = await desk.escalating.draft(actor, call.value)
    return opening(call, desk, reply_form(draft, call.place), form_expired(words.REPLY, ""))


async def reply_sent(call: Call, desk: Desk) -> Reply:
    """A reply to bring, and perhaps to keep."""
    run_id = call.remembered("run")
    text, collection, title = read_reply(call.state)
    problems = {} if text else {TEXT: "Write your answer."}
    if collection and not title:
        problems[NAME] = "A document needs a title."
    if problems:
        return marked(problems)
    actor = await desk.people.actor(call.person)
    change = await desk.escalating.reply(
        actor, run_id, text, collection=collection, title=title, origin=_origin(call, actor)
    )
    return closing_with(call, desk, notice(words.done(change)))


async def decline(call: Call, desk: Desk) -> Reply:
    """The person cannot answer."""
    actor = await desk.people.actor(call.person)
    await desk.escalating.decline(actor, call.value)
    return Reply()


def _origin(call: Call, actor: Actor) -> Origin:
    return Origin("dm", actor.team_id, call.channel, message_ts=call.message_ts, readers=(actor.id,))


ESCALATION_ACTIONS: Mapping[str, Handler] = {ASK: ask, REPLY: reply, DECLINE: decline}
ESCALATION_VIEWS: Mapping[str, Handler] = {FORM: reply_sent}
